/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the compiler from optimizing allocations away. */
#ifndef KEEP_H
#define KEEP_H

#define NOINLINE __attribute__((noinline, noclone))

/* The compiler knows nothing of the result, so it cannot remove the call that made p. */
static inline void *keep(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Against a compiler that knows too much. */
#ifndef KEEP_H
#define KEEP_H

#define NOINLINE __attribute__((noinline, noclone))

/* Nothing is known of what it returns: the call that made it can't be left out. */
static inline void *keep(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

#endif

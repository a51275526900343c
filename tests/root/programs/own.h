/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program's own allocator, with the name of one that memtrace knows (jemalloc). It never reuses
 * memory, so a signal or a jump may interrupt it anywhere. own_inside is set during a call.
 */
#ifndef OWN_H
#define OWN_H

#include <stdatomic.h>
#include <stddef.h>

void *je_malloc(size_t size);
void je_free(void *p);

static volatile int own_inside;
static void (*volatile own_hook)(void); /* called in the middle of a call */

static char own_memory[64 << 20] __attribute__((aligned(16)));
static atomic_size_t own_used;

__attribute__((noinline)) void *je_malloc(size_t size)
{
	int was = own_inside;
	size_t at;

	own_inside = 1;
	for (volatile int i = 0; i < 1000; i++)
		;
	if (own_hook)
		own_hook();
	at = atomic_fetch_add(&own_used, (size + 15) / 16 * 16);
	if (at + size > sizeof(own_memory))
		__builtin_trap();
	own_inside = was;
	return own_memory + at;
}

__attribute__((noinline)) void je_free(void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A library whose inner function, NAME, is named in its debug information only. */
#include <stdlib.h>

static void *volatile kept[100];

__attribute__((noinline)) static void NAME(void)
{
	for (int i = 0; i < 100; i++)
		kept[i] = malloc(1000);
}

void work(void);

void work(void)
{
	NAME();
	__asm__ volatile(""); /* no tail call */
}

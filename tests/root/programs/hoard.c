/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps so much, in so many ways, that a tracer without a limit would grow with it.
 *
 *   hoard blocks N   N blocks of 16 bytes
 *   hoard stacks N   N blocks of 16 bytes, each with a call stack of its own
 *   hoard freed N    the same as blocks, and frees them all
 */
#include "truth.h"

#define DEPTH 24

static void **all;
static long used;

static NOINLINE void take(void)
{
	all[used++] = keep(malloc(16));
}

static NOINLINE void left(unsigned long way, int depth);
static NOINLINE void right(unsigned long way, int depth);

static NOINLINE void turn(unsigned long way, int depth)
{
	if (!depth)
		take();
	else if (way & 1)
		left(way >> 1, depth - 1);
	else
		right(way >> 1, depth - 1);
	__asm__ volatile("" : : : "memory"); /* no tail call */
}

static NOINLINE void left(unsigned long way, int depth)
{
	turn(way, depth);
	__asm__ volatile("" : : : "memory");
}

static NOINLINE void right(unsigned long way, int depth)
{
	turn(way, depth);
	__asm__ volatile("" : : : "memory");
}

int main(int argc, char **argv)
{
	long n = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	int stacks = argc == 3 && !strcmp(argv[1], "stacks");

	if (argc != 3)
		return 2;
	all = calloc((size_t)n, sizeof(*all));
	if (!all)
		return 1;
	truth_begin();
	for (long i = 0; i < n; i++)
		turn(stacks ? (unsigned long)i : 0, stacks ? DEPTH : 0);
	if (!strcmp(argv[1], "freed"))
		while (used)
			free(all[--used]);
	truth("take", "malloc", used, 16 * used);
	truth_end();
	return 0;
}

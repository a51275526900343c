/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leaks 100 blocks of 1000 bytes a second from one function, and as many times that as the first
 * argument says from another, by the clock, until it is killed.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void *volatile lost;

__attribute__((noinline)) static void same_pace(void)
{
	lost = malloc(1000);
}

__attribute__((noinline)) static void other_pace(void)
{
	lost = malloc(1000);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	int factor = argc > 1 ? atoi(argv[1]) : 1;
	double began = now();

	for (long n = 0;; usleep(5000)) {
		for (; n < (long)((now() - began) * 100); n++) {
			same_pace();
			for (int i = 0; i < factor; i++)
				other_pace();
		}
	}
}

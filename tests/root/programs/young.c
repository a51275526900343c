/* SPDX-License-Identifier: GPL-2.0-or-later */
/* young N: N children, each of which leaves 5 blocks of 100 bytes and ends at once. */
#include <sys/wait.h>

#include "truth.h"

#define BLOCKS 5

static NOINLINE void leave(void)
{
	for (int i = 0; i < BLOCKS; i++)
		keep(malloc(100));
}

int main(int argc, char **argv)
{
	long n = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	pid_t child;
	int status;

	if (argc != 2)
		return 2;
	truth_begin();
	for (long i = 0; i < n; i++) {
		child = fork();
		if (!child) {
			leave();
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status)
			abort();
	}
	truth("leave", "malloc", BLOCKS * n, 100 * BLOCKS * n);
	truth_end();
	return 0;
}

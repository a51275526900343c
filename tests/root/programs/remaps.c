/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maps its own file many times over, and then maps code and unmaps it again, in each of its rounds.
 * Each round leaves a block. Usage: remaps MAPPINGS ROUNDS.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "keep.h"
#include "truth.h"

#define PAGE 4096ul

/* Neighbours differ, so that the kernel does not merge them. */
static void map_many(int fd, int n)
{
	for (int i = 0; i < n; i++)
		if (mmap(NULL, PAGE, i & 1 ? PROT_READ : PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
			 0) == MAP_FAILED)
			abort();
}

static NOINLINE void leave_a_block(void)
{
	keep(malloc(100));
}

int main(int argc, char **argv)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int rounds = argc > 2 ? atoi(argv[2]) : 0;

	map_many(fd, argc > 1 ? atoi(argv[1]) : 0);
	truth_begin();
	for (int i = 0; i < rounds; i++) {
		void *code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

		leave_a_block();
		munmap(code, PAGE);
		nanosleep(&ms, NULL);
	}
	truth("leave_a_block", "malloc", rounds, rounds * 100l);
	truth_end();
	return 0;
}

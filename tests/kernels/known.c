/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that knows its own answer: allocates, through ten functions without frame pointers,
 * blocks of known sizes that it keeps, and others that it does not, and prints what it holds.
 *
 *   known THREADS [PAIRS [wait]]       PAIRS: blocks that each thread does not keep; wait: begins
 * at the first byte from standard input, ends at its end known THREADS PAIRS PROGRAM        then
 * has a child run PROGRAM THREADS PAIRS
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MALLOCS = 40,
	CALLOCS = 30,
	REALLOCS = 20,
	ALIGNED = 10,
	MAPS = 2,
	MAP_BYTES = 128 << 10,
};

struct truth {
	unsigned long heap_bytes, heap_blocks, map_bytes, map_blocks;
};

static void *volatile kept;
static int pairs = 300;
static volatile int one = 1; /* what the compiler cannot know: calls stay calls */

static void keep(struct truth *t, void *p, size_t size)
{
	if (!p)
		abort();
	memset(p, 1, size < 16 ? size : 16);
	kept = p;
	t->heap_bytes += size;
	t->heap_blocks++;
}

__attribute__((noinline)) static void known_malloc(struct truth *t)
{
	for (int i = 0; i < MALLOCS; i++)
		keep(t, malloc(100 + i), 100 + i);
}

__attribute__((noinline)) static void known_calloc(struct truth *t)
{
	for (int i = 0; i < CALLOCS; i++)
		keep(t, calloc(7 * one, 24), 7 * 24);
}

__attribute__((noinline)) static void known_realloc(struct truth *t)
{
	for (int i = 0; i < REALLOCS; i++) {
		void *p = malloc(16 * one);

		kept = p;
		p = realloc(p, 5000 + i);
		keep(t, p, 5000 + i);
	}
}

__attribute__((noinline)) static void known_memalign(struct truth *t)
{
	for (int i = 0; i < ALIGNED; i++) {
		void *p = NULL;

		if (posix_memalign(&p, 64 * one, 333))
			abort();
		keep(t, p, 333);
	}
}

__attribute__((noinline)) static void known_map(struct truth *t)
{
	for (int i = 0; i < MAPS + 1; i++) {
		char *p = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		if (p == MAP_FAILED)
			abort();
		kept = p;
		if (i == MAPS) {
			munmap(p, MAP_BYTES);
		} else {
			t->map_bytes += MAP_BYTES;
			t->map_blocks++;
		}
	}
}

__attribute__((noinline)) static void known_churn(void)
{
	for (int i = 0; i < pairs; i++) {
		void *p = malloc(64 + i % 512);

		kept = p;
		free(p);
	}
}

__attribute__((noinline)) static int depth_10(struct truth *t)
{
	known_malloc(t);
	known_calloc(t);
	known_realloc(t);
	known_memalign(t);
	known_map(t);
	known_churn();
	return one;
}

/* No tail call: something is left to do. */
#define DEPTH(n, next)                                                                             \
	__attribute__((noinline)) static int depth_##n(struct truth *t)                            \
	{                                                                                          \
		return next(t) + one;                                                              \
	}
DEPTH(9, depth_10)
DEPTH(8, depth_9)
DEPTH(7, depth_8)
DEPTH(6, depth_7)
DEPTH(5, depth_6)
DEPTH(4, depth_5)
DEPTH(3, depth_4)
DEPTH(2, depth_3)
DEPTH(1, depth_2)

static void *work(void *t)
{
	return depth_1(t) == 10 ? t : NULL;
}

/* The child's own status. */
static int run(char **argv)
{
	char *args[] = { argv[3], argv[1], argv[2], NULL };
	pid_t pid = fork();
	int status;

	if (!pid) {
		execv(args[0], args);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
									       : 1;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? argv[1][0] - '0' : 1, n;
	int waits = argc > 3 && !strcmp(argv[3], "wait");
	struct truth t[2] = { 0 };
	pthread_t other;
	char line[128];

	if (argc > 2)
		pairs = strtol(argv[2], NULL, 10);
	if (waits && read(0, line, 1) != 1)
		return 1;
	if (threads == 2 && pthread_create(&other, NULL, work, &t[1]))
		return 1;
	if (!work(&t[0]) || (threads == 2 && pthread_join(other, NULL)))
		return 1;
	n = snprintf(line, sizeof(line), "truth %lu %lu %lu %lu\n",
		     t[0].heap_bytes + t[1].heap_bytes, t[0].heap_blocks + t[1].heap_blocks,
		     t[0].map_bytes + t[1].map_bytes, t[0].map_blocks + t[1].map_blocks);
	if (write(1, line, n) != n)
		return 1;
	while (waits && read(0, line, 1) > 0)
		;
	return argc > 3 && !waits ? run(argv) : 0;
}

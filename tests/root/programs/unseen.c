/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that grows by 24 MiB, by the first argument: in a mapping of its own (map), in one that
 * it made before (old), in an array of its data (array), in blocks of malloc that it keeps (heap)
 * or frees (freed), in its pages of a file (file), on its stack (stack). Each allocates and frees
 * a little besides.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "truth.h"

#define BYTES ((size_t)24 << 20)

static char array[BYTES];
static void *volatile held;

__attribute__((noinline)) static void churn(void)
{
	for (int i = 0; i < 1000; i++) {
		held = malloc(100);
		free(held);
	}
}

static char *map(int fd, int flags)
{
	void *p = (void *)syscall(SYS_mmap, NULL, BYTES, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

__attribute__((noinline)) static void keep_or_free(int kept)
{
	enum { N = BYTES / 1024 };
	static void *blocks[N];

	for (size_t i = 0; i < N; i++) {
		blocks[i] = malloc(1000);
		memset(blocks[i], 1, 1000);
	}
	for (size_t i = 0; i < N && !kept; i++)
		free(blocks[i]);
}

__attribute__((noinline)) static void use_stack(void)
{
	volatile char *p = __builtin_alloca(BYTES / 4);

	for (size_t i = 0; i < BYTES / 4; i += 4096)
		p[i] = 1;
}

static void use_file(void)
{
	FILE *f = tmpfile();
	volatile char *p;

	if (!f || ftruncate(fileno(f), BYTES))
		abort();
	p = map(fileno(f), MAP_SHARED);
	for (size_t i = 0; i < BYTES; i += 4096)
		p[i] = 1;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	char *old = map(-1, MAP_PRIVATE | MAP_ANONYMOUS);

	churn();
	truth_begin();
	if (!strcmp(how, "map"))
		memset(map(-1, MAP_PRIVATE | MAP_ANONYMOUS), 1, BYTES);
	else if (!strcmp(how, "old"))
		memset(old, 1, BYTES);
	else if (!strcmp(how, "array"))
		memset(array, 1, BYTES);
	else if (!strcmp(how, "heap") || !strcmp(how, "freed"))
		keep_or_free(*how == 'h');
	else if (!strcmp(how, "file"))
		use_file();
	else if (!strcmp(how, "stack"))
		use_stack();
	else
		return 2;
	churn();
	truth_end();
	return 0;
}

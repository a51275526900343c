/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds where glibc calls its own free for what no program freed: when a thread ends, it gives back
 * the blocks in the thread's cache, which the program freed before, and then the cache itself,
 * which no call of malloc returned. Neither is a free of the program.
 *
 * All other functions of glibc call free as a program does, by its name, which another malloc may
 * have taken over. So every direct call from outside the allocation functions is such a place. They
 * are two, in every version since 2.26, when these caches came.
 */
#ifndef MEMTRACE_PROBE_LIBC_FREES_H
#define MEMTRACE_PROBE_LIBC_FREES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf;
struct elf_function;

#define LIBC_FREES_MAX 4

struct code_range {
	uint64_t start, end; /* virtual addresses */
};

/* What a file's symbols say. Begins as zeros. */
struct glibc {
	bool found;
	uint64_t free;
	struct code_range thread_end; /* the function that gives back a cache, where it is named */
};

/* To be called for each function of the file. */
void libc_frees__consider(struct glibc *g, const struct elf_function *f);

/*
 * Searches all code but the n ranges of `not_in`, or only the function that gives back a cache.
 * Writes the file offsets of the calls, or jumps, and returns how many there are: 0 where the file
 * is not glibc, and where they are more than LIBC_FREES_MAX, as in a program that has glibc linked
 * into it and no symbols, where every call is direct.
 */
size_t libc_frees__find(const struct glibc *g, struct elf *e, const struct code_range *not_in,
			size_t n, uint64_t offsets[LIBC_FREES_MAX]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allocation functions that the user names (--probe), for programs with their own allocators:
 * rows in addition to the table (alloc_functions.h), each with the file and the function that it is
 * for.
 *
 *     libpool.so*:pool_alloc(size=2)  server:Pool::free(ptr=2)  server:0x4a10(ptr=1)
 *
 * FILE:FUNCTION(ARGUMENTS), separated by spaces or commas. FILE is a name or a path, with the
 * shell's wildcards; without it, or as *, any file. FUNCTION is a symbol, a C++ or Rust name as `nm
 * -C` prints it, with or without its parameters, or a file offset. Arguments count from 1; which
 * ones are given tells what the function does, and where that is ambiguous, `alloc`, `free` or
 * `realloc` in front does.
 */
#ifndef MEMTRACE_PROBE_SPEC_H
#define MEMTRACE_PROBE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/alloc_functions.h"

struct probe_spec {
	const char *preset; /* the --runtime that it belongs to; NULL: none. Static */
	char *text;	/* as the user wrote it, for messages: "libpool.so*:pool_alloc(size=2)" */
	char *file;	/* a pattern; NULL: any file */
	char *function; /* "pool_alloc"; for an offset, a made-up name */
	char *part;	/* contained in every mangled name of the function; NULL: unknown */
	bool by_offset;
	uint64_t offset;	   /* in the file */
	struct alloc_function api; /* what it does; its name is `function` */
};

/* Starts zeroed. A pointer to an element is valid until the next probe_specs__add. */
struct probe_specs {
	struct probe_spec *specs;
	size_t n;
};

/* Adds the specifications of one --probe. 0; -EINVAL with a clause for an error line in `why`
 * ("'siez=1' at character 12 is not …"); -ENOSPC, also with a clause, if there are no row numbers
 * left; or -ENOMEM. */
int probe_specs__add(struct probe_specs *ps, const char *text, char *why, size_t cap);
void probe_specs__release(struct probe_specs *ps);

/* The maximum number of specifications. */
size_t probe_specs__most(void);
/* The row number of the i-th specification. */
unsigned int probe_specs__row(size_t i);
/* Any row: the table's, or a specification's; `ps` may be NULL. API_NONE's for any other number. */
const struct alloc_function *probe_specs__api(const struct probe_specs *ps, unsigned int row);
/* The names of all rows, for reports and recordings; NULL for numbers without a row. They belong to
 * the table and to `ps`, which may be NULL. */
void probe_specs__names(const struct probe_specs *ps, const char *names[API_ROWS]);

/* Whether it is about a file with this path (as its process sees it). */
bool probe_spec__matches_path(const struct probe_spec *s, const char *path);

enum probe_match {
	PROBE_OTHER,
	PROBE_FUNCTION,
	PROBE_COPY, /* a copy made by the compiler, maybe with other arguments */
};

/* Whether it is about the function with this symbol. Never for an offset. */
enum probe_match probe_spec__match_symbol(const struct probe_spec *s, const char *symbol);

#endif

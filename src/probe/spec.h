/*
 * The allocation functions that the user names (--probe), for programs with allocators of their
 * own: rows beside the table (api.h), each with the file and the function that it is for.
 *
 *     libpool.so*:pool_alloc(size=2)  server:Pool::free(ptr=2)  server:0x4a10(ptr=1)
 *
 * FILE:FUNCTION(ARGUMENTS), separated by spaces or commas. FILE is a name or a path, with the
 * wildcards of the shell; without it, or as *, any file. FUNCTION is a symbol, a C++ or Rust name
 * as `nm -C` prints it, with or without its parameters, or a file offset. Arguments count from 1;
 * what is given says what the function does, and `alloc`, `free` or `realloc` in front says it
 * where it does not.
 */
#ifndef MEMTRACE_PROBE_SPEC_H
#define MEMTRACE_PROBE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/alloc_functions.h"

struct probe_spec {
	char *text;	/* as it was given, for messages: "libpool.so*:pool_alloc(size=2)" */
	char *file;	/* a pattern; NULL: any file */
	char *function; /* "pool_alloc"; for an offset only a name */
	char *part;	/* every mangled name of the function contains it; NULL: any may be one */
	bool by_offset;
	uint64_t offset;	   /* in the file */
	struct alloc_function api; /* what it does; named as in FUNCTION */
};

/* Starts out zeroed. A pointer into it is good until the next probe_specs__add. */
struct probe_specs {
	struct probe_spec *specs;
	size_t n;
};

/* Adds what one --probe says. 0; -EINVAL with a clause for an error line in `why` ("'siez' at 12 is
 * no …"); -ENOSPC (with a clause, too) where there are no more row numbers; -ENOMEM. */
int probe_specs__add(struct probe_specs *ps, const char *text, char *why, size_t cap);
void probe_specs__release(struct probe_specs *ps);

/* How many can be added in all. */
size_t probe_specs__most(void);
/* The number of the i-th one's row. */
unsigned int probe_specs__row(size_t i);
/* Any row: the table's, or one of these; `ps` may be NULL. API_NONE's for any other number. */
const struct alloc_function *probe_specs__api(const struct probe_specs *ps, unsigned int row);
/* The names of all rows, for reports and recordings; NULL for numbers without a row. They belong to
 * the table and to `ps`, which may be NULL. */
void probe_specs__names(const struct probe_specs *ps, const char *names[API_ROWS]);

/* Is it about a file at this path (as its process sees it)? */
bool probe_spec__matches_path(const struct probe_spec *s, const char *path);

enum probe_match {
	PROBE_OTHER,
	PROBE_FUNCTION,
	PROBE_COPY, /* made of it by the compiler, maybe with other arguments */
};

/* Is it about the function with this symbol? Never so for an offset. */
enum probe_match probe_spec__match_symbol(const struct probe_spec *s, const char *symbol);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the functions of a file to probe: searches an executable file for definitions of the
 * functions in the table (alloc_functions.h), and finds each one's probe point.
 *
 * One address is one site, however many names it has; it takes the name whose row comes first in
 * the table (glibc's memalign is reported as aligned_alloc, tcmalloc's operator delete as free).
 *
 * C++ operators are probed only in a file that also defines an allocation function of another kind:
 * an allocator's own. Elsewhere (libstdc++, a program that overrides them) they call malloc, which
 * is probed where it is, and the stack shows the operator as its caller. The same applies to
 * operators that only call malloc of the same file: those of libstdc++, linked statically.
 *
 * Functions that the user names (spec.h) take precedence over the table's, and are probed whatever
 * they call.
 */
#ifndef MEMTRACE_PROBE_DISCOVER_H
#define MEMTRACE_PROBE_DISCOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/libc_frees.h"
#include "probe/point.h"

struct module;
struct probe_spec;
struct probe_specs;

#define UNWINDERS_MAX 8
#define PROBE_EXITS_MAX 256

struct probe_site {
	unsigned int api;	  /* row of the table, or of a specification */
	uint8_t shape;		  /* enum api_shape (event.h) */
	bool throws;		  /* see alloc_functions.h */
	bool exits;		  /* probed at its exits, not by a return probe */
	char why_return[96];	  /* throws, but has no exits: why */
	uint64_t cookie;	  /* the cookie that its probe is attached with */
	char name[64];		  /* the symbol found, or the name that the user gave */
	uint64_t entry;		  /* file offset of the function */
	uint64_t size;		  /* of its code, bytes */
	struct probe_point point; /* the probe goes to entry + point.offset */
};

struct probe_skip { /* found, but not probed */
	unsigned int api;
	char name[64];
	uint64_t entry;
	const char *why;
	bool blind; /* what it allocates or frees may be seen nowhere else */
};

struct probe_file {
	uint32_t module;
	struct probe_site *sites; /* one for each distinct address, by address */
	size_t n;
	uint64_t linker_notify; /* file offset of the dynamic loader's _dl_debug_state, 0: none */
	/* File offsets of the instructions by which functions return that throw: see throwing.h. */
	uint64_t *exits;
	size_t nexits, exits_cap;
	bool throws; /* one of the sites throws and has no exits: see tracer__expect_exceptions */
	/* File offsets of the probe points of the functions by which exceptions leave calls. */
	uint64_t unwinders[UNWINDERS_MAX];
	size_t nunwinders;
	/* File offsets of the calls by which the C library frees what is its own (libc_frees.h). */
	uint64_t libc_frees[LIBC_FREES_MAX];
	size_t nlibc_frees;
	struct probe_skip *skipped; /* sorted by address */
	size_t nskipped;
	bool nameless; /* stripped, and its symbols are found nowhere else */
	/* Negative errno if the file could not be read as ELF; -EOPNOTSUPP: its code is for another
	 * machine, or 32-bit. */
	int error;
};

/* Searches a module's file. `specs` may be NULL. A file that defines nothing gives n == 0. NULL and
 * errno. */
struct probe_file *discover__file(struct module *mod, const struct probe_specs *specs);
/* Whether a specification is about this file: its pattern matches the path, or it names the file
 * itself. */
bool discover__spec_matches(struct module *mod, const struct probe_spec *spec);
void discover__free(struct probe_file *f);

#endif

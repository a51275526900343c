/*
 * Which functions of which files to probe: looks through the executable files that a process has
 * mapped for definitions of the functions in the table (api.h), and finds each one's probe point.
 *
 * One address is one site, however many names it has; it takes the name whose row comes first in
 * the table (glibc's memalign is reported as aligned_alloc, tcmalloc's operator delete as free).
 *
 * C++ operators are probed only in a file that also defines an allocation function of another
 * kind: an allocator's own. Elsewhere (libstdc++, a program that overrides them) they call malloc,
 * which is probed where it is, and the stack shows the operator as its caller. The same goes for
 * operators that only call malloc of the same file: libstdc++'s, linked statically.
 *
 * Functions that the user names (probe_spec.h) come before the table's, and are probed whatever
 * they call.
 */
#ifndef MEMTRACE_PROBE_DISCOVER_H
#define MEMTRACE_PROBE_DISCOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/point.h"

struct module;
struct probe_spec;
struct probe_specs;

#define UNWINDERS_MAX 8

struct probe_site {
	unsigned int api;	  /* row of the table, or of the user's */
	uint8_t shape;		  /* enum api_shape (event.h) */
	bool throws;		  /* see api.h */
	uint64_t cookie;	  /* what its probe is attached with */
	char name[64];		  /* the symbol found; or as the user named it */
	uint64_t entry;		  /* file offset of the function */
	uint64_t size;		  /* its code, bytes */
	struct probe_point point; /* entry + point.offset is where the probe goes */
};

struct probe_skip { /* found, and not probed */
	unsigned int api;
	char name[64];
	uint64_t entry;
	const char *why;
};

struct probe_file {
	uint32_t module;
	struct probe_site *sites; /* one for each distinct address, sorted by address */
	size_t n;
	uint64_t linker_notify; /* file offset of the dynamic loader's _dl_debug_state, 0: none */
	bool throws;		/* one of the sites does: see tracer__expect_exceptions */
	/* File offsets of the probe points of the functions by which exceptions leave calls. */
	uint64_t unwinders[UNWINDERS_MAX];
	size_t nunwinders;
	struct probe_skip *skipped; /* sorted by address */
	size_t nskipped;
	bool nameless; /* stripped, and no symbols of it are found elsewhere */
	/* Negative errno where the file could not be read as ELF; -EOPNOTSUPP: its code is for
	 * another machine, or 32-bit. */
	int error;
};

/* NULL and errno. A file that defines nothing gives n == 0. `specs` may be NULL. */
struct probe_file *discover__file(struct module *mod, const struct probe_specs *specs);
/* Is the specification about this file, by its path or because it names the same file? */
bool discover__spec_matches(struct module *mod, const struct probe_spec *spec);
void discover__free(struct probe_file *f);

#endif

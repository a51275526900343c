/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the table that Go puts into every program for its own tracebacks, .gopclntab: functions,
 * lines, and how deep the stack is at each instruction. strip leaves it. x86-64, Go 1.18 to 1.25;
 * tried with 1.19 and 1.23. Where the header lacks the address of the code, nothing is found.
 *
 * The bytes may be anything: what is damaged is not found, and nothing outside of them is read.
 *
 * Source: Go's cmd/link/internal/ld/pcln.go and runtime/symtab.go, which define the format.
 */
#ifndef MEMTRACE_ELF_GO_TABLE_H
#define MEMTRACE_ELF_GO_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf;

/* Points into the elf. */
struct go_table {
	const uint8_t *bytes;
	size_t len;
	uint64_t text;					/* the address of the first function */
	uint32_t n;					/* functions */
	bool newer;					/* the form of Go 1.20 */
	uint64_t functions, names, units, files, steps; /* offsets of the parts */
};

enum { GO_TOP_FRAME = 1, GO_WRITES_SP = 2 }; /* bits of Go's funcFlag */

struct go_function {
	uint64_t start, end;
	const char *name; /* valid while the elf is open */
	uint8_t flags;	  /* GO_…; others may be set */
	uint64_t at;	  /* the offset of what else is known of it */
};

/* Finds the table of a Go program. False: it has none that can be read. */
bool go_table__find(const struct elf *e, struct go_table *t);

/* Reads the i-th function by address. False: damaged. */
bool go_table__function(const struct go_table *t, uint32_t i, struct go_function *f);
/* Finds the function that holds an address. */
bool go_table__look_up(const struct go_table *t, uint64_t vaddr, struct go_function *f);

/* Finds the source line of an address in a function. False: unknown, or it is in an inlined call,
 * whose own name is unknown. */
bool go_table__line(const struct go_table *t, const struct go_function *f, uint64_t vaddr,
		    const char **file, uint32_t *line);

/* A number that depends on the address: the same in [start, end). */
struct go_step {
	uint64_t start, end;
	int32_t value;
};

/* Begins with the first step of the stack's depth in a function: bytes below its return address. */
struct go_steps {
	const struct go_table *table;
	uint64_t at, pc, end;
	int32_t value;
	bool first;
};

bool go_table__depths(const struct go_table *t, const struct go_function *f, struct go_steps *s);
bool go_table__next(struct go_steps *s, struct go_step *out); /* false: no more, or damaged */

#endif

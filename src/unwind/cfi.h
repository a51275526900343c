/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns a file's call frame information (.eh_frame, or .debug_frame) into rows: the address at
 * which a rule (abi/unwind.h) begins to apply, which leads to the caller's frame. x86-64 only.
 *
 * The bytes may be anything: damage loses the function that it is in, or the rest of the section,
 * but nothing else, and never invents a row. Where two descriptions overlap, the one that starts
 * last counts, and what follows its end is not described, as in libgcc and .eh_frame_hdr.
 *
 * Source: DWARF 5, section 6.4; the Linux Standard Base for how .eh_frame differs.
 */
#ifndef MEMTRACE_UNWIND_CFI_H
#define MEMTRACE_UNWIND_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/unwind.h"

struct elf;

#define CFI_MAX_CODE 16

struct cfi_section {
	const uint8_t *bytes; /* NULL: the file has no such section */
	size_t len;
	uint64_t vaddr;
};

/* The input of rows. The bytes stay the caller's. */
struct cfi_source {
	struct cfi_section eh_frame;
	struct cfi_section debug_frame; /* used if eh_frame describes nothing */
	bool ends_at_zero; /* eh_frame ends at its first empty entry, because its length is a guess
			    */
	uint64_t entry;	   /* where the kernel starts the program; 0: unknown */
	struct cfi_code {
		uint64_t start, end;
		uint64_t offset; /* in the file */
	} code[CFI_MAX_CODE];	 /* executable segments; code elsewhere is not described */
	size_t ncode;
};

struct cfi_row {
	uint64_t vaddr;
	struct unwind_rule rule;
};

/* Rows sorted by address: no two with the same address, no two neighbours with the same rule; the
 * last one is UNWIND_NONE. */
struct cfi {
	struct cfi_row *rows;
	size_t n;
	size_t functions; /* described */
	size_t damaged;	  /* those with a description that could not be read */
};

/* Finds the source in a file; it points into the elf. Returns 0, -ENODATA if there is none (but the
 * code is listed), or -ENOTSUP for a machine other than x86-64. */
int cfi__source(struct elf *e, struct cfi_source *src);

/* Builds the rows. Returns 0, -ENODATA if nothing is described, or -ENOMEM. On failure `out` is
 * unchanged. */
int cfi__build(const struct cfi_source *src, struct cfi *out);
/* Marks where stacks end in a C library that has no call frame information. Returns 0 or
 * -ENOMEM. */
int cfi__add_ends(struct cfi *c, const struct cfi_source *src, struct elf *e);
/* Describes the code of a Go program; `c` may be empty. Returns 0, also for other files, or
 * -ENOMEM, with `c` unchanged. */
int cfi__add_go(struct cfi *c, const struct cfi_source *src, struct elf *e);
void cfi__release(struct cfi *c);

/* Returns the rule for an address; UNWIND_NONE if no row covers it. */
struct unwind_rule cfi__find(const struct cfi *c, uint64_t vaddr);

/* The code that one description covers: a function, or a part of it that the compiler moved away
 * ("cold"). */
struct cfi_extent {
	uint64_t start, end;
};

/* Sorted by address, without overlaps. */
struct cfi_extents {
	struct cfi_extent *list;
	size_t n;
};

/* Lists what is described, in whatever way. Returns 0, -ENODATA if nothing is, or -ENOMEM. On
 * failure `out` is unchanged. */
int cfi__list_extents(const struct cfi_source *src, struct cfi_extents *out);
void cfi__release_extents(struct cfi_extents *x);
/* Returns the extent that holds an address; NULL: none. */
const struct cfi_extent *cfi__extent_at(const struct cfi_extents *x, uint64_t vaddr);

#endif

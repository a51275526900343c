/*
 * Turns a file's call frame information (.eh_frame, or .debug_frame) into rows: from which address
 * on which rule (abi/unwind.h) leads to the caller. x86-64.
 *
 * The bytes may be anything: damage costs the function that it is in, or the rest of the section,
 * never more, and no row is made up. Where two descriptions overlap, the one that starts last
 * counts, and nothing behind its end: so do libgcc and .eh_frame_hdr.
 *
 * DWARF 5, section 6.4; the Linux Standard Base for what .eh_frame does otherwise.
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
	const uint8_t *bytes; /* NULL: there is none */
	size_t len;
	uint64_t vaddr;
};

/* What rows are made from. The bytes stay the caller's. */
struct cfi_source {
	struct cfi_section eh_frame;
	struct cfi_section debug_frame; /* counts where eh_frame describes nothing */
	bool ends_at_zero; /* eh_frame ends at its first empty entry: its length is a guess */
	uint64_t entry;	   /* where the kernel starts the program; 0: nowhere */
	struct cfi_code {
		uint64_t start, end;
		uint64_t offset; /* in the file */
	} code[CFI_MAX_CODE];	 /* executable segments: what lies outside is not described */
	size_t ncode;
};

struct cfi_row {
	uint64_t vaddr;
	struct unwind_rule rule;
};

/* Rows by address, no two with the same address, no two neighbours with the same rule; the last is
 * UNWIND_NONE. */
struct cfi {
	struct cfi_row *rows;
	size_t n;
	size_t functions; /* described */
	size_t damaged;	  /* of these, those whose description could not be read */
};

/* Finds the source in a file. It points into the elf. 0, -ENODATA where there is none, -ENOTSUP for
 * a machine that is not x86-64. */
int cfi__source(struct elf *e, struct cfi_source *src);

/* 0, -ENODATA where nothing is described, -ENOMEM. On failure `out` is untouched. */
int cfi__build(const struct cfi_source *src, struct cfi *out);
/* Marks where stacks end in a C library that describes nothing. 0 or -ENOMEM. */
int cfi__add_ends(struct cfi *c, const struct cfi_source *src, struct elf *e);
void cfi__release(struct cfi *c);

/* The rule for an address; UNWIND_NONE where there is no row. */
struct unwind_rule cfi__find(const struct cfi *c, uint64_t vaddr);

#endif

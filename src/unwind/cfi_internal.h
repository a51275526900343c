/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a CFI section, shared by the files that read it. */
#ifndef MEMTRACE_UNWIND_CFI_INTERNAL_H
#define MEMTRACE_UNWIND_CFI_INTERNAL_H

#include "unwind/cfi.h"
#include "unwind/cfi_bytes.h"

/* Where the caller's value of a register is found, in the terms of DWARF. */
enum saved_how {
	SAVED_UNSET,
	SAVED_SAME,
	SAVED_UNDEFINED,
	SAVED_AT_CFA, /* at CFA + offset */
	SAVED_AT_REG, /* at register reg + offset */
	SAVED_OTHER
};

struct saved {
	uint8_t how, reg;
	int64_t offset;
};

enum cfa_how {
	CFA_UNSET,
	CFA_REG,   /* register + offset */
	CFA_DEREF, /* *(register + offset) + plus */
	CFA_PLT,   /* offset: the byte of a PLT entry after which one more word is pushed */
	CFA_OTHER
};

/* A line of the table that CFI describes: the columns that matter to us. */
struct frame_state {
	uint8_t cfa_how, cfa_reg;
	int64_t cfa_offset;
	uint64_t cfa_plus;
	struct saved rbp, rbx, rsp, ra;
};

struct cie {
	size_t offset; /* in the section: FDEs refer to it */
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra_column;
	uint8_t encoding;
	bool has_augmentation, signal, usable;
	struct cursor init;
	struct frame_state state; /* after the initial instructions */
};

struct fde {
	uint64_t start, end;
	const struct cie *cie;
	struct cursor insns;
};

/* A section split into its entries. */
struct cfi_parts {
	const struct cfi_section *section;
	bool debug; /* .debug_frame */
	bool ends_at_zero;
	struct cie *cies; /* by offset */
	size_t ncies, cies_cap;
	struct fde *fdes;
	size_t nfdes, fdes_cap;
};

/* Fills cies and fdes, which the caller frees, even after a failure. Returns 0 or -ENOMEM. */
int cfi_parse__split(struct cfi_parts *p);

/* Runs a CIE's initial instructions and sets its state. False: they are not understood. */
bool cfi_exec__init(const struct cfi_section *s, struct cie *c);

/* Calls row for each address where the rule may change, ascending from f->start. False if row
 * returned false or the description is damaged; what follows the damage is UNWIND_UNKNOWN. */
bool cfi_exec__run(const struct cfi_section *s, const struct fde *f,
		   bool (*row)(void *ctx, uint64_t vaddr, struct unwind_rule rule), void *ctx);

#endif

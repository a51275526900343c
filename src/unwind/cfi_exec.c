/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs call frame instructions: each one changes a column of the current line of the table, or
 * moves on to a later address, where a new line starts. A finished line is translated into the
 * terms of the walk in BPF, a rule of eight bytes. What such a rule cannot express becomes
 * UNWIND_UNKNOWN, never a guess.
 */
#include "unwind/cfi_internal.h"

enum {
	DW_CFA_nop = 0x00,
	DW_CFA_set_loc = 0x01,
	DW_CFA_advance_loc1 = 0x02,
	DW_CFA_advance_loc2 = 0x03,
	DW_CFA_advance_loc4 = 0x04,
	DW_CFA_offset_extended = 0x05,
	DW_CFA_restore_extended = 0x06,
	DW_CFA_undefined = 0x07,
	DW_CFA_same_value = 0x08,
	DW_CFA_register = 0x09,
	DW_CFA_remember_state = 0x0a,
	DW_CFA_restore_state = 0x0b,
	DW_CFA_def_cfa = 0x0c,
	DW_CFA_def_cfa_register = 0x0d,
	DW_CFA_def_cfa_offset = 0x0e,
	DW_CFA_def_cfa_expression = 0x0f,
	DW_CFA_expression = 0x10,
	DW_CFA_offset_extended_sf = 0x11,
	DW_CFA_def_cfa_sf = 0x12,
	DW_CFA_def_cfa_offset_sf = 0x13,
	DW_CFA_val_offset = 0x14,
	DW_CFA_val_offset_sf = 0x15,
	DW_CFA_val_expression = 0x16,
	DW_CFA_GNU_args_size = 0x2e,
	DW_CFA_GNU_negative_offset_extended = 0x2f,
	DW_CFA_advance_loc = 0x40, /* and two more, with an operand in the low six bits */
	DW_CFA_offset = 0x80,
	DW_CFA_restore = 0xc0,
	DW_CFA_low_bits = 0x3f,
};

enum {
	DW_OP_deref = 0x06,
	DW_OP_and = 0x1a,
	DW_OP_plus = 0x22,
	DW_OP_plus_uconst = 0x23,
	DW_OP_shl = 0x24,
	DW_OP_ge = 0x2a,
	DW_OP_lit0 = 0x30,
	DW_OP_lit3 = 0x33,
	DW_OP_lit15 = 0x3f,
	DW_OP_breg0 = 0x70,
	DW_OP_breg15 = 0x7f,
	DW_OP_breg16 = 0x80,
};

enum { REG_RBX = 3, REG_RBP = 6, REG_RSP = 7 };

#define MAX_REMEMBERED 32

/* Where a ucontext keeps the registers, in words, by DWARF number. */
static const uint8_t ucontext_words[] = {
	18, 17, 19, 16, 14, 13, 15, 20, 5, 6, 7, 8, 9, 10, 11, 12,
};

/* The kernel's signal frame, with the stack pointer at its ucontext: where uc_mcontext keeps the
 * registers. */
enum { SIGNAL_RBP = 120, SIGNAL_RBX = 128, SIGNAL_RSP = 160, SIGNAL_RIP = 168 };

struct machine {
	const struct cfi_section *section;
	const struct cie *cie;
	struct frame_state now;
	struct frame_state *remembered; /* room for MAX_REMEMBERED; in use: */
	size_t nremembered;
	uint64_t vaddr, end;
	bool initial; /* running the CIE's own instructions: no earlier line exists */
	bool (*row)(void *ctx, uint64_t vaddr, struct unwind_rule rule);
	void *ctx;
};

/* ---- a line of the table as a rule ---- */

static bool is_saved_at(const struct saved *s, uint8_t reg, int64_t offset)
{
	return s->how == SAVED_AT_REG && s->reg == reg && s->offset == offset;
}

static bool is_signal_frame(const struct frame_state *f)
{
	return f->cfa_how == CFA_DEREF && f->cfa_reg == REG_RSP && f->cfa_offset == SIGNAL_RSP &&
	       !f->cfa_plus && is_saved_at(&f->ra, REG_RSP, SIGNAL_RIP) &&
	       is_saved_at(&f->rbp, REG_RSP, SIGNAL_RBP) &&
	       is_saved_at(&f->rbx, REG_RSP, SIGNAL_RBX);
}

/* Encodes how a callee-saved register is restored: enum unwind_saved, and the slot. */
static int encode_saved(const struct frame_state *f, const struct saved *s, ev_s8 *slot)
{
	int64_t offset = s->offset;
	int how;

	if (s->how == SAVED_UNSET || s->how == SAVED_SAME)
		return UNWIND_SAME;
	if (s->how == SAVED_AT_CFA) {
		how = UNWIND_AT_CFA;
	} else if (s->how == SAVED_AT_REG && s->reg == REG_RBP) {
		how = UNWIND_AT_RBP;
	} else if (s->how == SAVED_AT_REG && f->cfa_how == CFA_REG && s->reg == f->cfa_reg) {
		how = UNWIND_AT_CFA;
		offset = (int64_t)((uint64_t)offset - (uint64_t)f->cfa_offset);
	} else {
		return UNWIND_GONE;
	}
	if (offset % 8 || offset / 8 < INT8_MIN || offset / 8 > INT8_MAX)
		return UNWIND_GONE;
	*slot = (ev_s8)(offset / 8);
	return how;
}

static uint8_t encode_cfa(const struct frame_state *f)
{
	switch (f->cfa_how) {
	case CFA_REG:
		if (f->cfa_reg == REG_RSP)
			return UNWIND_RSP;
		if (f->cfa_reg == REG_RBP)
			return UNWIND_RBP;
		if (f->cfa_reg == REG_RBX)
			return UNWIND_RBX;
		if (f->cfa_reg < sizeof(ucontext_words))
			return UNWIND_REG + ucontext_words[f->cfa_reg];
		return UNWIND_UNKNOWN;
	case CFA_DEREF:
		if (f->cfa_plus % 8 || f->cfa_plus / 8 > 15)
			return UNWIND_UNKNOWN;
		if (f->cfa_reg == REG_RSP)
			return UNWIND_RSP_DEREF;
		return f->cfa_reg == REG_RBP ? UNWIND_RBP_DEREF : UNWIND_UNKNOWN;
	case CFA_PLT:
		return UNWIND_PLT;
	default:
		return UNWIND_UNKNOWN;
	}
}

static struct unwind_rule encode_rule(const struct cie *c, const struct frame_state *f)
{
	struct unwind_rule r = { 0 };
	int rbp, rbx, plus;

	if (f->ra.how == SAVED_UNDEFINED)
		return (struct unwind_rule){ .kind = UNWIND_BOTTOM };
	if (c->signal)
		return (struct unwind_rule){
			.kind = is_signal_frame(f) ? UNWIND_SIGNAL : UNWIND_UNKNOWN,
		};
	r.kind = encode_cfa(f);
	/* The walk assumes that the stack pointer before the call is the CFA, and that the return
	 * address lies just below it. */
	if (f->ra.how != SAVED_AT_CFA || f->ra.offset != -8 || f->rsp.how != SAVED_UNSET ||
	    f->cfa_offset < INT32_MIN || f->cfa_offset > INT32_MAX)
		r.kind = UNWIND_UNKNOWN;
	if (r.kind == UNWIND_UNKNOWN)
		return r;
	r.cfa = (ev_s32)f->cfa_offset;
	rbp = encode_saved(f, &f->rbp, &r.rbp);
	rbx = encode_saved(f, &f->rbx, &r.rbx);
	plus = f->cfa_how == CFA_DEREF ? (int)(f->cfa_plus / 8) : 0; /* encode_cfa() checked it */
	r.saved = (ev_u8)UNWIND_SAVED(rbp, rbx, plus);
	return r;
}

/* ---- expressions ---- */

/* Reads register + offset, the start of every expression that is understood here. */
static bool read_breg(struct cursor *b, uint8_t *reg, int64_t *offset)
{
	uint64_t op = cfi_bytes__number(b, 1);

	if (op < DW_OP_breg0 || op > DW_OP_breg15)
		return false;
	*reg = (uint8_t)(op - DW_OP_breg0);
	*offset = cfi_bytes__sleb(b);
	return !b->bad;
}

/*
 * Reads the CFA in a procedure linkage table: rsp + 8 + ((rip & 15) >= N) * 8, where N is the
 * offset after the entry's push. To be called after "breg7 8" was read.
 */
static bool read_plt(struct cursor b, int64_t *threshold)
{
	static const uint8_t ops[] = {
		DW_OP_breg16, 0,	  DW_OP_lit15, DW_OP_and,  DW_OP_lit0,
		DW_OP_ge,     DW_OP_lit3, DW_OP_shl,   DW_OP_plus,
	};
	enum { LITERAL = 4 };

	if (b.end - b.p != sizeof(ops))
		return false;
	for (size_t i = 0; i < sizeof(ops); i++)
		if (i != LITERAL && b.p[i] != ops[i])
			return false;
	*threshold = b.p[LITERAL] - DW_OP_lit0;
	return *threshold >= 0 && *threshold <= 15;
}

static void cfa_expression(struct frame_state *f, struct cursor b)
{
	f->cfa_how = CFA_OTHER;
	f->cfa_plus = 0;
	if (!read_breg(&b, &f->cfa_reg, &f->cfa_offset))
		return;
	if (b.p == b.end) {
		f->cfa_how = CFA_REG;
	} else if (*b.p == DW_OP_deref) {
		cursor__take(&b, 1);
		if (b.p != b.end) {
			if (cfi_bytes__number(&b, 1) != DW_OP_plus_uconst)
				return;
			f->cfa_plus = cfi_bytes__uleb(&b);
		}
		if (b.p == b.end && !b.bad)
			f->cfa_how = CFA_DEREF;
	} else if (f->cfa_reg == REG_RSP && f->cfa_offset == 8 && read_plt(b, &f->cfa_offset)) {
		f->cfa_how = CFA_PLT;
	}
}

static struct saved saved_expression(struct cursor b)
{
	struct saved s = { .how = SAVED_OTHER };

	if (read_breg(&b, &s.reg, &s.offset) && b.p == b.end)
		s.how = SAVED_AT_REG;
	return s;
}

/* ---- instructions ---- */

/* Returns the column of a register; NULL for registers that no rule needs. */
static struct saved *saved_column(const struct cie *c, struct frame_state *f, uint64_t reg)
{
	if (reg == c->ra_column)
		return &f->ra;
	if (reg == REG_RBP)
		return &f->rbp;
	if (reg == REG_RBX)
		return &f->rbx;
	return reg == REG_RSP ? &f->rsp : NULL;
}

static void set_saved(struct machine *m, uint64_t reg, struct saved s)
{
	struct saved *col = saved_column(m->cie, &m->now, reg);

	if (col)
		*col = s;
}

static void set_saved_at_cfa(struct machine *m, uint64_t reg, uint64_t factored)
{
	set_saved(m, reg,
		  (struct saved){ .how = SAVED_AT_CFA,
				  .offset = (int64_t)(factored * (uint64_t)m->cie->data_align) });
}

static void set_saved_how(struct machine *m, uint64_t reg, uint8_t how)
{
	set_saved(m, reg, (struct saved){ .how = how });
}

static bool restore_register(struct machine *m, uint64_t reg)
{
	struct frame_state init = m->cie->state;
	struct saved *col = saved_column(m->cie, &init, reg);

	if (m->initial)
		return false;
	if (col)
		set_saved(m, reg, *col);
	return true;
}

static bool define_cfa(struct machine *m, uint64_t reg, uint64_t offset)
{
	if (reg > 0xff)
		return false;
	m->now.cfa_how = CFA_REG;
	m->now.cfa_reg = (uint8_t)reg;
	m->now.cfa_offset = (int64_t)offset;
	return true;
}

/* Finishes the line that ends at `to`. */
static bool finish_line(struct machine *m, uint64_t to)
{
	if (m->initial || to < m->vaddr)
		return false;
	if (to > m->end)
		to = m->end;
	if (to > m->vaddr && !m->row(m->ctx, m->vaddr, encode_rule(m->cie, &m->now)))
		return false;
	m->vaddr = to;
	return true;
}

static bool advance_by(struct machine *m, uint64_t delta)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(delta, m->cie->code_align, &bytes) ||
	    bytes > UINT64_MAX - m->vaddr)
		return false;
	return finish_line(m, m->vaddr + bytes);
}

static bool remember_state(struct machine *m)
{
	if (m->nremembered == MAX_REMEMBERED)
		return false;
	m->remembered[m->nremembered++] = m->now;
	return true;
}

static bool restore_state(struct machine *m)
{
	if (!m->nremembered)
		return false;
	m->now = m->remembered[--m->nremembered];
	return true;
}

/* Runs instructions that only change where a register is saved. False for any other. */
static bool run_register_rule(struct machine *m, struct cursor *b, uint8_t op)
{
	uint64_t data_align = (uint64_t)m->cie->data_align, reg = cfi_bytes__uleb(b);

	switch (op) {
	case DW_CFA_offset_extended:
		set_saved_at_cfa(m, reg, cfi_bytes__uleb(b));
		return true;
	case DW_CFA_offset_extended_sf:
		set_saved_at_cfa(m, reg, (uint64_t)cfi_bytes__sleb(b));
		return true;
	case DW_CFA_GNU_negative_offset_extended:
		set_saved_at_cfa(m, reg, -cfi_bytes__uleb(b));
		return true;
	case DW_CFA_restore_extended:
		return restore_register(m, reg);
	case DW_CFA_undefined:
		set_saved_how(m, reg, SAVED_UNDEFINED);
		return true;
	case DW_CFA_same_value:
		set_saved_how(m, reg, SAVED_SAME);
		return true;
	case DW_CFA_register:
		cfi_bytes__uleb(b);
		set_saved_how(m, reg, SAVED_OTHER);
		return true;
	case DW_CFA_val_offset: {
		uint64_t offset = cfi_bytes__uleb(b) * data_align;

		/* The stack pointer is the CFA by default. */
		set_saved_how(m, reg, reg == REG_RSP && !offset ? SAVED_UNSET : SAVED_OTHER);
		return true;
	}
	case DW_CFA_val_offset_sf: {
		uint64_t offset = (uint64_t)cfi_bytes__sleb(b) * data_align;

		set_saved_how(m, reg, reg == REG_RSP && !offset ? SAVED_UNSET : SAVED_OTHER);
		return true;
	}
	case DW_CFA_expression:
		set_saved(m, reg, saved_expression(cfi_bytes__cut(b, cfi_bytes__uleb(b))));
		return true;
	case DW_CFA_val_expression:
		cfi_bytes__cut(b, cfi_bytes__uleb(b));
		set_saved_how(m, reg, SAVED_OTHER);
		return true;
	default:
		return false;
	}
}

static bool run_instruction(struct machine *m, struct cursor *b, uint8_t op)
{
	uint64_t data_align = (uint64_t)m->cie->data_align, v;

	switch (op & ~DW_CFA_low_bits) {
	case DW_CFA_advance_loc:
		return advance_by(m, op & DW_CFA_low_bits);
	case DW_CFA_offset:
		set_saved_at_cfa(m, op & DW_CFA_low_bits, cfi_bytes__uleb(b));
		return true;
	case DW_CFA_restore:
		return restore_register(m, op & DW_CFA_low_bits);
	}
	switch (op) {
	case DW_CFA_nop:
		return true;
	case DW_CFA_set_loc:
		return cfi_bytes__pointer(m->section, b, m->cie->encoding, &v) && finish_line(m, v);
	case DW_CFA_advance_loc1:
		return advance_by(m, cfi_bytes__number(b, 1));
	case DW_CFA_advance_loc2:
		return advance_by(m, cfi_bytes__number(b, 2));
	case DW_CFA_advance_loc4:
		return advance_by(m, cfi_bytes__number(b, 4));
	case DW_CFA_remember_state:
		return remember_state(m);
	case DW_CFA_restore_state:
		return restore_state(m);
	case DW_CFA_def_cfa:
		v = cfi_bytes__uleb(b);
		return define_cfa(m, v, cfi_bytes__uleb(b));
	case DW_CFA_def_cfa_sf:
		v = cfi_bytes__uleb(b);
		return define_cfa(m, v, (uint64_t)cfi_bytes__sleb(b) * data_align);
	case DW_CFA_def_cfa_register:
		return m->now.cfa_how == CFA_REG &&
		       define_cfa(m, cfi_bytes__uleb(b), (uint64_t)m->now.cfa_offset);
	case DW_CFA_def_cfa_offset:
		return m->now.cfa_how == CFA_REG &&
		       define_cfa(m, m->now.cfa_reg, cfi_bytes__uleb(b));
	case DW_CFA_def_cfa_offset_sf:
		return m->now.cfa_how == CFA_REG &&
		       define_cfa(m, m->now.cfa_reg, (uint64_t)cfi_bytes__sleb(b) * data_align);
	case DW_CFA_def_cfa_expression:
		cfa_expression(&m->now, cfi_bytes__cut(b, cfi_bytes__uleb(b)));
		return true;
	case DW_CFA_GNU_args_size:
		cfi_bytes__uleb(b);
		return true;
	default:
		return run_register_rule(m, b, op);
	}
}

static bool run_instructions(struct machine *m, struct cursor b)
{
	while (b.p < b.end && !b.bad) {
		if (!run_instruction(m, &b, cfi_bytes__u8(&b)))
			return false;
	}
	return !b.bad;
}

bool cfi_exec__init(const struct cfi_section *s, struct cie *c)
{
	struct frame_state remembered[MAX_REMEMBERED];
	struct machine m = { .section = s, .cie = c, .remembered = remembered, .initial = true };

	if (!run_instructions(&m, c->init))
		return false;
	c->state = m.now;
	return true;
}

bool cfi_exec__run(const struct cfi_section *s, const struct fde *f,
		   bool (*row)(void *ctx, uint64_t vaddr, struct unwind_rule rule), void *ctx)
{
	struct frame_state remembered[MAX_REMEMBERED];
	struct machine m = {
		.section = s,
		.cie = f->cie,
		.now = f->cie->state,
		.remembered = remembered,
		.vaddr = f->start,
		.end = f->end,
		.row = row,
		.ctx = ctx,
	};

	if (f->cie->usable && run_instructions(&m, f->insns) && finish_line(&m, f->end))
		return true;
	if (m.vaddr < f->end)
		row(ctx, m.vaddr, (struct unwind_rule){ .kind = UNWIND_UNKNOWN });
	return false;
}

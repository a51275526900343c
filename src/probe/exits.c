/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decodes the function's extent from its beginning to its end, then that of each part that a jump
 * leads to, and so on. An extent is what call frame information describes as one: whatever an
 * exception may pass has that. A whole extent is decoded, rather than what the jumps reach, because
 * the handlers of exceptions in it are reached by the unwinder alone. That it was decoded in step
 * shows where jumps arrive: on an instruction that was seen.
 */
#include "probe/exits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/insn.h"
#include "util/array.h"

/* Allocators' functions have less than a tenth of it. */
#define MAX_PARTS 64
#define MAX_BYTES (64u << 10)
#define MAX_STUB 16 /* bytes of a PLT entry, up to its jump */

struct part {
	uint64_t start, end;
	uint8_t *begins; /* a bit for each address: an instruction begins there */
};

struct jump {
	uint64_t from, to;
};

struct walk {
	const struct exits_source *src;
	ZydisDecoder decoder;
	struct part parts[MAX_PARTS];
	size_t nparts;
	uint64_t bytes;
	struct jump *jumps; /* that arrive in one of the parts */
	size_t njumps, cap;
	struct exits *out;
	int err;
};

/* Ends the search. Returns false. */
__attribute__((format(printf, 2, 3))) static bool abandon(struct walk *w, const char *fmt, ...)
{
	va_list ap;

	if (*w->out->why)
		return false;
	va_start(ap, fmt);
	vsnprintf(w->out->why, sizeof(w->out->why), fmt, ap);
	va_end(ap);
	return false;
}

static bool no_memory(struct walk *w)
{
	w->err = -ENOMEM;
	return false;
}

static struct part *part_at(struct walk *w, uint64_t vaddr)
{
	for (size_t i = 0; i < w->nparts; i++)
		if (vaddr >= w->parts[i].start && vaddr < w->parts[i].end)
			return &w->parts[i];
	return NULL;
}

static bool enter_part(struct walk *w, uint64_t vaddr, uint64_t from)
{
	struct part p = { 0 };

	if (part_at(w, vaddr))
		return true;
	if (!w->src->extent(w->src->ctx, vaddr, &p.start, &p.end) || p.end <= p.start)
		return from == vaddr
			   ? abandon(w, "no call frame information describes it")
			   : abandon(w, "0x%" PRIx64 " jumps to code that is not described", from);
	if (w->nparts == MAX_PARTS || p.end - p.start > MAX_BYTES - w->bytes)
		return abandon(w, "it jumps to too much other code");
	p.begins = calloc((p.end - p.start) / 8 + 1, 1);
	if (!p.begins)
		return no_memory(w);
	w->bytes += p.end - p.start;
	w->parts[w->nparts++] = p;
	return true;
}

static bool add_jump(struct walk *w, uint64_t from, uint64_t to)
{
	if (!enter_part(w, to, from))
		return false;
	if (array__grow(&w->jumps, &w->cap, w->njumps + 1, sizeof(*w->jumps)))
		return no_memory(w);
	w->jumps[w->njumps++] = (struct jump){ from, to };
	return true;
}

static bool add_exit(struct walk *w, uint64_t vaddr)
{
	struct exits *x = w->out;

	if (array__grow(&x->at, &x->cap, x->n + 1, sizeof(*x->at)))
		return no_memory(w);
	x->at[x->n++] = vaddr;
	return true;
}

static bool follow_slot(struct walk *w, uint64_t from, uint64_t slot)
{
	uint64_t to;

	switch (w->src->slot(w->src->ctx, slot, &to)) {
	case EXITS_CODE:
		return add_jump(w, from, to);
	case EXITS_SEEN:
		return true;
	case EXITS_UNKNOWN:
		break;
	}
	return abandon(w, "0x%" PRIx64 " jumps to another file, or by a pointer", from);
}

/* Whether there is nothing at an address but a jump through a slot: an entry of the PLT. */
static bool is_stub(struct walk *w, uint64_t vaddr, uint64_t *slot)
{
	size_t len, at = 0;
	const uint8_t *code = w->src->code(w->src->ctx, vaddr, MAX_STUB, &len);
	struct insn in;

	while (code && at < len && insn__decode(&w->decoder, code + at, len - at, &in)) {
		if (in.d.mnemonic == ZYDIS_MNEMONIC_JMP)
			return insn__slot(&in, vaddr + at, slot);
		if (in.d.mnemonic != ZYDIS_MNEMONIC_ENDBR64)
			return false;
		at += in.d.length;
	}
	return false;
}

static bool follow_jump(struct walk *w, uint64_t from, uint64_t to)
{
	uint64_t slot;

	if (part_at(w, to) == part_at(w, from))
		return add_jump(w, from, to);
	if (w->src->function(w->src->ctx, to) == EXITS_SEEN)
		return true;
	if (is_stub(w, to, &slot))
		return follow_slot(w, from, slot);
	return add_jump(w, from, to);
}

/* Whether a `ret` after this instruction goes to where the instruction says: a way of jumping. */
static bool sets_return_address(const struct insn *in)
{
	if (in->d.mnemonic == ZYDIS_MNEMONIC_PUSH)
		return true;
	for (unsigned int i = 0; i < in->d.operand_count_visible; i++) {
		const ZydisDecodedOperand *op = &in->ops[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->mem.base == ZYDIS_REGISTER_RSP &&
		    op->mem.index == ZYDIS_REGISTER_NONE &&
		    !(op->mem.disp.has_displacement && op->mem.disp.value) &&
		    (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			return true;
	}
	return false;
}

/* Takes one instruction. before: whether the one before it put an address on the stack. */
static bool take_instruction(struct walk *w, const struct insn *in, uint64_t at, bool before)
{
	uint64_t to;

	switch (in->d.meta.category) {
	case ZYDIS_CATEGORY_RET:
		if (before || in->d.mnemonic != ZYDIS_MNEMONIC_RET ||
		    in->d.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
			return abandon(w, "0x%" PRIx64 " makes a jump of a return", at);
		return add_exit(w, at);
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_UNCOND_BR:
		if (insn__target(in, at, &to))
			return follow_jump(w, at, to);
		if (insn__slot(in, at, &to))
			return follow_slot(w, at, to);
		return abandon(w, "0x%" PRIx64 " jumps by a table or a pointer", at);
	default:
		return true;
	}
}

static bool decode_part(struct walk *w, size_t i)
{
	const struct part *p = &w->parts[i]; /* parts do not move */
	size_t want = p->end - p->start, len = 0;
	const uint8_t *code = w->src->code(w->src->ctx, p->start, want, &len);
	bool before = false;
	struct insn in;

	if (!code || len < want)
		return abandon(w, "there is no code at 0x%" PRIx64, p->start);
	for (size_t at = 0; at < len; at += in.d.length) {
		if (!insn__decode(&w->decoder, code + at, len - at, &in))
			return abandon(w, "0x%" PRIx64 " is not a complete instruction",
				       p->start + at);
		p->begins[at / 8] |= (uint8_t)(1u << at % 8);
		if (!take_instruction(w, &in, p->start + at, before))
			return false;
		before = sets_return_address(&in);
	}
	return true;
}

/* A jump into the middle of what was taken for an instruction shows that it was none. */
static bool check_jumps(struct walk *w)
{
	for (size_t i = 0; i < w->njumps; i++) {
		const struct part *p = part_at(w, w->jumps[i].to);
		uint64_t at = w->jumps[i].to - p->start;

		if (!(p->begins[at / 8] & 1u << at % 8))
			return abandon(w, "0x%" PRIx64 " jumps into an instruction",
				       w->jumps[i].from);
	}
	return true;
}

static int compare_addresses(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int exits__find(const struct exits_source *src, uint64_t entry, struct exits *out)
{
	struct walk w = { .src = src, .out = out };
	bool ok;

	*out = (struct exits){ 0 };
	ok = insn__init(&w.decoder) && add_jump(&w, entry, entry);
	for (size_t i = 0; ok && i < w.nparts; i++)
		ok = decode_part(&w, i);
	ok = ok && check_jumps(&w);
	if (ok && out->n)
		qsort(out->at, out->n, sizeof(*out->at), compare_addresses);
	for (size_t i = 0; i < w.nparts; i++)
		free(w.parts[i].begins);
	free(w.jumps);
	if (!ok || w.err) {
		free(out->at);
		out->at = NULL;
		out->n = out->cap = 0;
	}
	return w.err;
}

void exits__release(struct exits *x)
{
	free(x->at);
	*x = (struct exits){ 0 };
}

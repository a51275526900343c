/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks from a function's entry to its probe point, with Zydis.
 *
 * An instruction is a probe point if the kernel emulates it, which it decides from the bytes alone
 * (arch/x86/kernel/uprobes.c): push of a 64-bit register, the one-byte nop, jmp, jcc and call with
 * a relative target. Everything else is copied to a separate page and single-stepped there.
 *
 * The walk may pass an instruction if the probe sees the same after it as before it: control goes
 * straight on; the arguments are still in registers that a probe can name; rsp still points to the
 * return address, which is intact; rbp is the caller's, for walks by frame pointer. A register is
 * compared by the 64-bit one that contains it, and what an instruction writes without naming it
 * (mul: rdx) counts. Of the instructions that may move an argument, only mov of one 64-bit register
 * to another is followed.
 *
 * Code that comes back to the stretch between the entry and the point would be counted again, so
 * the whole function is searched for direct branches into it. A branch to the entry itself is the
 * function calling itself, and counts as a call. Code outside of the given bytes (a compiler's cold
 * part) is assumed to come back after the point.
 */
#include "probe/point.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "probe/insn.h"
#include "util/array.h"

#define MAX_INSNS 64 /* a longer straight line is not a prologue */
#define MAX_BYTES 256

/* The registers that a probe can name, by number. */
static const ZydisRegister registers[] = {
	ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDX, ZYDIS_REGISTER_RCX,
	ZYDIS_REGISTER_R8,  ZYDIS_REGISTER_R9,	ZYDIS_REGISTER_RAX,
};

#define REGISTERS ARRAY_SIZE(registers)
#define NOTHING UINT8_MAX

/* The argument that each register holds, or NOTHING. */
struct holds {
	uint8_t arg[REGISTERS];
};

static bool is_emulated(const uint8_t *code, size_t len)
{
	switch (len) {
	case 1:
		return code[0] == 0x90 || (code[0] >= 0x50 && code[0] <= 0x57);
	case 2:
		return (code[0] == 0x41 && code[1] >= 0x50 && code[1] <= 0x57) || code[0] == 0xeb ||
		       (code[0] >= 0x70 && code[0] <= 0x7f);
	case 5:
		return code[0] == 0xe8 || code[0] == 0xe9;
	case 6:
		return code[0] == 0x0f && code[1] >= 0x80 && code[1] <= 0x8f;
	default:
		return false;
	}
}

static bool leaves_the_line(const ZydisDecodedInstruction *d)
{
	switch (d->meta.category) {
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
	case ZYDIS_CATEGORY_INTERRUPT:
		return true;
	default:
		return d->mnemonic == ZYDIS_MNEMONIC_HLT || d->mnemonic == ZYDIS_MNEMONIC_UD0 ||
		       d->mnemonic == ZYDIS_MNEMONIC_UD1 || d->mnemonic == ZYDIS_MNEMONIC_UD2;
	}
}

static const char *reason_in_register(const ZydisDecodedOperand *op)
{
	ZydisRegister reg =
	    ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, op->reg.value);

	if (!(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
		return reg == ZYDIS_REGISTER_RSP ? "copies the stack pointer" : NULL;
	if (reg == ZYDIS_REGISTER_RSP)
		return "changes the stack pointer";
	if (reg == ZYDIS_REGISTER_RBP)
		return "changes the frame pointer";
	return NULL;
}

static const char *reason_in_memory(const ZydisDecodedOperand *op)
{
	int64_t from = op->mem.disp.has_displacement ? op->mem.disp.value : 0;

	if (op->mem.base != ZYDIS_REGISTER_RSP)
		return NULL;
	if (op->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
		return "copies the stack pointer";
	if (!(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
		return NULL;
	if (op->mem.index != ZYDIS_REGISTER_NONE || (from < 8 && from + op->size / 8 > 0))
		return "may overwrite the return address";
	return NULL;
}

/* Why the walk may not pass this instruction; NULL: it may. */
static const char *reason_to_stop(const struct insn *in)
{
	const char *why;

	if (leaves_the_line(&in->d))
		return "leaves the straight line";
	for (unsigned int i = 0; i < in->d.operand_count; i++) {
		const ZydisDecodedOperand *op = &in->ops[i];

		why = NULL;
		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER)
			why = reason_in_register(op);
		else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
			why = reason_in_memory(op);
		if (why)
			return why;
	}
	return NULL;
}

static size_t register_number(ZydisRegister reg)
{
	size_t i = 0;

	while (i < REGISTERS && registers[i] != reg)
		i++;
	return i;
}

/* Updates what the registers hold after an instruction. */
static void track_arguments(const struct insn *in, struct holds *h)
{
	uint8_t moved = NOTHING;
	size_t to;

	if (in->d.mnemonic == ZYDIS_MNEMONIC_MOV &&
	    in->ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER) {
		size_t from = register_number(in->ops[1].reg.value);

		moved = from < REGISTERS ? h->arg[from] : NOTHING;
	}
	for (unsigned int i = 0; i < in->d.operand_count; i++) {
		const ZydisDecodedOperand *op = &in->ops[i];

		if (op->type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		to = register_number(
		    ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, op->reg.value));
		if (to < REGISTERS)
			h->arg[to] = moved;
	}
}

/* Fills `where` with the register of each wanted argument. False if one is in none. */
static bool locate_arguments(const struct holds *h, unsigned int args, uint8_t where[POINT_ARGS])
{
	for (uint8_t i = 0; i < POINT_ARGS; i++) {
		where[i] = i;
		if (!(args & 1u << i) || h->arg[i] == i)
			continue;
		where[i] = 0;
		while (where[i] < REGISTERS && h->arg[where[i]] != i)
			where[i]++;
		if (where[i] == REGISTERS)
			return false;
	}
	return true;
}

/* Whether a direct branch of the function goes to (vaddr, vaddr + point]. *from: where the branch
 * is. */
static bool branches_back(const ZydisDecoder *decoder, const uint8_t *code, size_t len,
			  uint64_t vaddr, size_t point, size_t *from)
{
	struct insn in;
	uint64_t target;

	for (size_t at = 0; at < len; at += in.d.length) {
		if (!insn__decode(decoder, code + at, len - at, &in)) {
			in.d.length = 1;
			continue;
		}
		if (insn__target(&in, vaddr + at, &target) && target - vaddr - 1 < point) {
			*from = at;
			return true;
		}
	}
	return false;
}

static void format_instruction(const ZydisDecoder *decoder, const uint8_t *code, size_t len,
			       uint64_t vaddr, char *buf, size_t cap)
{
	ZydisFormatter f;
	struct insn in;

	snprintf(buf, cap, "(bad)");
	if (!insn__decode(decoder, code, len, &in) ||
	    ZYAN_FAILED(ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_INTEL)))
		return;
	ZydisFormatterSetProperty(&f, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, false);
	ZydisFormatterSetProperty(&f, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE,
				  ZYDIS_PADDING_DISABLED);
	if (ZYAN_FAILED(ZydisFormatterFormatInstruction(
		&f, &in.d, in.ops, in.d.operand_count_visible, buf, cap, vaddr, NULL)))
		snprintf(buf, cap, "(bad)");
}

__attribute__((format(printf, 2, 3))) static void use_entry(struct probe_point *out,
							    const char *fmt, ...)
{
	va_list ap;

	out->offset = 0;
	out->emulated = false;
	for (uint8_t i = 0; i < POINT_ARGS; i++)
		out->arg[i] = i;
	va_start(ap, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, ap);
	va_end(ap);
}

static void use_point(struct probe_point *out, size_t at)
{
	bool moved = false;

	for (uint8_t i = 0; i < POINT_ARGS; i++)
		moved |= out->arg[i] != i;
	out->offset = (uint32_t)at; /* MAX_BYTES or less */
	out->emulated = true;
	snprintf(out->why, sizeof(out->why), "%s%s",
		 at ? "first emulated instruction" : "the entry is emulated",
		 moved ? ", arguments moved" : "");
}

/* Fills all of *out but the instruction's text. */
static void walk_to_point(const ZydisDecoder *decoder, const uint8_t *code, size_t len,
			  uint64_t vaddr, unsigned int args, struct probe_point *out)
{
	struct holds holds = { { 0, 1, 2, 3, 4, 5, NOTHING } };
	struct insn in;
	const char *why;
	size_t at = 0, from;

	for (unsigned int n = 0; n < MAX_INSNS && at < len && at < MAX_BYTES; n++) {
		if (!insn__decode(decoder, code + at, len - at, &in)) {
			use_entry(out, "+%zu is not a complete instruction", at);
			return;
		}
		if (is_emulated(code + at, in.d.length)) {
			if (at && branches_back(decoder, code, len, vaddr, at, &from)) {
				use_entry(out, "+%zu branches back before +%zu", from, at);
				return;
			}
			locate_arguments(&holds, args, out->arg);
			use_point(out, at);
			return;
		}
		why = reason_to_stop(&in);
		track_arguments(&in, &holds);
		if (!why && !locate_arguments(&holds, args, out->arg))
			why = "overwrites an argument";
		if (why) {
			use_entry(out, "+%zu %s", at, why);
			return;
		}
		at += in.d.length;
	}
	use_entry(out, "no emulated instruction in %zu bytes", at);
}

int probe_point__find(const uint8_t *code, size_t len, uint64_t vaddr, unsigned int args,
		      struct probe_point *out)
{
	ZydisDecoder decoder;

	memset(out, 0, sizeof(*out));
	if (!code || !len)
		return -EINVAL;
	if (!insn__init(&decoder))
		return -EINVAL;
	walk_to_point(&decoder, code, len, vaddr, args, out);
	format_instruction(&decoder, code + out->offset, len - out->offset, vaddr + out->offset,
			   out->insn, sizeof(out->insn));
	return 0;
}

static bool uses_other_memory(const struct insn *in)
{
	for (unsigned int i = 0; i < in->d.operand_count; i++) {
		const ZydisDecodedOperand *op = &in->ops[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    op->mem.type != ZYDIS_MEMOP_TYPE_AGEN && op->mem.base != ZYDIS_REGISTER_RSP &&
		    op->mem.base != ZYDIS_REGISTER_RBP)
			return true;
	}
	return false;
}

bool probe_point__only_forwards(const uint8_t *code, size_t len, uint64_t vaddr, const uint64_t *to,
				size_t n)
{
	ZydisDecoder decoder;
	bool forwards = false;
	uint64_t target;
	struct insn in;

	if (!insn__init(&decoder))
		return false;
	for (size_t at = 0; at < len; at += in.d.length) {
		if (!insn__decode(&decoder, code + at, len - at, &in))
			return false;
		if (in.d.meta.category == ZYDIS_CATEGORY_NOP ||
		    in.d.meta.category == ZYDIS_CATEGORY_WIDENOP)
			continue;
		if (uses_other_memory(&in))
			return false;
		for (size_t i = 0; i < n && !forwards; i++)
			forwards = insn__target(&in, vaddr + at, &target) && target == to[i];
	}
	return forwards;
}

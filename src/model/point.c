/*
 * The walk from a function's entry to its probe point, by Zydis.
 *
 * An instruction is a fit point when the kernel emulates it, which it decides from the bytes alone
 * (arch/x86/kernel/uprobes.c): push of a 64-bit register, the one-byte nop, jmp, jcc and call with
 * a relative target. Everything else is copied to a page of its own and single-stepped there.
 *
 * The walk may pass an instruction if the probe sees the same after it as before it: control goes
 * straight on; the arguments are still in their registers; rsp still points at the return address,
 * which is whole; rbp is the caller's, for walks by frame pointer. A register is compared by the
 * 64-bit one that holds it, and what an instruction writes without naming it (mul: rdx) counts.
 *
 * Code that comes back to the stretch from the entry to the point would be counted again, so all of
 * the function is swept for direct branches into it. A branch to the entry itself is the function
 * calling itself, and counts as a call. What lies outside the given bytes (a compiler's cold part)
 * is taken to come back later than that.
 */
#include "model/point.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <Zydis/Zydis.h>

#define MAX_INSNS 64	/* a straight line longer than this is no prologue */
#define MAX_BYTES 256

struct insn {
	ZydisDecodedInstruction d;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
};

static const ZydisRegister arg_registers[] = {
	ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDX,
	ZYDIS_REGISTER_RCX, ZYDIS_REGISTER_R8, ZYDIS_REGISTER_R9,
};

static bool decode(const ZydisDecoder *decoder, const uint8_t *code, size_t len, struct insn *in)
{
	return ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, code, len, &in->d, in->ops));
}

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

static const char *judge_register(const ZydisDecodedOperand *op, unsigned int args)
{
	ZydisRegister reg =
	    ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, op->reg.value);

	if (!(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
		return reg == ZYDIS_REGISTER_RSP ? "copies the stack pointer" : NULL;
	if (reg == ZYDIS_REGISTER_RSP)
		return "changes the stack pointer";
	if (reg == ZYDIS_REGISTER_RBP)
		return "changes the frame pointer";
	for (unsigned int i = 0; i < sizeof(arg_registers) / sizeof(arg_registers[0]); i++) {
		if (reg == arg_registers[i] && args & 1u << i)
			return "overwrites an argument";
	}
	return NULL;
}

static const char *judge_memory(const ZydisDecodedOperand *op)
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
static const char *judge(const struct insn *in, unsigned int args)
{
	const char *why;

	if (leaves_the_line(&in->d))
		return "leaves the straight line";
	for (unsigned int i = 0; i < in->d.operand_count; i++) {
		const ZydisDecodedOperand *op = &in->ops[i];

		why = NULL;
		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER)
			why = judge_register(op, args);
		else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
			why = judge_memory(op);
		if (why)
			return why;
	}
	return NULL;
}

/* Does a direct branch of the function go to (vaddr, vaddr + point]? *from: where the branch is. */
static bool branches_back(const ZydisDecoder *decoder, const uint8_t *code, size_t len,
			  uint64_t vaddr, size_t point, size_t *from)
{
	struct insn in;
	uint64_t target;

	for (size_t at = 0; at < len; at += in.d.length) {
		if (!decode(decoder, code + at, len - at, &in)) {
			in.d.length = 1;
			continue;
		}
		if (in.d.meta.branch_type == ZYDIS_BRANCH_TYPE_NONE || in.d.operand_count == 0 ||
		    in.ops[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
			continue;
		if (ZYAN_FAILED(ZydisCalcAbsoluteAddress(&in.d, &in.ops[0], vaddr + at, &target)))
			continue;
		if (target - vaddr - 1 < point) {
			*from = at;
			return true;
		}
	}
	return false;
}

static void format(const ZydisDecoder *decoder, const uint8_t *code, size_t len, uint64_t vaddr,
		   char *buf, size_t cap)
{
	ZydisFormatter formatter;
	struct insn in;

	if (!decode(decoder, code, len, &in) ||
	    ZYAN_FAILED(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL)) ||
	    ZYAN_FAILED(ZydisFormatterFormatInstruction(
		&formatter, &in.d, in.ops, in.d.operand_count_visible, buf, cap, vaddr, NULL)))
		snprintf(buf, cap, "(bad)");
}

__attribute__((format(printf, 2, 3))) static void stay(struct point *out, const char *fmt, ...)
{
	va_list ap;

	out->offset = 0;
	out->emulated = false;
	va_start(ap, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, ap);
	va_end(ap);
}

/* The walk: offset, emulated and why. */
static void walk(const ZydisDecoder *decoder, const uint8_t *code, size_t len, uint64_t vaddr,
		 unsigned int args, struct point *out)
{
	struct insn in;
	const char *why;
	size_t at = 0, from;

	for (unsigned int n = 0; n < MAX_INSNS && at < len && at < MAX_BYTES;
	     n++, at += in.d.length) {
		if (!decode(decoder, code + at, len - at, &in)) {
			stay(out, "+%zu is no whole instruction", at);
			return;
		}
		if (is_emulated(code + at, in.d.length)) {
			if (at && branches_back(decoder, code, len, vaddr, at, &from)) {
				stay(out, "+%zu branches back before +%zu", from, at);
				return;
			}
			out->offset = at;
			out->emulated = true;
			snprintf(out->why, sizeof(out->why), "%s",
				 at ? "first that the kernel emulates" : "the entry is emulated");
			return;
		}
		why = judge(&in, args);
		if (why) {
			stay(out, "+%zu %s", at, why);
			return;
		}
	}
	stay(out, "none is emulated in %zu bytes", at);
}

int point__find(const uint8_t *code, size_t len, uint64_t vaddr, unsigned int args,
		struct point *out)
{
	ZydisDecoder decoder;

	memset(out, 0, sizeof(*out));
	if (!code || !len)
		return -EINVAL;
	if (ZYAN_FAILED(
		ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return -EINVAL;
	walk(&decoder, code, len, vaddr, args, out);
	format(&decoder, code + out->offset, len - out->offset, vaddr + out->offset, out->insn,
	       sizeof(out->insn));
	return 0;
}

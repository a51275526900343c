/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/insn.h"

bool insn__init(ZydisDecoder *decoder)
{
	return ZYAN_SUCCESS(
	    ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64));
}

bool insn__decode(const ZydisDecoder *decoder, const uint8_t *code, size_t len, struct insn *in)
{
	return ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, code, len, &in->d, in->ops));
}

bool insn__target(const struct insn *in, uint64_t vaddr, uint64_t *target)
{
	return in->d.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE && in->d.operand_count &&
	       in->ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
	       ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&in->d, &in->ops[0], vaddr, target));
}

bool insn__slot(const struct insn *in, uint64_t vaddr, uint64_t *slot)
{
	const ZydisDecodedOperand *op = &in->ops[0];

	return in->d.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE && in->d.operand_count &&
	       op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->mem.base == ZYDIS_REGISTER_RIP &&
	       op->mem.index == ZYDIS_REGISTER_NONE &&
	       ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&in->d, op, vaddr, slot));
}

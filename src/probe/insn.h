/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decodes x86-64 instructions, with Zydis. For the files of this folder only. */
#ifndef MEMTRACE_PROBE_INSN_H
#define MEMTRACE_PROBE_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <Zydis/Zydis.h>

struct insn {
	ZydisDecodedInstruction d;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
};

bool insn__init(ZydisDecoder *decoder);
/* False: the bytes are no complete instruction. */
bool insn__decode(const ZydisDecoder *decoder, const uint8_t *code, size_t len, struct insn *in);
/* The target of a direct branch or call at vaddr. */
bool insn__target(const struct insn *in, uint64_t vaddr, uint64_t *target);
/* The address of the memory that an indirect branch takes its target from, if that is fixed. */
bool insn__slot(const struct insn *in, uint64_t vaddr, uint64_t *slot);

#endif

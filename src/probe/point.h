/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the instruction of a function to probe. An x86 uprobe on push, nop, jmp, jcc or call costs
 * one trap, because the kernel emulates these; anything else is single-stepped, which costs 10 to
 * 25 times as much. So the probe point is the first emulated instruction on the straight line from
 * the entry: no branch before it, the arguments still in registers (mimalloc moves them first), the
 * stack pointer and the slot that it points to as at entry, and no branch of the function leading
 * back into what lies before it. If there is none, it is the entry itself.
 */
#ifndef MEMTRACE_PROBE_POINT_H
#define MEMTRACE_PROBE_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POINT_ARGS 6 /* argument registers: rdi, rsi, rdx, rcx, r8, r9 */
#define POINT_RAX 6  /* another register that may hold an argument: ARG_RAX (event.h) */

struct probe_point {
	uint32_t offset;	 /* bytes from the function's entry */
	bool emulated;		 /* false: the entry, single-stepped */
	uint8_t arg[POINT_ARGS]; /* the register that holds argument i there: usually i */
	char insn[64];		 /* the instruction there, in Intel syntax */
	char why[96];		 /* one clause for --explain-probes */
};

/*
 * code: the function's bytes, `len` of them (its size, or as many as could be read). vaddr: its
 * address, for branch targets. args: bit i set: argument i is needed. Returns 0, or -EINVAL for no
 * bytes.
 */
int probe_point__find(const uint8_t *code, size_t len, uint64_t vaddr, unsigned int args,
		      struct probe_point *out);

/*
 * Whether the function only forwards to one of the functions at the addresses `to`: it calls one of
 * them, or jumps to it, and accesses no memory but the stack, so that it has no blocks of its own.
 */
bool probe_point__only_forwards(const uint8_t *code, size_t len, uint64_t vaddr, const uint64_t *to,
				size_t n);

#endif

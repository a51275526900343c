/*
 * Where in a function the probe goes. An x86 uprobe on push, nop, jmp, jcc or call costs one trap
 * because the kernel emulates these; anything else is single-stepped, which costs 10 to 25 times as much.
 * So the point is the first emulated instruction on the straight line from the entry: no branch before
 * it, the argument registers still holding the arguments, the stack pointer (and the slot that it
 * points at) as at entry, and no branch of the function leading back into what lies before it.
 * Where there is none, the entry itself.
 */
#ifndef MEMTRACE_POINT_H
#define MEMTRACE_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct point {
	uint32_t offset;	/* bytes from the function's entry */
	bool emulated;		/* false: the entry, single-stepped */
	char insn[64];		/* the instruction there, in Intel syntax */
	char why[96];		/* one clause for --explain-probes */
};

/*
 * code: the function's bytes, `len` of them (its size, or what could be read of it).
 * vaddr: its address, for branch targets. args: bit i set: argument register i (rdi, rsi, rdx, rcx,
 * r8, r9) must still hold its argument. Returns 0, or -EINVAL for no bytes.
 */
int point__find(const uint8_t *code, size_t len, uint64_t vaddr, unsigned int args, struct point *out);

#endif

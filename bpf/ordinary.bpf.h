/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps programs off the private stack.
 *
 * Since 6.13 the kernel gives a program of the kprobe type with a large frame one private stack per
 * CPU. It assumes that such a program never starts on a CPU where it has not ended. That is not so
 * for uprobes: one thread preempts another in the same program, both write to one stack, and the
 * kernel dereferences pointers that they spilled there. A program with a tail call keeps the
 * ordinary stack; one that the verifier removes is enough. This one is in a branch that is never
 * taken, and is removed with it.
 */
#ifndef MEMTRACE_ORDINARY_BPF_H
#define MEMTRACE_ORDINARY_BPF_H

const volatile bool never = false;

struct tail_calls {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
};

/* Programs that share one must have the same attach type. */
struct tail_calls tail_calls SEC(".maps");
struct tail_calls session_tail_calls SEC(".maps");

#define ORDINARY_STACK(map)                                                                        \
	do {                                                                                       \
		if (never)                                                                         \
			bpf_tail_call(ctx, &(map), 0);                                             \
	} while (0)

#endif

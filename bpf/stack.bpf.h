/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records a call stack by the method that was asked for. */
#ifndef MEMTRACE_STACK_BPF_H
#define MEMTRACE_STACK_BPF_H

#include "abi/shared.h"
#include "unwind.bpf.h"

/* Set before loading. */
const volatile __u32 stack_mode = STACK_DWARF;
const volatile __u32 max_depth = EVENT_MAX_FRAMES;

/* Where a walk begins: the registers as they are after the return from a call. */
struct stack_start {
	__u64 pc, sp, rbp, rbx;
};

/* Moves up one frame by the frame pointer. Returns 0 if there is none. */
static __always_inline bool stack__step_fp(struct unwind_slot *s)
{
	__u32 n = s->st.n;

	if (n >= s->limit || n >= EVENT_MAX_FRAMES) {
		s->st.end = STACK_LIMIT;
		return false;
	}
	s->st.pc[n] = s->pc;
	s->st.n = n + 1;
	s->id = unwind__mix(s->id, s->pc);
	if (s->rbp < s->sp || s->rbp & 7 || unwind__read(s, s->rbp + 8, &s->pc))
		return false;
	s->sp = s->rbp + 16;
	if (unwind__read(s, s->rbp, &s->rbp))
		return false;
	return s->pc >= UNWIND_LOWEST && !(s->pc >> UNWIND_ADDRESS_BITS);
}

GLOBAL_FUNC int stack_steps_fp(__u32 slot)
{
	struct unwind_slot *s = bpf_map_lookup_elem(&unwind_slots, &slot);

	if (!s)
		return 1;
	return !stack__step_fp(s) || !stack__step_fp(s);
}

/*
 * Walks by frame pointers, for comparison: this is right only where every function keeps one. It
 * cannot recognise the first frame, so that even a stack that it cuts nowhere is not called
 * complete.
 */
static __always_inline __u64 stack__walk_fp(struct unwind_slot *s, __u32 slot, __u64 seed,
					    const struct stack_start *at)
{
	s->st.n = 0;
	s->st.ev.flags = 0;
	s->st.end = STACK_UNKNOWN;
	s->id = seed;
	s->limit = max_depth;
	s->pc = at->pc;
	s->sp = at->sp;
	s->rbp = at->rbp;
	s->window_len = 0;
	for (int i = 0; i < (EVENT_MAX_FRAMES + 2) / 2; i++)
		if (stack_steps_fp(slot))
			break;
	s->id = unwind__mix(s->id, s->st.end);
	s->st.id = s->id ? s->id : 1;
	return s->st.id;
}

/* Fills s->st. Returns the stack ID. */
static __always_inline __u64 stack__walk(struct unwind_slot *s, __u32 slot, struct traced *p,
					 const struct stack_start *at)
{
	__u64 seed = (__u64)p->epoch << 32 | p->pid;

	if (stack_mode == STACK_FP)
		return stack__walk_fp(s, slot, seed, at);
	return unwind__walk(s, slot, p->pid, seed, max_depth, at->pc, at->sp, at->rbp, at->rbx);
}

#endif

/*
 * Taking a call stack: buffers to walk in, the walk itself, and the id.
 *
 * Uprobe programs can be preempted, so that a buffer for each CPU is not enough: each CPU has a few,
 * taken by atomic exchange.
 */
#ifndef MEMTRACE_STACK_BPF_H
#define MEMTRACE_STACK_BPF_H

#include "ground/shared.h"

#define STACK_SLOTS 4

const volatile __u32 stack_mode = STACK_FP;
const volatile __u32 max_depth = EVENT_MAX_FRAMES;

struct stack_slot {
	__u32 busy;
	__u32 pad;
	struct event_stack st;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STACK_SLOTS);
	__type(key, __u32);
	__type(value, struct stack_slot);
} stack_slots SEC(".maps");

static __always_inline struct event_stack *stack__get(__u32 *slot)
{
	for (__u32 i = 0; i < STACK_SLOTS; i++) {
		__u32 k = i;
		struct stack_slot *s = bpf_map_lookup_elem(&stack_slots, &k);

		if (!s)
			return NULL;
		if (!__sync_lock_test_and_set(&s->busy, 1)) {
			*slot = i;
			return &s->st;
		}
	}
	return NULL;
}

static __always_inline void stack__put(__u32 slot)
{
	struct stack_slot *s = bpf_map_lookup_elem(&stack_slots, &slot);

	if (s)
		__sync_lock_test_and_set(&s->busy, 0);
}

static __always_inline __u64 stack__mix(__u64 h, __u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ (h >> 29);
}

/*
 * The frame-pointer walk: right only where every function keeps one. It knows no bottom that can be trusted,
 * so a stack that it cuts nowhere is still not called complete. Cheaper than the kernel's own, which also
 * leaves out the caller at a function's entry.
 */
static __always_inline __u64 stack__walk_fp(struct pt_regs *regs, __u64 id, struct event_stack *st)
{
	__u64 frame[2] = { regs->bp, regs->ip }, sp = regs->sp;
	__u32 n;

	st->end = STACK_LIMIT;
	for (n = 0; n < EVENT_MAX_FRAMES && n < max_depth; n++) {
		__u64 bp = frame[0];

		st->pc[n] = frame[1];
		id = stack__mix(id, frame[1]);
		if (bp < sp || (bp & 7) || bpf_probe_read_user(frame, sizeof(frame), (void *)bp) ||
		    frame[1] < 4096 || frame[1] >> 47) {
			st->end = STACK_UNKNOWN;
			n++;
			break;
		}
		sp = bp + sizeof(frame);
	}
	st->n = n;
	return id ? id : 1;
}

/* Fills st (n, end, pc) and returns the stack's id, 0 where there is no stack. */
static __always_inline __u64 stack__walk(struct pt_regs *regs, struct traced *p, struct event_stack *st)
{
	return stack__walk_fp(regs, stack__mix(p->pid, p->epoch), st);
}

#endif

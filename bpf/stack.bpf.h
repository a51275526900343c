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

/* Fills st (n, end, pc) and returns the stack's id, 0 where there is no stack. */
static __always_inline __u64 stack__walk(void *ctx, struct pt_regs *regs, struct traced *p, bool returned,
					 struct event_stack *st)
{
	long got = bpf_get_stack(ctx, st->pc, sizeof(st->pc), BPF_F_USER_STACK);
	__u64 id = stack__mix(p->pid, p->epoch);
	__u32 n;

	if (got <= 0) {
		st->n = 0;
		st->end = STACK_UNREADABLE;
		return 0;
	}
	n = got / sizeof(st->pc[0]);
	if (n > max_depth)
		n = max_depth;
	for (__u32 i = 0; i < EVENT_MAX_FRAMES; i++) {
		if (i >= n)
			break;
		id = stack__mix(id, st->pc[i]);
	}
	st->n = n;
	st->end = n == max_depth ? STACK_LIMIT : STACK_UNKNOWN;
	return id ? id : 1;
}

#endif

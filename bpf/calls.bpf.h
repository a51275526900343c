/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of allocation functions. They call each other, and only the outermost call counts. Each
 * thread has a small stack of calls that it is inside of, each known by the stack pointer at its
 * entry. A call is still being executed when the stack has not been unwound past it and the slot of
 * its return address still holds the uretprobe trampoline; anything else (longjmp, a thread that
 * was cancelled) is forgotten at the next look. A signal handler on an alternate stack is a world
 * of its own.
 */
#ifndef MEMTRACE_CALLS_BPF_H
#define MEMTRACE_CALLS_BPF_H

#include "state.bpf.h"

/* A load from the context must be of one fixed register: kept from being merged into a computed
 * one. */
#define ARGUMENT(reg)                                                                              \
	({                                                                                         \
		__u64 v = ctx->reg;                                                                \
		barrier_var(v);                                                                    \
		v;                                                                                 \
	})

static __always_inline __u64 argument(struct pt_regs *ctx, __u32 i)
{
	switch (i) {
	case 0:
		return ARGUMENT(di);
	case 1:
		return ARGUMENT(si);
	case 2:
		return ARGUMENT(dx);
	case 3:
		return ARGUMENT(cx);
	case 4:
		return ARGUMENT(r8);
	case 5:
		return ARGUMENT(r9);
	case ARG_RAX:
		return ARGUMENT(ax);
	}
	return 0;
}

static __always_inline bool on_signal_stack(struct task_struct *task, __u64 sp)
{
	return sp - task->sas_ss_sp < task->sas_ss_size;
}

/* Whether the call's return address is still the trampoline that its return probe put there. */
static __always_inline bool armed(struct task_struct *task, const struct call *c)
{
	struct xol_area *area = task->mm ? task->mm->uprobes_state.xol_area : NULL;
	__u64 slot;

	if (!area || bpf_probe_read_user(&slot, sizeof(slot), (void *)c->sp))
		return false;
	return slot == area->vaddr;
}

/* Whether a thread at stack pointer sp is inside an allocation function. Forgets calls that are
 * over. */
static __always_inline bool inside_call(struct thread *t, __u64 sp)
{
	struct task_struct *task = bpf_get_current_task_btf();

	for (int i = 0; i < MAX_CALLS; i++) {
		if (!t->ncalls)
			return false;
		struct call *c = &t->calls[(t->ncalls - 1) & (MAX_CALLS - 1)];
		bool alive = armed(task, c);
		bool crossed = on_signal_stack(task, sp) && !on_signal_stack(task, c->sp);

		if (alive && crossed)
			return false; /* a handler interrupted the call: not part of it */
		if (alive && sp <= c->sp &&
		    on_signal_stack(task, sp) == on_signal_stack(task, c->sp))
			return true;
		/* The trampoline itself uses the slot: a handler may have interrupted it there. */
		if (crossed || sp < c->sp)
			return false;
		t->ncalls--;
		count(abandoned);
	}
	return false;
}

/* Calls that were jumped out of may fill the room; one that is still under way will not be seen to
 * return. */
static __always_inline void forget_oldest(struct thread *t)
{
	if (armed(bpf_get_current_task_btf(), &t->calls[0]))
		count(no_thread);
	else
		count(abandoned);
	for (int i = 1; i < MAX_CALLS; i++)
		t->calls[i - 1] = t->calls[i];
	t->ncalls = MAX_CALLS - 1;
}

/* nmemb * size; where it overflows the call fails, whatever is booked here. */
static __always_inline __u64 product(__u64 a, __u64 b)
{
	__u64 most = b ? ~0ULL / b : 0;

	barrier_var(most); /* or clang makes it a multiplication that BPF lacks */
	return !b || a <= most ? a * b : ~0ULL;
}

/* What stands for a block: its address, or a number of type int, the upper half of whose register
 * is undefined. */
static __always_inline __u64 block_of(__u64 cookie, __u64 value)
{
	if (!(cookie & COOKIE_INT))
		return value;
	return (__s32)value < 0 ? 0 : (__u32)value;
}

static __always_inline __u16 flags_of(__u64 cookie)
{
	return cookie & COOKIE_CUSTOM ? EVENT_F_CUSTOM : 0;
}

static __always_inline void send_free(struct traced *p, __u64 cookie, __u16 flags, __u64 addr)
{
	struct event_free *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e) {
		count(lost_events);
		return;
	}
	head(&e->ev, EVENT_FREE, COOKIE_API(cookie), flags | flags_of(cookie), p->pid, 0);
	e->addr = addr;
	bpf_ringbuf_submit(e, wakeup(addr));
}

/*
 * What a program's own allocator does inside of its functions is its own, but it may give back a
 * block that the program got outside of them (made with the pool, say), or take it over by realloc.
 * Not so the block that the outer call is about.
 */
static __always_inline void free_inside(struct traced *p, struct thread *t, __u64 cookie,
					__u64 addr)
{
	struct call *outer = &t->calls[(t->ncalls - 1) & (MAX_CALLS - 1)];

	if ((outer->cookie & COOKIE_CUSTOM) && addr && addr != outer->ptr)
		send_free(p, cookie, EVENT_F_INSIDE, addr);
}

/* The entry of a function that allocates. 0: its return is wanted. */
static __always_inline int call_enter(struct pt_regs *ctx)
{
	__u64 who = bpf_get_current_pid_tgid(), cookie;
	struct traced *p = current_wanted(who);
	struct thread *t;
	struct call *c;
	__u32 n, shape;

	if (!p)
		return 1;
	t = current_thread(who, true);
	if (!t) {
		count(no_thread);
		return 1;
	}
	cookie = bpf_get_attach_cookie(ctx);
	shape = COOKIE_SHAPE(cookie);
	if (t->ncalls && inside_call(t, ctx->sp)) {
		if (shape == SHAPE_REALLOC || shape == SHAPE_FREE_CALL)
			free_inside(p, t, cookie,
				    block_of(cookie, argument(ctx, COOKIE_PTR(cookie))));
		return 1;
	}
	if (t->ncalls >= MAX_CALLS)
		forget_oldest(t);
	n = t->ncalls;
	barrier_var(n); /* or old verifiers lose the bound */
	c = &t->calls[n & (MAX_CALLS - 1)];
	c->sp = ctx->sp;
	c->cookie = cookie;
	c->size = argument(ctx, COOKIE_SIZE(cookie));
	if (COOKIE_COUNT(cookie) != ARG_NONE)
		c->size = product(c->size, argument(ctx, COOKIE_COUNT(cookie)));
	c->size += COOKIE_BYTES(cookie);
	if (c->size >= SIZE_LIMIT)
		return 1;
	c->ptr = argument(ctx, COOKIE_PTR(cookie));
	if (shape != SHAPE_ALLOC_OUT)
		c->ptr = block_of(cookie, c->ptr);
	if (shape == SHAPE_REALLOC)
		c->began = bpf_ktime_get_ns();
	if (shape == SHAPE_FREE_CALL && c->ptr)
		send_free(p, cookie, 0, c->ptr);
	t->ncalls++;
	return 0;
}

static __always_inline void send_alloc(struct pt_regs *ctx, struct traced *p, const struct call *c,
				       __u64 addr)
{
	__u64 stack = take_stack(ctx, p);
	struct event_alloc *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e) {
		count(lost_events);
		return;
	}
	head(&e->ev, EVENT_ALLOC, COOKIE_API(c->cookie), flags_of(c->cookie), p->pid,
	     bpf_ktime_get_ns());
	e->addr = addr;
	e->size = c->size;
	e->stack = stack;
	bpf_ringbuf_submit(e, wakeup(e->ev.time));
}

static __always_inline void send_realloc(struct pt_regs *ctx, struct traced *p,
					 const struct call *c, __u64 addr)
{
	struct event_realloc *e;
	__u64 stack = 0;

	if (!addr && (!c->ptr || c->size))
		return; /* it failed: the old block stays */
	if (addr)
		stack = take_stack(ctx, p);
	e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) {
		count(lost_events);
		return;
	}
	head(&e->ev, EVENT_REALLOC, COOKIE_API(c->cookie), flags_of(c->cookie), p->pid,
	     bpf_ktime_get_ns());
	e->old = c->ptr;
	e->addr = addr;
	e->size = c->size;
	e->stack = stack;
	e->began = c->began;
	bpf_ringbuf_submit(e, wakeup(e->ev.time));
}

static __always_inline int call_return(struct pt_regs *ctx)
{
	__u64 who = bpf_get_current_pid_tgid();
	struct traced *p = current_traced(who);
	struct thread *t = current_thread(who, false);
	__u64 sp = ctx->sp - sizeof(__u64), addr;
	struct call c;
	int i;

	if (!p || !t)
		return 0;
	for (i = MAX_CALLS - 1; i >= 0; i--)
		if (i < (int)t->ncalls && t->calls[i].sp == sp)
			break;
	if (i < 0)
		return 0; /* a nested call: it was not counted */
	t->ncalls = i;
	c = t->calls[i];
	addr = ctx->ax;
	switch (COOKIE_SHAPE(c.cookie)) {
	case SHAPE_ALLOC:
		addr = block_of(c.cookie, addr);
		if (addr)
			send_alloc(ctx, p, &c, addr);
		break;
	case SHAPE_ALLOC_OUT:
		if ((__u32)addr || bpf_probe_read_user(&addr, sizeof(addr), (void *)c.ptr))
			break;
		addr = block_of(c.cookie, addr);
		if (addr)
			send_alloc(ctx, p, &c, addr);
		break;
	case SHAPE_REALLOC:
		send_realloc(ctx, p, &c, block_of(c.cookie, addr));
		break;
	}
	return 0;
}

static __always_inline int free_enter(struct pt_regs *ctx)
{
	__u64 who = bpf_get_current_pid_tgid();
	struct traced *p = current_wanted(who);
	struct thread *t;
	__u64 cookie, addr;

	if (!p)
		return 0;
	cookie = bpf_get_attach_cookie(ctx);
	addr = argument(ctx, COOKIE_PTR(cookie));
	if (!addr)
		return 0;
	t = current_thread(who, false);
	if (t && t->ncalls && inside_call(t, ctx->sp))
		free_inside(p, t, cookie, addr);
	else
		send_free(p, cookie, 0, addr);
	return 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of allocation functions. They call each other, and only the outermost call counts. Each
 * thread has a small stack of calls that it is inside of, each known by the stack pointer at its
 * entry. A call is still being executed when the stack has not been unwound past it and the slot of
 * its return address still holds the uretprobe trampoline; anything else (longjmp, a thread that
 * was cancelled) is forgotten at the next look. A signal handler on an alternate stack is a world
 * of its own.
 *
 * A function that may throw has no return probe, which an exception could not pass, but probes on
 * its `ret` instructions (COOKIE_EXITS). Other functions may share these, so a `ret` ends a call
 * only if the stack pointer is where it was at the call's entry and the same return address is
 * there. When an exception passes, no `ret` is executed, and the call is forgotten like one that
 * was jumped out of. That may be noticed late, since its slot may keep the old value for a while.
 * So only calls that the function itself makes are part of such a call, by their return address.
 * Others count for themselves: what an exception or a new_handler allocates is the program's,
 * whatever becomes of the outer call. If that returns the block that an inner call returned last,
 * the block is recorded already.
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

/*
 * Whether the slot of the call's return address still holds the trampoline that its return probe
 * put there or, where the call is probed at its exits, what was there at its entry (or a trampoline
 * that another tracer put there).
 */
static __always_inline bool armed(struct task_struct *task, const struct call *c)
{
	struct xol_area *area = task->mm ? task->mm->uprobes_state.xol_area : NULL;
	__u64 slot;

	if (bpf_probe_read_user(&slot, sizeof(slot), (void *)c->sp))
		return false;
	if (c->cookie & COOKIE_EXITS && (__u32)slot == c->back)
		return true;
	return area && slot == area->vaddr;
}

enum inside {
	OUTSIDE,
	INSIDE,	      /* a call that nothing inside of counts beside */
	INSIDE_EXITS, /* a call that is probed at its exits: only its own calls do not count */
};

/* What a thread at stack pointer sp is inside of. enters: at the entry of a function, which is not
 * inside of what had its return address in the same slot. Forgets calls that are over. */
static __always_inline enum inside innermost(struct thread *t, __u64 sp, bool enters)
{
	struct task_struct *task = bpf_get_current_task_btf();

	for (int i = 0; i < MAX_CALLS; i++) {
		if (!t->ncalls)
			return OUTSIDE;
		struct call *c = &t->calls[(t->ncalls - 1) & (MAX_CALLS - 1)];
		bool exits = c->cookie & COOKIE_EXITS;
		bool alive = armed(task, c) && !(exits && enters && sp == c->sp);
		bool crossed = on_signal_stack(task, sp) && !on_signal_stack(task, c->sp);

		if (alive && crossed)
			return OUTSIDE; /* a handler interrupted the call: not part of it */
		if (alive && sp <= c->sp &&
		    on_signal_stack(task, sp) == on_signal_stack(task, c->sp))
			return exits ? INSIDE_EXITS : INSIDE;
		/* The trampoline itself uses the slot: a handler may have interrupted it there. */
		if ((alive || !exits) && (crossed || sp < c->sp))
			return OUTSIDE;
		t->ncalls--;
		count(abandoned);
	}
	return OUTSIDE;
}

/* Whether the call with its return address at sp was made by the code of call c. */
static __always_inline bool made_by(const struct call *c, __u64 sp)
{
	__u32 back;

	return !bpf_probe_read_user(&back, sizeof(back), (void *)sp) && back - c->code < c->len;
}

/* Whether a call with its return address at sp is part of another one. */
static __always_inline bool inside_call(struct thread *t, __u64 sp)
{
	if (!t->ncalls)
		return false;
	switch (innermost(t, sp, true)) {
	case INSIDE:
		return true;
	case INSIDE_EXITS:
		return made_by(&t->calls[(t->ncalls - 1) & (MAX_CALLS - 1)], sp);
	default:
		return false;
	}
}

/* Whether a system call comes from inside of an allocation function. */
static __always_inline bool inside_any(struct thread *t, __u64 sp)
{
	return t->ncalls && innermost(t, sp, false) != OUTSIDE;
}

/* Notes in the call around call number i, where that is probed at its exits, what was recorded
 * inside of it: a block freed, and one allocated. 0: none. */
static __always_inline void note_inside(struct thread *t, __u32 i, __u64 freed, __u64 allocated)
{
	struct call *outer;

	if (!i)
		return;
	i--;
	barrier_var(i);
	outer = &t->calls[i & (MAX_CALLS - 1)];
	if (!(outer->cookie & COOKIE_EXITS))
		return;
	if (freed && outer->inner == freed)
		outer->inner = 0;
	if (freed && outer->ptr == freed)
		outer->ptr = 0; /* it can only be reallocated as nothing */
	if (allocated)
		outer->inner = allocated;
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

/*
 * Where functions that may throw forward to each other by a jump, the inner one has the arguments,
 * and the outer one the name. A call that an exception ended and that is made again from the same
 * place looks the same, and has the same name. Returns the inner one's cookie.
 */
static __always_inline __u64 take_over(struct thread *t, __u64 sp, __u32 back, __u64 cookie)
{
	struct call *c = &t->calls[(t->ncalls - 1) & (MAX_CALLS - 1)];

	if (!t->ncalls || c->sp != sp || c->back != back || !(c->cookie & COOKIE_EXITS) ||
	    COOKIE_SHAPE(c->cookie) != COOKIE_SHAPE(cookie))
		return cookie;
	t->ncalls--;
	return (cookie & ~COOKIE_API(~0ULL)) | COOKIE_API(c->cookie);
}

/* The entry of a function that allocates. 0: its return is wanted. */
static __always_inline int call_enter(struct pt_regs *ctx)
{
	__u64 who = bpf_get_current_pid_tgid(), cookie;
	struct traced *p = current_wanted(who);
	struct thread *t;
	struct call *c;
	__u64 sp = ARGUMENT(sp);
	__u32 n, shape, back = 0;

	if (!p)
		return 1;
	t = current_thread(who, true);
	if (!t) {
		count(no_thread);
		return 1;
	}
	cookie = bpf_get_attach_cookie(ctx);
	shape = COOKIE_SHAPE(cookie);
	if (cookie & COOKIE_EXITS) {
		if (bpf_probe_read_user(&back, sizeof(back), (void *)sp))
			return 1;
		cookie = take_over(t, sp, back, cookie);
	}
	if (inside_call(t, sp)) {
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
	c->sp = sp;
	c->cookie = cookie;
	c->back = back;
	c->code = ARGUMENT(ip);
	c->len = cookie & COOKIE_EXITS ? COOKIE_LENGTH(cookie) : 0;
	c->inner = 0;
	c->size = argument(ctx, COOKIE_SIZE(cookie));
	if (COOKIE_COUNT(cookie) != ARG_NONE)
		c->size = product(c->size, argument(ctx, COOKIE_COUNT(cookie)));
	if (!(cookie & COOKIE_EXITS))
		c->size += COOKIE_BYTES(cookie);
	if (c->size >= SIZE_LIMIT)
		return 1;
	c->ptr = argument(ctx, COOKIE_PTR(cookie));
	if (shape != SHAPE_ALLOC_OUT)
		c->ptr = block_of(cookie, c->ptr);
	if (shape == SHAPE_REALLOC)
		c->began = bpf_ktime_get_ns();
	if (shape == SHAPE_FREE_CALL && c->ptr) {
		send_free(p, cookie, 0, c->ptr);
		note_inside(t, n, c->ptr, 0);
	}
	t->ncalls++;
	return 0;
}

static __always_inline void send_alloc(const struct stack_start *at, struct traced *p,
				       const struct call *c, __u64 addr)
{
	__u64 stack = take_stack(at, p);
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

static __always_inline void send_realloc(const struct stack_start *at, struct traced *p,
					 const struct call *c, __u64 addr)
{
	struct event_realloc *e;
	__u64 stack = 0;

	if (addr)
		stack = take_stack(at, p);
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

/* Records what call number i, of which c is a copy, returned in rax. */
static __always_inline void call_ended(const struct stack_start *at, struct traced *p,
				       struct thread *t, __u32 i, const struct call *c, __u64 addr)
{
	__u32 shape = COOKIE_SHAPE(c->cookie);
	__u64 freed = 0;

	if (shape == SHAPE_FREE_CALL)
		return;
	if (shape == SHAPE_ALLOC_OUT &&
	    ((__u32)addr || bpf_probe_read_user(&addr, sizeof(addr), (void *)c->ptr)))
		return;
	addr = block_of(c->cookie, addr);
	if (shape == SHAPE_REALLOC && (addr || (c->ptr && !c->size)))
		freed = c->ptr;
	if (!addr && !freed)
		return; /* it failed: the old block stays */
	if (!(c->cookie & COOKIE_EXITS) || addr != c->inner) {
		if (shape == SHAPE_REALLOC)
			send_realloc(at, p, c, addr);
		else
			send_alloc(at, p, c, addr);
	}
	note_inside(t, i, freed, addr);
}

/* The number of the call under way whose return address was at sp, or -1. */
static __always_inline int find_call(const struct thread *t, __u64 sp)
{
	int i;

	for (i = MAX_CALLS - 1; i >= 0; i--)
		if (i < (int)t->ncalls && t->calls[i].sp == sp)
			break;
	return i;
}

static __always_inline int call_return(struct pt_regs *ctx)
{
	__u64 who = bpf_get_current_pid_tgid();
	struct traced *p = current_traced(who);
	struct thread *t = current_thread(who, false);
	struct stack_start at = { ARGUMENT(ip), ARGUMENT(sp), ARGUMENT(bp), ARGUMENT(bx) };
	__u64 sp = at.sp - sizeof(__u64);
	struct call c;
	int i;

	if (!p || !t)
		return 0;
	i = find_call(t, sp);
	if (i < 0)
		return 0; /* a nested call: it was not counted */
	t->ncalls = i;
	c = t->calls[i];
	call_ended(&at, p, t, i, &c, ctx->ax);
	return 0;
}

/* At a `ret` of a function that may throw. */
static __always_inline int call_exit(struct pt_regs *ctx)
{
	__u64 who = bpf_get_current_pid_tgid();
	struct traced *p = current_traced(who);
	struct thread *t = current_thread(who, false);
	__u64 sp = ARGUMENT(sp);
	struct stack_start at = { 0, sp + sizeof(__u64), ARGUMENT(bp), ARGUMENT(bx) };
	struct call c;
	int i;

	if (!p || !t)
		return 0;
	i = find_call(t, sp);
	if (i < 0 || !(t->calls[i].cookie & COOKIE_EXITS))
		return 0; /* of another function, or of a nested call */
	t->ncalls = i;
	c = t->calls[i];
	/* Otherwise an exception ended the call, and this one was made to another place. */
	if (armed(bpf_get_current_task_btf(), &c) &&
	    !bpf_probe_read_user(&at.pc, sizeof(at.pc), (void *)sp))
		call_ended(&at, p, t, i, &c, ctx->ax);
	else
		count(abandoned);
	return 0;
}

/* The C library is about to call its own free. */
static __always_inline void libc_frees(__u64 who)
{
	struct thread *t = current_thread(who, true);

	if (t)
		t->libc_free = 1;
}

static __always_inline int free_enter(struct pt_regs *ctx)
{
	__u64 who = bpf_get_current_pid_tgid();
	struct traced *p = current_wanted(who);
	struct thread *t;
	__u64 cookie, addr, sp = ARGUMENT(sp);
	__u16 flags = 0;

	if (!p)
		return 0;
	cookie = bpf_get_attach_cookie(ctx);
	if (COOKIE_SHAPE(cookie) == SHAPE_LIBC_FREE) {
		libc_frees(who);
		return 0;
	}
	addr = argument(ctx, COOKIE_PTR(cookie));
	if (!addr)
		return 0;
	t = current_thread(who, false);
	if (t && t->libc_free) {
		t->libc_free = 0;
		flags = EVENT_F_LIBC;
	}
	if (t && inside_call(t, sp)) {
		free_inside(p, t, cookie, addr);
		return 0;
	}
	send_free(p, cookie, flags, addr);
	if (t)
		note_inside(t, t->ncalls, addr, 0);
	return 0;
}

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * The probes: what a traced process allocates, frees, maps and unmaps, as records in one ring buffer.
 *
 * A block is reported when the program gets it (the return of an allocation function) and its free
 * before the allocator has it (the entry of free), so that the order of the records in the ring is an order
 * that explains them: no other thread is handed an address before its free was written.
 *
 * Allocation functions call each other, and only the outermost call counts. Each thread has a small
 * stack of calls that it is inside of, each known by the stack pointer at its entry. A call is still
 * being executed when the stack has not been unwound past it and the slot of its return
 * address still holds the uretprobe trampoline; anything else (longjmp, a thread that was cancelled) is
 * forgotten at the next look. A signal handler on an alternate stack is a world of its own.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "ground/event.h"
#include "ground/shared.h"
#include "stack.bpf.h"
#include "ordinary.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* No process has room for so much: the call fails. Should it throw, there is no return probe in the way. */
#define SIZE_LIMIT (1ULL << 47)
#define MAX_CALLS 2		/* an ordinary call, and one in a signal handler on its own stack */

/* Set before loading. */
const volatile bool follow_children = true;
const volatile __u64 wakeup_bytes = 1 << 20;	/* wake the collector when so much waits */

/* Shared with the collector's side. */
struct counters counters = {};
__u32 woken = 0;		/* a wake-up is under way; the reader clears it */
__u32 stopped = 0;		/* set by the loader before it detaches: all ends at one moment */
__u32 processes_overflowed = 0;	/* some process, or thread, has no slot of its own */
__u32 threads_overflowed = 0;

struct call {
	__u64 sp;		/* at entry: the return address is there */
	__u64 cookie;
	__u64 size;
	__u64 ptr;		/* realloc: the old block; posix_memalign: where the result goes */
	__u64 began;
};

struct syscall {
	__u64 nr;		/* + 1; 0: none under way */
	__u64 addr, len, old, old_len;
	__u64 began;
	__u32 flags;		/* EVENT_F_* */
	__u32 pad;
};

struct thread {
	__u32 tid;		/* whose slot this is; 0: nobody's */
	__u32 ncalls;
	struct call calls[MAX_CALLS];
	struct syscall sys;
};

struct traced processes[PROCESS_SLOTS] = {};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROCESS_OVERFLOW);
	__type(key, __u32);
	__type(value, struct traced);
} process_overflow SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, THREAD_SLOTS);
	__type(key, __u32);
	__type(value, struct thread);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, THREAD_OVERFLOW);
	__type(key, __u32);
	__type(value, struct thread);
} thread_overflow SEC(".maps");

struct seen_set {
	__u64 id[SEEN_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SEEN_SETS);
	__type(key, __u32);
	__type(value, struct seen_set);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} ring SEC(".maps");

#define count(name) __sync_fetch_and_add(&counters.name, 1)

/* ---- who ---- */

static __always_inline struct traced *find_process(__u32 tgid)
{
	struct traced *p = &processes[tgid & (PROCESS_SLOTS - 1)];

	if (p->tgid == tgid)
		return p;
	return processes_overflowed ? bpf_map_lookup_elem(&process_overflow, &tgid) : NULL;
}

/* The running process, if it is traced. who: its pid and thread, asked for once: bpf_get_current_pid_tgid. */
static __always_inline struct traced *current_traced(__u64 who)
{
	return stopped ? NULL : find_process(who >> 32);
}

/* 0, or the map's error. */
static __always_inline long add_process(__u32 tgid, __u32 pid, __u32 epoch)
{
	struct traced *slot = &processes[tgid & (PROCESS_SLOTS - 1)];
	struct traced p = { .tgid = tgid, .pid = pid, .epoch = epoch };
	__u32 owner = __sync_val_compare_and_swap(&slot->tgid, 0, tgid);

	if (owner && owner != tgid) {
		processes_overflowed = 1;
		return bpf_map_update_elem(&process_overflow, &tgid, &p, BPF_ANY);
	}
	slot->pid = pid;
	slot->epoch = epoch;
	slot->flags = 0;
	return 0;
}

static __always_inline void remove_process(__u32 tgid)
{
	struct traced *slot = &processes[tgid & (PROCESS_SLOTS - 1)];

	bpf_map_delete_elem(&process_overflow, &tgid);
	if (slot->tgid == tgid)
		slot->tgid = 0;
}

static __always_inline struct thread *current_thread(__u64 who, bool create)
{
	static const struct thread fresh;
	__u32 tid = who, i = tid & (THREAD_SLOTS - 1);
	struct thread *t = bpf_map_lookup_elem(&threads, &i);

	if (!t || t->tid == tid)
		return t;
	if (threads_overflowed) {
		struct thread *elsewhere = bpf_map_lookup_elem(&thread_overflow, &tid);

		if (elsewhere)
			return elsewhere;
	}
	if (!create)
		return NULL;
	if (!__sync_val_compare_and_swap(&t->tid, 0, tid)) {
		t->ncalls = 0;
		t->sys.nr = 0;
		return t;
	}
	threads_overflowed = 1;
	bpf_map_update_elem(&thread_overflow, &tid, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&thread_overflow, &tid);
}

static __always_inline void remove_thread(__u32 tid)
{
	__u32 i = tid & (THREAD_SLOTS - 1);
	struct thread *t = bpf_map_lookup_elem(&threads, &i);

	if (t && t->tid == tid)
		t->tid = 0;
	else
		bpf_map_delete_elem(&thread_overflow, &tid);
}

/* ---- telling ---- */

static __always_inline void head(struct event *ev, __u8 type, __u8 api, __u16 flags, __u32 pid, __u64 time)
{
	ev->type = type;
	ev->api = api;
	ev->flags = flags;
	ev->pid = pid;
	ev->time = time;
}

/*
 * Waking the reader costs an interrupt: it polls, and is woken only when much waits. Even to ask how much
 * that is costs too much to do it for every record: the low bits of something that varies (a time, an address)
 * choose one in sixteen.
 */
static __always_inline __u64 wakeup(__u64 varies)
{
	if ((varies >> 4) & 15 || woken || bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < wakeup_bytes)
		return BPF_RB_NO_WAKEUP;
	woken = 1;
	return BPF_RB_FORCE_WAKEUP;
}

static __always_inline void send_plain(__u8 type, __u32 pid)
{
	struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e) {
		count(lost_processes);
		return;
	}
	head(e, type, 0, 0, pid, bpf_ktime_get_ns());
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
}

/* Whether the stack was sent before; if not, *way is where to remember it. */
static __always_inline bool seen_before(__u64 id, __u64 **way)
{
	__u32 set = id & (SEEN_SETS - 1);
	struct seen_set *s = bpf_map_lookup_elem(&seen, &set);

	*way = NULL;
	if (!s)
		return false;
	for (int i = 0; i < SEEN_WAYS; i++) {
		if (s->id[i] == id)
			return true;
		if (!s->id[i])
			*way = &s->id[i];
	}
	if (!*way)
		*way = &s->id[(id >> 32) & (SEEN_WAYS - 1)];
	return false;
}

/* The id of the call stack at regs, whose frames are sent first if they may not be known yet; 0: none. */
static __always_inline __u64 take_stack(struct pt_regs *regs, struct traced *p)
{
	struct unwind_slot *s;
	__u64 id, size, *way, time;
	__u32 slot;

	if (stack_mode == STACK_OFF)
		return 0;
	s = unwind__get(&slot);
	if (!s) {
		count(no_scratch);
		return 0;
	}
	id = stack__walk(s, slot, p, regs);
	/* Code that was mapped without the dynamic loader's telling: once, until the mappings were read again. */
	if (stack_mode == STACK_DWARF && s->missing && !(p->flags & TRACED_ASKED)) {
		p->flags |= TRACED_ASKED;
		send_plain(EVENT_FILES, p->pid);
	}
	if (seen_before(id, &way))
		goto out;
	time = bpf_ktime_get_ns();
	head(&s->st.ev, EVENT_STACK, 0, s->st.ev.flags, p->pid, time);
	size = EVENT_STACK_HEAD + s->st.n * sizeof(s->st.pc[0]);
	if (size > sizeof(s->st))
		goto out;
	/* Known only once it was sent: a dropped record is sent again. */
	if (bpf_ringbuf_output(&ring, &s->st, size, wakeup(time)))
		count(lost_stacks);
	else if (way)
		*way = id;
out:
	unwind__put(s);
	return id;
}

/* ---- calls ---- */

/* A load from the context must be of one fixed register: kept from being merged into a computed one. */
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

/* Whether a thread at stack pointer sp is inside an allocation function. Forgets calls that are over. */
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
			return false;		/* a handler interrupted the call: not part of it */
		if (alive && sp <= c->sp && on_signal_stack(task, sp) == on_signal_stack(task, c->sp))
			return true;
		/* The trampoline itself uses the slot: a handler may have interrupted it there. */
		if (crossed || sp < c->sp)
			return false;
		t->ncalls--;
		count(abandoned);
	}
	return false;
}

/* Calls that were jumped out of may fill the room; one that is still under way will not be seen to return. */
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

	barrier_var(most);	/* or clang makes it a multiplication that BPF lacks */
	return !b || a <= most ? a * b : ~0ULL;
}

/* The entry of a function that allocates. 0: its return is wanted. */
static __always_inline int call_enter(struct pt_regs *ctx)
{
	__u64 who = bpf_get_current_pid_tgid(), cookie;
	struct traced *p = current_traced(who);
	struct thread *t;
	struct call *c;
	__u32 n;

	if (!p)
		return 1;
	t = current_thread(who, true);
	if (!t) {
		count(no_thread);
		return 1;
	}
	if (t->ncalls && inside_call(t, ctx->sp))
		return 1;
	if (t->ncalls >= MAX_CALLS)
		forget_oldest(t);
	n = t->ncalls;
	barrier_var(n);		/* or old verifiers lose the bound */
	cookie = bpf_get_attach_cookie(ctx);
	c = &t->calls[n & (MAX_CALLS - 1)];
	c->sp = ctx->sp;
	c->cookie = cookie;
	c->size = argument(ctx, COOKIE_SIZE(cookie));
	if (COOKIE_COUNT(cookie) != ARG_NONE)
		c->size = product(c->size, argument(ctx, COOKIE_COUNT(cookie)));
	if (c->size >= SIZE_LIMIT)
		return 1;
	c->ptr = argument(ctx, COOKIE_PTR(cookie));
	if (COOKIE_SHAPE(cookie) == SHAPE_REALLOC)
		c->began = bpf_ktime_get_ns();
	t->ncalls++;
	return 0;
}

static __always_inline void send_alloc(struct pt_regs *ctx, struct traced *p, const struct call *c, __u64 addr)
{
	__u64 stack = take_stack(ctx, p);
	struct event_alloc *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e) {
		count(lost_events);
		return;
	}
	head(&e->ev, EVENT_ALLOC, COOKIE_API(c->cookie), 0, p->pid, bpf_ktime_get_ns());
	e->addr = addr;
	e->size = c->size;
	e->stack = stack;
	bpf_ringbuf_submit(e, wakeup(e->ev.time));
}

static __always_inline void send_realloc(struct pt_regs *ctx, struct traced *p, const struct call *c, __u64 addr)
{
	struct event_realloc *e;
	__u64 stack = 0;

	if (!addr && (!c->ptr || c->size))
		return;			/* it failed: the old block stays */
	if (addr)
		stack = take_stack(ctx, p);
	e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) {
		count(lost_events);
		return;
	}
	head(&e->ev, EVENT_REALLOC, COOKIE_API(c->cookie), 0, p->pid, bpf_ktime_get_ns());
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
		return 0;		/* a nested call: it was not counted */
	t->ncalls = i;
	c = t->calls[i];
	addr = ctx->ax;
	switch (COOKIE_SHAPE(c.cookie)) {
	case SHAPE_ALLOC:
		if (addr)
			send_alloc(ctx, p, &c, addr);
		break;
	case SHAPE_ALLOC_OUT:
		if (!(__u32)addr && !bpf_probe_read_user(&addr, sizeof(addr), (void *)c.ptr) && addr)
			send_alloc(ctx, p, &c, addr);
		break;
	case SHAPE_REALLOC:
		send_realloc(ctx, p, &c, addr);
		break;
	}
	return 0;
}

static __always_inline int free_enter(struct pt_regs *ctx)
{
	__u64 who = bpf_get_current_pid_tgid();
	struct traced *p = current_traced(who);
	struct thread *t;
	struct event_free *e;
	__u64 cookie, addr;

	if (!p)
		return 0;
	cookie = bpf_get_attach_cookie(ctx);
	addr = argument(ctx, COOKIE_PTR(cookie));
	if (!addr)
		return 0;
	t = current_thread(who, false);
	if (t && t->ncalls && inside_call(t, ctx->sp))
		return 0;
	e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) {
		count(lost_events);
		return 0;
	}
	head(&e->ev, EVENT_FREE, COOKIE_API(cookie), 0, p->pid, 0);
	e->addr = addr;
	bpf_ringbuf_submit(e, wakeup(addr));
	return 0;
}

/* One body, three ways to attach it: the loader keeps the best that the kernel takes. */

/* Loaded with the attach type of session probes: entry and return are one program. */
SEC("uprobe.multi")
int session_call(struct pt_regs *ctx)
{
	ORDINARY_STACK(session_tail_calls);
	if (bpf_get_func_ip(ctx) != ctx->ip)
		return call_return(ctx);
	return call_enter(ctx);
}

SEC("uprobe.multi")
int multi_enter(struct pt_regs *ctx)
{
	ORDINARY_STACK(tail_calls);
	call_enter(ctx);
	return 0;
}

SEC("uretprobe.multi")
int multi_return(struct pt_regs *ctx)
{
	ORDINARY_STACK(tail_calls);
	return call_return(ctx);
}

SEC("uprobe.multi")
int multi_free(struct pt_regs *ctx)
{
	ORDINARY_STACK(tail_calls);
	return free_enter(ctx);
}

SEC("uprobe")
int perf_enter(struct pt_regs *ctx)
{
	ORDINARY_STACK(tail_calls);
	call_enter(ctx);
	return 0;
}

SEC("uretprobe")
int perf_return(struct pt_regs *ctx)
{
	ORDINARY_STACK(tail_calls);
	return call_return(ctx);
}

SEC("uprobe")
int perf_free(struct pt_regs *ctx)
{
	ORDINARY_STACK(tail_calls);
	return free_enter(ctx);
}

/* ---- processes ---- */

/* The dynamic loader calls an empty function whenever its list of libraries changed. */
static __always_inline int files_changed(void)
{
	struct traced *p = current_traced(bpf_get_current_pid_tgid());

	if (!p)
		return 0;
	p->epoch++;		/* an address may mean other code from now on */
	send_plain(EVENT_FILES, p->pid);
	/*
	 * Whoever is launched by us is also ptraced until its first libraries are probed: the signal stops it
	 * there. It is one that does nothing, should we be gone by then.
	 */
	if (p->flags & TRACED_HOLD)
		bpf_send_signal(18 /* SIGCONT */);
	return 0;
}

SEC("uprobe.multi")
int multi_files(struct pt_regs *ctx)
{
	ORDINARY_STACK(tail_calls);
	return files_changed();
}

SEC("uprobe")
int perf_files(struct pt_regs *ctx)
{
	ORDINARY_STACK(tail_calls);
	return files_changed();
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 parent_pid = parent->tgid, child_pid = child->tgid;
	struct event_fork *e;
	struct traced *p;
	bool shares;

	if (parent_pid == child_pid)
		return 0;
	p = find_process(parent_pid);
	if (!p)
		return 0;
	shares = child->mm == parent->mm;
	/* A child that nobody follows is told of all the same: it has its parent's breakpoints. */
	if (!follow_children)
		goto tell;
	if (!shares && stack_mode == STACK_DWARF)
		unwind__fork(p->pid, child_pid);
	if (add_process(child_pid, shares ? p->pid : child_pid, p->epoch)) {
		count(lost_processes);
		return 0;
	}
tell:
	e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) {
		count(lost_processes);
		return 0;
	}
	head(&e->ev, EVENT_FORK, 0, 0, p->pid, bpf_ktime_get_ns());
	e->child = child_pid;
	e->shares_memory = shares;
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_tid)
{
	__u32 pid = task->tgid, tid = old_tid;
	struct traced *p = find_process(pid);
	struct event_exec *e;

	if (!p)
		return 0;
	remove_thread(tid);
	remove_thread(pid);
	unwind__forget(pid);
	p->pid = pid;		/* a vfork child has memory of its own now */
	p->epoch++;
	e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) {
		count(lost_processes);
		return 0;
	}
	head(&e->ev, EVENT_EXEC, 0, 0, pid, bpf_ktime_get_ns());
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 tid = task->pid, pid = task->tgid;
	struct traced *p;

	p = find_process(pid);
	if (!p)
		return 0;
	remove_thread(tid);
	if (task->signal->live.counter > 0)
		return 0;
	if (p->pid == pid) {
		unwind__forget(pid);
		send_plain(EVENT_EXIT, pid);
	}
	remove_process(pid);
	return 0;
}

/* ---- system calls ---- */

enum {
	NR_MMAP = 9,
	NR_MUNMAP = 11,
	NR_BRK = 12,
	NR_MREMAP = 25,
	NR_SHMAT = 30,
	NR_SHMDT = 67,
};

static __always_inline __u32 map_flags(__u64 prot, __u64 flags)
{
	__u32 f = 0;

	if (!(flags & 0x20 /* MAP_ANONYMOUS */))
		f |= EVENT_F_FILE;
	if (flags & 0x20000 /* MAP_STACK */)
		f |= EVENT_F_STACK;
	if (flags & 0x10 /* MAP_FIXED */)
		f |= EVENT_F_FIXED;
	if (flags & 0x01 /* MAP_SHARED */)
		f |= EVENT_F_SHARED;
	if (prot & 0x4 /* PROT_EXEC */)
		f |= EVENT_F_EXEC;
	return f;
}

static __always_inline bool is_ours(long nr)
{
	return nr == NR_MMAP || nr == NR_MUNMAP || nr == NR_BRK || nr == NR_MREMAP || nr == NR_SHMAT ||
	       nr == NR_SHMDT;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long nr)
{
	__u64 who;
	struct traced *p;
	struct thread *t;
	struct syscall *s;

	if (!is_ours(nr))
		return 0;
	who = bpf_get_current_pid_tgid();
	p = current_traced(who);
	if (!p || p->flags & TRACED_NO_MAPS)
		return 0;
	t = current_thread(who, true);
	if (!t) {
		count(no_thread);
		return 0;
	}
	s = &t->sys;
	s->nr = nr + 1;
	s->began = bpf_ktime_get_ns();
	s->addr = regs->di;
	s->len = regs->si;
	s->old = s->old_len = 0;
	s->flags = t->ncalls && inside_call(t, regs->sp) ? EVENT_F_ALLOCATOR : 0;
	if (nr == NR_MMAP) {
		s->flags |= map_flags(regs->dx, regs->r10);
	} else if (nr == NR_MREMAP) {
		s->old = regs->di;
		s->old_len = regs->si;
		s->len = regs->dx;
		if (regs->r10 & 4 /* MREMAP_DONTUNMAP */)
			s->flags |= EVENT_F_DONTUNMAP;
	} else if (nr == NR_BRK) {
		struct task_struct *task = bpf_get_current_task_btf();

		s->old = task->mm ? task->mm->brk : 0;
	} else if (nr == NR_SHMAT || nr == NR_SHMDT) {
		s->flags |= EVENT_F_SHM | EVENT_F_SHARED;
		s->len = 0;
		if (nr == NR_SHMAT)
			s->addr = 0;
	}
	return 0;
}

static __always_inline void send_map(struct traced *p, const struct syscall *s, __u8 type, __u8 api, __u64 addr,
				     __u64 stack)
{
	struct event_map *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e) {
		count(lost_events);
		return;
	}
	head(&e->ev, type, api, s->flags, p->pid, bpf_ktime_get_ns());
	e->addr = addr;
	e->len = s->len;
	e->old = s->old;
	e->old_len = s->old_len;
	e->stack = stack;
	e->began = s->began;
	bpf_ringbuf_submit(e, wakeup(e->ev.time));
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	long nr = regs->orig_ax;
	__u64 who;
	struct traced *p;
	struct thread *t;
	struct syscall s;
	__u64 stack = 0;
	__u8 type, api;

	if (!is_ours(nr))
		return 0;
	who = bpf_get_current_pid_tgid();
	p = current_traced(who);
	t = current_thread(who, false);
	if (!p || !t || t->sys.nr != (__u64)nr + 1)
		return 0;
	t->sys.nr = 0;
	s = t->sys;
	if (ret < 0 && ret > -4096)
		return 0;
	switch (nr) {
	case NR_MMAP: type = EVENT_MAP; api = API_ROW_MMAP; break;
	case NR_SHMAT: type = EVENT_MAP; api = API_ROW_SHMAT; break;
	case NR_MREMAP: type = EVENT_REMAP; api = API_ROW_MREMAP; break;
	case NR_BRK: type = EVENT_BRK; api = API_ROW_BRK; break;
	default: type = EVENT_UNMAP; api = 0; break;
	}
	if (type == EVENT_UNMAP)
		ret = s.addr;
	else if (type == EVENT_BRK && (__u64)ret == s.old)
		return 0;		/* a question, or a refusal */
	else if (!(s.flags & EVENT_F_ALLOCATOR))
		stack = take_stack(regs, p);
	if (type == EVENT_BRK)
		s.len = 0;
	send_map(p, &s, type, api, ret, stack);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the probes' state and sends their records: which processes are traced, which call each
 * thread is in, the ring buffer, and the stacks that were sent.
 */
#ifndef MEMTRACE_STATE_BPF_H
#define MEMTRACE_STATE_BPF_H

#include "abi/event.h"
#include "abi/shared.h"
#include "stack.bpf.h"
#include "target.bpf.h"

/* No process has that much room: the call fails. */
#define SIZE_LIMIT (1ULL << 47)
#define MAX_CALLS 2 /* an ordinary call, and one in a signal handler on its own stack */

/* Set before loading. */
const volatile bool follow_children = true;
const volatile bool per_file = false;	     /* a file's probes serve all processes that map it */
const volatile __u64 wakeup_bytes = 1 << 20; /* wake the collector when this much waits */

/* Shared with the user-space side. */
struct counters counters = {};
__u32 woken = 0;		/* a wakeup is in progress; the reader clears it */
__u32 stopped = 0;		/* set by the loader before it detaches, so that all probes stop
				 * at the same moment */
__u32 processes_overflowed = 0; /* a process or thread has no slot of its own */
__u32 threads_overflowed = 0;

struct call {
	__u64 sp;     /* at entry: the return address is there */
	__u32 cookie; /* without COOKIE_BYTES, which are in the size */
	/* With COOKIE_EXITS: the lower halves of the return address and of the probe's, and the
	 * length of the code from there on. */
	__u32 back, code, len;
	__u64 size;
	__u64 ptr; /* realloc: the old block; posix_memalign: where the result goes */
	__u64 began;
	__u64 inner; /* with COOKIE_EXITS: the block that a call inside of it returned last */
};

struct syscall {
	__u32 nr;    /* + 1; 0: none under way */
	__u32 flags; /* EVENT_F_* */
	__u64 addr, len, old, old_len;
	__u64 began;
};

struct thread {
	__u32 tid; /* the owner of this slot; 0: free */
	__u32 ncalls;
	__u32 libc_free; /* the next free is not the program's, but the C library's own */
	__u32 pad;
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

/* ---- processes and threads ---- */

static __always_inline struct traced *find_process(__u32 tgid)
{
	struct traced *p = &processes[tgid & (PROCESS_SLOTS - 1)];

	if (p->tgid == tgid)
		return p;
	return processes_overflowed ? bpf_map_lookup_elem(&process_overflow, &tgid) : NULL;
}

/* The running process if it is traced, or NULL. who: bpf_get_current_pid_tgid(), which the caller
 * asks for once. */
static __always_inline struct traced *current_traced(__u64 who)
{
	return stopped ? NULL : find_process(who >> 32);
}

/* Returns 0 or the map's error. */
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
		t->libc_free = 0;
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

/* ---- sending records ---- */

static __always_inline void head(struct event *ev, __u8 type, __u8 api, __u16 flags, __u32 pid,
				 __u64 time)
{
	ev->type = type;
	ev->api = api;
	ev->flags = flags;
	ev->pid = pid;
	ev->time = time;
}

/*
 * Waking the reader costs an interrupt, so it polls, and is woken only when much waits. Finding out
 * how much that is would cost too much for every record: the low bits of a varying number (a time,
 * an address) choose one in sixteen.
 */
static __always_inline __u64 wakeup(__u64 varies)
{
	if ((varies >> 4) & 15 || woken ||
	    bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < wakeup_bytes)
		return BPF_RB_NO_WAKEUP;
	woken = 1;
	return BPF_RB_FORCE_WAKEUP;
}

static __always_inline void send_exit(__u32 pid, int status)
{
	struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e) {
		count(lost_processes);
		return;
	}
	head(e, EVENT_EXIT, EVENT_EXIT_STATUS, (__u16)status, pid, bpf_ktime_get_ns());
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
}

/* Sends the program that a process runs now. */
static __always_inline bool send_program(__u8 type, __u16 flags, __u32 pid, __u64 hold)
{
	struct event_exec *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e) {
		count(lost_processes);
		return false;
	}
	head(&e->ev, type, 0, flags, pid, bpf_ktime_get_ns());
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->hold = hold;
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return true;
}

static __always_inline bool send_files(__u16 flags, __u32 pid, __u64 hold)
{
	struct event_files *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e) {
		count(lost_processes);
		return false;
	}
	head(&e->ev, EVENT_FILES, 0, flags, pid, bpf_ktime_get_ns());
	e->hold = hold;
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return true;
}

/* Starts tracing the running process, which was moved into the target. */
GLOBAL_FUNC int enter_current(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (target__is_own(tgid) || !target_has_current() || find_process(tgid))
		return 0;
	if (add_process(tgid, tgid, 0)) {
		count(lost_processes);
		return 0;
	}
	return send_program(EVENT_ENTER, 0, tgid, 0);
}

/* Like current_traced, but starts tracing a process that belongs to the target by a filter. */
static __always_inline struct traced *current_wanted(__u64 who)
{
	struct traced *p = current_traced(who);

	if (p || !nfilters || stopped || !enter_current())
		return p;
	return find_process(who >> 32);
}

/* Returns whether the stack was sent before; if not, *way is where to remember it. */
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

/* Returns the ID of the call stack, after sending its frames if the reader may not know
 * them yet; 0: none. */
static __always_inline __u64 take_stack(const struct stack_start *at, struct traced *p)
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
	id = stack__walk(s, slot, p, at);
	/* Code that the dynamic loader did not report: reported once, until the mappings are read
	 * again. */
	if (stack_mode == STACK_DWARF && s->missing && !(p->flags & TRACED_ASKED)) {
		__sync_fetch_and_or(&p->flags, TRACED_ASKED);
		send_files(0, p->pid, 0);
	}
	if (seen_before(id, &way))
		goto out;
	time = bpf_ktime_get_ns();
	head(&s->st.ev, EVENT_STACK, 0, s->st.ev.flags, p->pid, time);
	size = EVENT_STACK_HEAD + s->st.n * sizeof(s->st.pc[0]);
	if (size > sizeof(s->st))
		goto out;
	/* Remembered only once sent: a dropped record is sent again. */
	if (bpf_ringbuf_output(&ring, &s->st, size, wakeup(time)))
		count(lost_stacks);
	else if (way)
		*way = id;
out:
	unwind__put(s);
	return id;
}

#endif

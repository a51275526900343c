/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handles new code: keeps the known files, and holds a thread that is about to run code of an
 * unknown one.
 *
 * A file is known once its unwind table is loaded and its functions are probed; programs and
 * libraries of known files cost nothing. Where nothing may be missed, a thread that has just mapped
 * an unknown file waits here, for some microseconds, until the tracer has seized it. It stops
 * before it executes another instruction of the program. The tracer releases it when the probes are
 * attached, and the kernel does if the tracer is gone. Neither its parent nor a shell sees anything
 * of this, as they would of a signal.
 */
#ifndef MEMTRACE_HOLD_BPF_H
#define MEMTRACE_HOLD_BPF_H

#include "abi/unwind.h"
#include "state.bpf.h"

/* Set before loading. */
const volatile bool holding = false;
const volatile bool can_hold = false;	  /* there is a holder */
const volatile bool watches_maps = false; /* mapping system calls are watched */

/* Shared with the holder. */
__u64 grants[HOLD_SLOTS] = {};
__u64 hold_numbers = 0;
__u32 catcher_cpus[HOLD_CATCHERS] = {};	   /* + 1 */
__u32 catchers_barred[HOLD_CATCHERS] = {}; /* threads that wait on the catcher's CPU */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KNOWN_FILES);
	__type(key, struct unwind_file_key);
	__type(value, __u32);
} known_files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} hold_requests SEC(".maps");

#define HOLD_CAN_WAIT bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)

static __always_inline bool hold__request(__u64 number, __u32 tid)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct hold_request *r = bpf_ringbuf_reserve(&hold_requests, sizeof(*r), 0);

	if (!r)
		return false;
	r->number = number;
	r->pid = bpf_get_current_pid_tgid() >> 32;
	r->tid = tid;
	r->ip = regs ? regs->ip : 0;
	r->sp = regs ? regs->sp : 0;
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return true;
}

/* Asks for the running thread to be seized. Returns the hold's number, or 0. */
static __always_inline __u64 hold__ask_always(void)
{
	__u64 number;

	if (!can_hold || !HOLD_CAN_WAIT)
		return 0;
	number = __sync_fetch_and_add(&hold_numbers, 1) + 1;
	/* A thread can have only one tracer: one that is being debugged cannot be held. */
	if (!bpf_get_current_task_btf()->ptrace &&
	    hold__request(number, bpf_get_current_pid_tgid()))
		return number;
	count(holds_missed);
	return 0;
}

/* Likewise where new code has to wait for its probes. */
static __always_inline __u64 hold__ask(void)
{
	return holding ? hold__ask_always() : 0;
}

/* Withdraws a hold whose event found no room: nothing would end it. */
static __always_inline void hold__forget(__u64 number)
{
	if (number && HOLD_CAN_WAIT)
		hold__request(number, 0);
}

struct hold_wait {
	__u64 number, until;
	bool bars; /* a catcher cannot run while this thread waits */
};

static long hold__over(__u32 i, struct hold_wait *w)
{
	volatile __u64 *grant = &grants[w->number & (HOLD_SLOTS - 1)];
	volatile __u32 *barred = catchers_barred;

	/* If no catcher can run, waiting is useless: one runs before the thread is back in the
	 * program. */
	return *grant >> 1 == w->number || (w->bars && barred[0] && barred[1]) ||
	       bpf_ktime_get_ns() > w->until;
}

/* Waits until the running thread is seized. Returns whether it is, or there was nothing to wait
 * for. */
static __always_inline bool hold__wait(__u64 number)
{
	__u64 outcome;

	struct hold_wait w = { .number = number, .until = bpf_ktime_get_ns() + HOLD_NS };
	__u32 cpu = bpf_get_smp_processor_id() + 1;

	if (!number || !HOLD_CAN_WAIT)
		return true;
	for (int i = 0; i < HOLD_CATCHERS; i++)
		if (catcher_cpus[i] == cpu) {
			__sync_fetch_and_add(&catchers_barred[i], 1);
			w.bars = true;
		}
	bpf_loop(1 << 20, hold__over, &w, 0);
	for (int i = 0; i < HOLD_CATCHERS; i++)
		if (w.bars && catcher_cpus[i] == cpu)
			__sync_fetch_and_sub(&catchers_barred[i], 1);
	outcome = *(volatile __u64 *)&grants[number & (HOLD_SLOTS - 1)];
	return outcome == HOLD_GRANT(number, 1);
}

/* ---- what is mapped ---- */

struct code_question {
	struct event_code code;
	bool known;
	bool file;  /* the address is in a mapped file, code or not */
	bool found; /* the kernel could look it up */
};

#define CODE_TRIES 2000 /* some 100 us */

struct code_patience {
	struct code_question q;
	__u64 at;
};

static long code__on_vma(struct task_struct *task, struct vm_area_struct *vma,
			 struct code_question *q)
{
	struct file *file = vma->vm_file;
	struct unwind_file_key key = {};
	struct inode *inode;

	q->file = file;
	if (!(vma->vm_flags & VM_EXEC))
		return 0;
	q->code.start = vma->vm_start;
	q->code.end = vma->vm_end;
	if (!file) {
		q->known = true;
		return 0;
	}
	inode = file->f_inode;
	key.ino = q->code.ino = inode->i_ino;
	key.dev = q->code.dev = inode->i_sb->s_dev;
	q->code.offset = vma->vm_pgoff << UNWIND_PAGE_BITS;
	q->known = bpf_map_lookup_elem(&known_files, &key);
	return 0;
}

/* Looks up the code at an address; none: q->code.end is 0. Returns false where the kernel cannot
 * look now. */
static __always_inline bool code__find(struct code_question *q, __u64 at)
{
	q->known = q->file = false;
	q->code.end = 0;
	if (!UNWIND_CAN_ASK)
		return q->found = false;
	return q->found =
		   bpf_find_vma(bpf_get_current_task_btf(), at, code__on_vma, q, 0) != -EBUSY;
}

static long code__try(__u32 i, struct code_patience *w)
{
	return code__find(&w->q, w->at);
}

/*
 * To be called when a system call is about to unmap what is at an address. If that may be code,
 * addresses may mean other code once there are new mappings. New mappings alone change nothing:
 * they are not in the tables, so the kernel is asked. replaced: by a mapping, mostly one by which
 * the dynamic loader replaces part of a file that it has just mapped.
 */
static __always_inline void code__goes(struct traced *p, __u64 at, bool replaced)
{
	struct code_patience w = { .at = at };

	if (p->flags & TRACED_CODE_GONE)
		return;
	/* Other threads are changing the mappings: the system call will have to wait for them
	 * anyway. */
	if (!code__find(&w.q, at) && HOLD_CAN_WAIT)
		bpf_loop(CODE_TRIES, code__try, &w, 0);
	if (!w.q.found || w.q.code.end || (w.q.file && !replaced))
		__sync_fetch_and_or(&p->flags, TRACED_CODE_GONE);
}

/* To be called when there may be new mappings. Returns whether addresses may mean other code than
 * before. */
static __always_inline bool code__changed(struct traced *p)
{
	if (watches_maps && !(p->flags & (TRACED_CODE_GONE | TRACED_NO_MAPS)))
		return false;
	__sync_fetch_and_and(&p->flags, ~TRACED_CODE_GONE);
	p->epoch++;
	return true;
}

static __always_inline void code__send(struct traced *p, struct code_question *q)
{
	if (!q->code.end)
		return;
	head(&q->code.ev, EVENT_CODE, 0, q->known ? 0 : EVENT_F_UNKNOWN, p->pid,
	     bpf_ktime_get_ns());
	if (bpf_ringbuf_output(&ring, &q->code, sizeof(q->code), 0))
		count(lost_processes);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probes, which record what a traced process allocates, frees, maps and unmaps in one ring
 * buffer.
 *
 * A block is reported when the program gets it (at the return of the allocation function) and its
 * free before the allocator has the block (at the entry of free). So the order of the records in
 * the ring buffer is consistent: no other thread gets an address before its free was written.
 *
 * This file has the programs that are attached to functions, and those that follow processes.
 * calls.bpf.h has what the former do, syscalls.bpf.h has the system calls, and state.bpf.h has what
 * all of them share.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "calls.bpf.h"
#include "hold.bpf.h"
#include "list.bpf.h"
#include "ordinary.bpf.h"
#include "state.bpf.h"
#include "syscalls.bpf.h"
#include "translated.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Reported when the verifier rejects a program: it depends on the compiler's output. */
const volatile char compiler[64] = __VERSION__;

/* One body, three ways to attach it: the loader keeps the best that the kernel supports. */

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

/* At the exits of functions that may throw, which have no return probe. */
SEC("uprobe.multi")
int multi_exit(struct pt_regs *ctx)
{
	ORDINARY_STACK(tail_calls);
	return call_exit(ctx);
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
int perf_exit(struct pt_regs *ctx)
{
	ORDINARY_STACK(tail_calls);
	return call_exit(ctx);
}

SEC("uprobe")
int perf_free(struct pt_regs *ctx)
{
	ORDINARY_STACK(tail_calls);
	return free_enter(ctx);
}

/* ---- processes ---- */

/* Holds the thread until its new code is known, or counts it as late. */
static __always_inline __u64 late_or_held(void)
{
	__u64 hold = hold__ask();

	if (!hold)
		count(late);
	return hold;
}

/* The dynamic loader calls an empty function whenever its list of libraries changed. */
static __always_inline int files_changed(void)
{
	struct traced *p = current_wanted(bpf_get_current_pid_tgid());
	bool late = false;
	__u64 hold = 0;

	if (!p)
		return 0;
	code__changed(p);
	if (!(p->flags & TRACED_HOLD) && (!watches_maps || p->flags & TRACED_NEW_CODE)) {
		late = p->flags & TRACED_NEW_CODE;
		hold = late ? late_or_held() : hold__ask();
		late = late && !hold;
		__sync_fetch_and_and(&p->flags, ~TRACED_NEW_CODE);
	}
	if (!send_files(late ? EVENT_F_LATE : 0, p->pid, hold))
		hold__forget(hold);
	if (!hold__wait(hold))
		send_files(EVENT_F_LATE, p->pid, 0);
	/*
	 * A command that memtrace launched is also ptraced until its first libraries are probed:
	 * the signal stops it there. Should memtrace be gone by then, this signal has no effect.
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
	translated__at_fork(parent_pid, child_pid);
	p = find_process(parent_pid);
	if (!p)
		return 0;
	shares = child->mm == parent->mm;
	/* A child that is not followed is reported nevertheless: it has copies of its parent's
	 * breakpoints. */
	if (!follow_children)
		goto report;
	if (!shares && stack_mode == STACK_DWARF)
		unwind__fork(p->pid, child_pid);
	if (add_process(child_pid, shares ? p->pid : child_pid, p->epoch)) {
		count(lost_processes);
		return 0;
	}
report:
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

/* The code that a new program starts with: its own, the dynamic loader's, and the vDSO's. */
struct program {
	struct code_question own, loader, vdso;
};

/* Returns whether all of it is known. */
static __always_inline bool look_at_program(struct program *pr)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	if (!task->mm || !regs)
		return false;
	code__find(&pr->own, task->mm->start_code);
	code__find(&pr->loader, regs->ip);
	code__find(&pr->vdso, (__u64)task->mm->context.vdso);
	return pr->own.known && pr->loader.known;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_tid)
{
	__u32 pid = task->tgid, tid = old_tid;
	struct traced *p = find_process(pid);
	struct program program = {};
	bool whole;
	__u64 hold = 0;

	if (per_file)
		translated_at_exec(pid);
	if (!p && nfilters && !target__is_own(pid) &&
	    target__has(bpf_get_current_task_btf(), false)) {
		if (add_process(pid, pid, 0))
			count(lost_processes);
		p = find_process(pid);
	}
	if (!p && !target__is_own(pid) && target__may_be(bpf_get_current_task_btf())) {
		hold = hold__ask();
		if (!send_program(EVENT_CANDIDATE, 0, pid, hold))
			hold__forget(hold);
		hold__wait(hold);
	}
	if (!p)
		return 0;
	remove_thread(tid);
	remove_thread(pid);
	unwind__forget(pid);
	p->pid = pid; /* a vfork child has memory of its own now */
	p->epoch++;
	__sync_fetch_and_and(&p->flags, ~(TRACED_NEW_CODE | TRACED_CODE_GONE));
	whole = p->flags & TRACED_HOLD;
	if (look_at_program(&program)) {
		whole |= per_file && (watches_maps || holding);
	} else if (!whole) {
		hold = late_or_held();
		whole = hold;
	}
	if (!send_program(EVENT_EXEC, whole ? EVENT_F_WHOLE : 0, pid, hold))
		hold__forget(hold);
	code__send(p, &program.own);
	code__send(p, &program.loader);
	code__send(p, &program.vdso);
	if (!hold__wait(hold))
		send_files(EVENT_F_LATE, pid, 0);
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
		send_exit(pid, task->exit_code); /* in a group exit, that of all its threads */
	}
	remove_process(pid);
	return 0;
}

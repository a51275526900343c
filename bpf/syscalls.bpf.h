/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs on the system call tracepoints that record mapping and unmapping of memory. */
#ifndef MEMTRACE_SYSCALLS_BPF_H
#define MEMTRACE_SYSCALLS_BPF_H

#include "calls.bpf.h"
#include "hold.bpf.h"

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
	return nr == NR_MMAP || nr == NR_MUNMAP || nr == NR_BRK || nr == NR_MREMAP ||
	       nr == NR_SHMAT || nr == NR_SHMDT;
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
	p = current_wanted(who);
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
	s->flags = inside_any(t, regs->sp) ? EVENT_F_ALLOCATOR : 0;
	if (nr == NR_MUNMAP || nr == NR_MREMAP)
		code__goes(p, regs->di, false);
	if (nr == NR_MMAP) {
		s->flags |= map_flags(regs->dx, regs->r10);
		if (s->flags & EVENT_F_FIXED)
			code__goes(p, regs->di, true);
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

static __always_inline void send_map(struct traced *p, const struct syscall *s, __u8 type, __u8 api,
				     __u64 addr, __u64 stack)
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

static __always_inline void new_code(struct traced *p, __u64 at)
{
	struct code_question q = {};

	if (code__find(&q, at))
		code__send(p, &q);
	else
		send_files(0, p->pid, 0);
	if (!q.known)
		__sync_fetch_and_or(&p->flags, TRACED_NEW_CODE);
}

static __always_inline __u64 stack_of_caller(struct pt_regs *regs, struct traced *p)
{
	struct stack_start at = { regs->ip, regs->sp, regs->bp, regs->bx };

	return take_stack(&at, p);
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
	if (!p || !t || t->sys.nr != (__u32)nr + 1)
		return 0;
	t->sys.nr = 0;
	s = t->sys;
	if (ret < 0 && ret > -4096)
		return 0;
	switch (nr) {
	case NR_MMAP:
		type = EVENT_MAP;
		api = API_MMAP;
		break;
	case NR_SHMAT:
		type = EVENT_MAP;
		api = API_SHMAT;
		break;
	case NR_MREMAP:
		type = EVENT_REMAP;
		api = API_MREMAP;
		break;
	case NR_BRK:
		type = EVENT_BRK;
		api = API_BRK;
		break;
	default:
		type = EVENT_UNMAP;
		api = 0;
		break;
	}
	if (type == EVENT_UNMAP)
		ret = s.addr;
	else if (type == EVENT_BRK && (__u64)ret == s.old)
		return 0; /* a query, or a refusal */
	else if (!(s.flags & EVENT_F_ALLOCATOR))
		stack = stack_of_caller(regs, p);
	if (nr == NR_MMAP && s.flags & EVENT_F_EXEC && p->flags & TRACED_CODE_GONE &&
	    code__changed(p))
		send_files(0, p->pid, 0);
	if (nr == NR_MMAP &&
	    (s.flags & (EVENT_F_EXEC | EVENT_F_FILE)) == (EVENT_F_EXEC | EVENT_F_FILE))
		new_code(p, ret);
	if (type == EVENT_BRK)
		s.len = 0;
	send_map(p, &s, type, api, ret, stack);
	return 0;
}

#endif

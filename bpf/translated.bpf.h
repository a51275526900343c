/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes whose code is translated, as by valgrind, whether they belong to the target or not: a
 * translator reads a breakpoint as an instruction of the program. Where one starts, and whenever it
 * has mapped a file, its thread is held until the tracer has given it the file's own bytes back.
 */
#ifndef MEMTRACE_TRANSLATED_BPF_H
#define MEMTRACE_TRANSLATED_BPF_H

#include "hold.bpf.h"

__u32 ntranslated = 0; /* there may be some */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32); /* process ID */
	__type(value, __u32);
} translated SEC(".maps");

/* The first characters of names, or "-amd6" in any place, as in memcheck-amd64-linux. The tracer
 * looks at the executable's path and decides. */
static __always_inline bool translated__may_be(const char comm[EVENT_COMM])
{
	static const char starts[][6] = { "qemu-", "pinbi", "box64", "libdy" };
	static const char within[6] = "-amd6";

	for (int i = 0; i < 4; i++) {
		bool same = true;

		for (int j = 0; j < 5; j++)
			same &= comm[j] == starts[i][j];
		if (same)
			return true;
	}
	for (int i = 0; i < EVENT_COMM - 5; i++) {
		bool same = true;

		for (int j = 0; j < 5; j++)
			same &= comm[i + j] == within[j];
		if (same)
			return true;
	}
	return false;
}

static __always_inline bool translated__has(__u32 pid)
{
	return ntranslated && bpf_map_lookup_elem(&translated, &pid);
}

/* Reports the running process, and waits until it is held. */
static __always_inline void translated__send(__u32 pid)
{
	__u64 hold = hold__ask_always();

	if (!send_program(EVENT_TRANSLATED, 0, pid, hold))
		hold__forget(hold);
	hold__wait(hold);
}

/* The running process has just started a program. A global function, verified once: the paths
 * through it do not multiply those through its caller. */
GLOBAL_FUNC int translated_at_exec(__u32 pid)
{
	char comm[EVENT_COMM] = {};

	bpf_get_current_comm(comm, sizeof(comm));
	if (ntranslated)
		bpf_map_delete_elem(&translated, &pid);
	if (!translated__may_be(comm))
		return 0;
	translated__send(pid);
	return 0;
}

static __always_inline void translated__at_fork(__u32 parent, __u32 child)
{
	__u32 yes = 1;

	if (translated__has(parent))
		bpf_map_update_elem(&translated, &child, &yes, BPF_ANY);
}

/* Attached once there is such a process. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_translated, struct pt_regs *regs, long ret)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	long nr = regs->orig_ax;
	struct code_question q = {};

	if ((nr != NR_MMAP && nr != NR_MREMAP) || !translated__has(pid))
		return 0;
	if ((ret < 0 && ret > -4096) || (code__find(&q, ret) && !q.file))
		return 0;
	translated__send(pid);
	return 0;
}

#endif

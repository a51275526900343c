/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk at the oracle's marker, in one record with the truth. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "abi/shared.h"
#include "oracle.h"
#include "unwind.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 limit = EVENT_MAX_FRAMES;
__u64 lost = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 128 << 20);
} ring SEC(".maps");

/* Like unwind__walk, from a function's entry, where the return address is still at the stack
 * pointer. */
static __always_inline __u64 walk_from_entry(struct unwind_slot *s, __u32 slot, __u32 pid,
					     __u64 seed, __u32 limit, __u64 sp, __u64 rbp,
					     __u64 rbx)
{
	__u64 pc = 0;

	bpf_probe_read_user(&pc, sizeof(pc), (void *)sp);
	return unwind__walk(s, slot, pid, seed, limit, pc, sp + 8, rbp, rbx);
}

SEC("uprobe")
int on_mark(struct pt_regs *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32, slot;
	struct unwind_slot *s = unwind__get(&slot);
	struct record *r;
	__u64 n = ctx->dx;

	if (!s) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	walk_from_entry(s, slot, pid, 0, limit, ctx->sp, ctx->bp, ctx->bx);
	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r) {
		__sync_fetch_and_add(&lost, 1);
		goto out;
	}
	if (n > ORACLE_FRAMES)
		n = ORACLE_FRAMES;
	r->kind = RECORD_STACK;
	r->seq = ctx->di;
	r->n = n;
	bpf_probe_read_user(r->truth, n * sizeof(r->truth[0]), (void *)ctx->si);
	bpf_probe_read_kernel(&r->st, sizeof(r->st), &s->st);
	bpf_ringbuf_submit(r, 0);
out:
	unwind__put(s);
	return 0;
}

SEC("uprobe")
int on_files(struct pt_regs *ctx)
{
	struct record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);

	if (!r)
		return 0;
	r->kind = RECORD_FILES;
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* Puts its trampoline on the stack. */
SEC("uretprobe")
int on_return(struct pt_regs *ctx)
{
	return 0;
}

/* The files behind the mappings of code, which on an overlay are not those of /proc/PID/maps. */
SEC("iter/task_vma")
int list_code(struct bpf_iter__task_vma *ctx)
{
	struct vm_area_struct *vma = ctx->vma;
	struct task_struct *task = ctx->task;
	struct listed l = {};

	if (!task || !vma || !(vma->vm_flags & VM_EXEC) || !vma->vm_file)
		return 0;
	l.pid = task->tgid;
	l.ino = vma->vm_file->f_inode->i_ino;
	l.dev = vma->vm_file->f_inode->i_sb->s_dev;
	l.start = vma->vm_start;
	bpf_seq_write(ctx->meta->seq, &l, sizeof(l));
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists mapped code by the real file behind each mapping. */
#ifndef MEMTRACE_LIST_BPF_H
#define MEMTRACE_LIST_BPF_H

#include "state.bpf.h"

static __always_inline int list(struct bpf_iter__task_vma *ctx, bool target)
{
	/* Read once: what the verifier knows to be non-NULL is the value that was compared. */
	struct vm_area_struct *vma = ctx->vma;
	struct task_struct *task = ctx->task;
	struct listed l = {};

	if (!task || !vma || !(vma->vm_flags & VM_EXEC) || !vma->vm_file)
		return 0;
	l.pid = task->tgid;
	if (target && (target__is_own(l.pid) || !target__has(task, false)))
		return 0;
	l.ino = vma->vm_file->f_inode->i_ino;
	l.dev = vma->vm_file->f_inode->i_sb->s_dev;
	l.magic = vma->vm_file->f_inode->i_sb->s_magic;
	l.start = vma->vm_start;
	l.end = vma->vm_end;
	l.offset = vma->vm_pgoff << UNWIND_PAGE_BITS;
	bpf_seq_write(ctx->meta->seq, &l, sizeof(l));
	return 0;
}

/* Lists code of the process that the link names, or of all processes. */
SEC("iter/task_vma")
int list_code(struct bpf_iter__task_vma *ctx)
{
	return list(ctx, false);
}

/* Lists code of the processes that a filter matches. */
SEC("iter/task_vma")
int list_target(struct bpf_iter__task_vma *ctx)
{
	return list(ctx, true);
}

#endif

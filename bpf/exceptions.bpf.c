/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets exceptions pass through functions with return probes.
 *
 * A return probe replaces a call's return address by the kernel's trampoline, which unwinders do
 * not know: an exception thrown in the call (operator new out of memory) would end there, and the
 * program with it, even if it has a handler. So the addresses, which the kernel keeps, are put back
 * where unwinding begins. The probes do not see those calls end, which is right: they return
 * nothing.
 *
 * This is a separate object, loaded only when a function that throws is to be probed: writing to a
 * process's memory is not allowed everywhere, and the kernel logs a warning about it.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "ordinary.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#define MAX_RETURNS 64 /* the kernel's own limit */

/* Checks that the address on the stack is still the trampoline, and was not overwritten since. */
static __always_inline bool is_trampoline(struct task_struct *task, unsigned long slot)
{
	struct xol_area *area = task->mm ? task->mm->uprobes_state.xol_area : NULL;
	unsigned long value;

	return area && !bpf_probe_read_user(&value, sizeof(value), (void *)slot) &&
	       value == area->vaddr;
}

static __always_inline int put_back(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct uprobe_task *utask = task->utask;
	struct return_instance *ri = utask ? utask->return_instances : NULL;

	for (int i = 0; i < MAX_RETURNS && ri; i++, ri = ri->next) {
		unsigned long address = ri->orig_ret_vaddr, slot = ri->stack;

		/* A chained one shares its slot with a later one, which has the address. */
		if (!ri->chained && is_trampoline(task, slot))
			bpf_probe_write_user((void *)slot, &address, sizeof(address));
	}
	return 0;
}

SEC("uprobe.multi")
int multi_unwind(struct pt_regs *ctx)
{
	ORDINARY_STACK(tail_calls);
	return put_back();
}

SEC("uprobe")
int perf_unwind(struct pt_regs *ctx)
{
	ORDINARY_STACK(tail_calls);
	return put_back();
}

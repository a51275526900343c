/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that do nothing, for the places of the tracer's programs: the cost of the kernel itself.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[127]);
} frames SEC(".maps");

/* Set before loading: whether the kernel walks the stack by frame pointers when a call returns. */
const volatile bool with_stack = false;

char LICENSE[] SEC("license") = "GPL";

static __always_inline int walk(struct pt_regs *ctx)
{
	__u32 zero = 0;
	void *to = bpf_map_lookup_elem(&frames, &zero);

	if (to)
		bpf_get_stack(ctx, to, 127 * sizeof(__u64), BPF_F_USER_STACK);
	return 0;
}

/* Entry and return of an allocation function. */
SEC("uprobe.multi")
int floor_call(struct pt_regs *ctx)
{
	if (with_stack && bpf_get_func_ip(ctx) != ctx->ip)
		walk(ctx);
	return 0;
}

SEC("uretprobe.multi")
int floor_return(struct pt_regs *ctx)
{
	return with_stack ? walk(ctx) : 0;
}

SEC("uprobe.multi")
int floor_entry(void *ctx)
{
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/* Programs that do nothing, at the places where the tracer's sit: what the kernel itself costs. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* Entry and return of an allocation function. */
SEC("uprobe.multi")
int floor_call(void *ctx)
{
	return 0;
}

SEC("uretprobe.multi")
int floor_return(void *ctx)
{
	return 0;
}

SEC("uprobe.multi")
int floor_entry(void *ctx)
{
	return 0;
}

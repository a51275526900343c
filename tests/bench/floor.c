/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor PID session|multi FILE [stack]: attaches empty programs where the tracer would attach its
 * own, with links of the same kind, until its standard input closes. With "stack", the kernel walks
 * the stack by frame pointers when an allocation returns. Prints "ready" when they are attached.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "floor.skel.h"
#include "abi/event.h"
#include "probe/discover.h"
#include "probe/alloc_functions.h"
#include "symbols/module.h"

struct multi_attr {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid, pad;
};

static int put(struct bpf_program *prog, int type, int flags, const char *path,
	       const unsigned long *offsets, int n, int pid)
{
	struct multi_attr attr = {
		.prog_fd = bpf_program__fd(prog),
		.attach_type = type,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.cnt = n,
		.multi_flags = flags,
		.pid = pid,
	};

	return n ? (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr)) : 0;
}

int main(int argc, char **argv)
{
	struct modules *modules = modules__new();
	unsigned long frees[64], calls[64];
	int nfrees = 0, ncalls = 0, err, pid;
	struct floor_bpf *skel = floor_bpf__open();
	struct probe_file *f;
	int64_t id;

	if (argc < 4 || argc > 5 || !modules || !skel)
		return 2;
	pid = (int)strtol(argv[1], NULL, 10);
	int session = !strcmp(argv[2], "session");
	id = modules__add_path(modules, argv[3]);
	f = id < 0 ? NULL : discover__file(modules__get(modules, (uint32_t)id), NULL);
	if (!f || !f->n) {
		fprintf(stderr, "floor: nothing to probe in %s\n", argv[3]);
		return 1;
	}
	for (size_t i = 0; i < f->n && i < 64; i++) {
		unsigned long at = f->sites[i].entry + f->sites[i].point.offset;

		if (alloc_functions__get(f->sites[i].api)->shape == SHAPE_FREE)
			frees[nfrees++] = at;
		else
			calls[ncalls++] = at;
	}
	skel->rodata->with_stack = argc == 5;
	if (session)
		bpf_program__set_expected_attach_type(skel->progs.floor_call, 57);
	if (floor_bpf__load(skel))
		return 1;
	err = put(skel->progs.floor_entry, 48, 0, argv[3], frees, nfrees, pid);
	if (err >= 0 && !session)
		err = put(skel->progs.floor_return, 48, 1, argv[3], calls, ncalls, pid);
	if (err >= 0)
		err =
		    put(skel->progs.floor_call, session ? 57 : 48, 0, argv[3], calls, ncalls, pid);
	if (err < 0) {
		fprintf(stderr, "floor: cannot attach: %s\n", strerror(errno));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

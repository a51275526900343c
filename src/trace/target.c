/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets that are more than single processes: filters, known files, and lists of what is
 * mapped. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/unwind.h"
#include "trace/internal.h"
#include "trace/unwind_maps.h"
#include "util/kdev.h"

/* ---- filters ---- */

int tracer__add_filter(struct tracer *t, const struct filter *f)
{
	struct memtrace_bpf__bss *bss = t->skel->bss;

	for (uint32_t i = 0; i < bss->nfilters; i++)
		if (!memcmp(&bss->filters[i], f, sizeof(*f)))
			return 0;
	if (bss->nfilters == FILTERS_MAX)
		return -ENOSPC;
	bss->filters[bss->nfilters] = *f;
	__atomic_store_n(&bss->nfilters, bss->nfilters + 1, __ATOMIC_RELEASE);
	return 0;
}

void tracer__await(struct tracer *t, bool yes)
{
	t->skel->bss->awaiting = yes;
}

void tracer__exclude(struct tracer *t, unsigned int slot, pid_t pid)
{
	__atomic_store_n(&t->skel->bss->helpers[slot], (uint32_t)pid, __ATOMIC_RELEASE);
}

int tracer__controller(const char *name, uint32_t *subsys)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id, err = -ENOENT;
	const struct btf_type *type;
	char want[40];

	if (!btf)
		return -errno;
	/* The only one whose name in the kernel differs from that of its hierarchy. */
	snprintf(want, sizeof(want), "%s_cgrp_id", !strcmp(name, "blkio") ? "io" : name);
	id = btf__find_by_name_kind(btf, "cgroup_subsys_id", BTF_KIND_ENUM);
	type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	for (uint32_t i = 0; type && i < btf_vlen(type); i++) {
		const struct btf_enum *e = btf_enum(type) + i;

		if (!strcmp(btf__name_by_offset(btf, e->name_off), want)) {
			*subsys = (uint32_t)e->val;
			err = 0;
		}
	}
	btf__free(btf);
	return err;
}

/* ---- files ---- */

static struct unwind_file_key file_key(uint64_t dev, uint64_t ino)
{
	return (struct unwind_file_key){ .ino = ino, .dev = kdev__from_user(dev) };
}

int tracer__know_file(struct tracer *t, uint64_t dev, uint64_t ino)
{
	struct unwind_file_key key = file_key(dev, ino);
	uint32_t yes = 1;

	return bpf_map__update_elem(t->skel->maps.known_files, &key, sizeof(key), &yes, sizeof(yes),
				    BPF_ANY);
}

void tracer__unknow_file(struct tracer *t, uint64_t dev, uint64_t ino)
{
	struct unwind_file_key key = file_key(dev, ino);

	bpf_map__delete_elem(t->skel->maps.known_files, &key, sizeof(key), 0);
}

int tracer__release_file(struct tracer *t, uint32_t module)
{
	int err = t->unwind ? unwind_maps__release_file(t->unwind, module) : 0;

	if (!err)
		trace_attach__release_file(t, module);
	return err;
}

/* ---- lists ---- */

static int open_list(struct bpf_program *prog, pid_t pid, int *link)
{
	union bpf_iter_link_info which = { 0 };
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int fd;

	if (pid > 0) {
		which.task.pid = (uint32_t)pid;
		opts.iter_info = &which;
		opts.iter_info_len = sizeof(which);
	}
	*link = bpf_link_create(bpf_program__fd(prog), 0, BPF_TRACE_ITER, &opts);
	if (*link < 0 && pid > 0) /* before 6.1: all are listed, and the caller skips the others */
		*link = bpf_link_create(bpf_program__fd(prog), 0, BPF_TRACE_ITER, NULL);
	if (*link < 0)
		return *link;
	fd = bpf_iter_create(*link);
	if (fd < 0)
		close(*link);
	return fd;
}

int tracer__list(struct tracer *t, pid_t pid, tracer_list_fn fn, void *ctx)
{
	struct bpf_program *prog =
	    pid == TRACER_LIST_TARGET ? t->skel->progs.list_target : t->skel->progs.list_code;
	struct listed rows[512];
	size_t have = 0;
	int link, fd = open_list(prog, pid, &link), err = 0;

	if (fd < 0)
		return fd;
	while (!err) {
		ssize_t got = read(fd, (char *)rows + have, sizeof(rows) - have);
		size_t n;

		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0) {
			err = got < 0 ? -errno : 0;
			break;
		}
		have += (size_t)got;
		n = have / sizeof(rows[0]);
		for (size_t i = 0; i < n && !err; i++)
			if (pid <= 0 || rows[i].pid == (uint32_t)pid)
				err = fn(ctx, &rows[i]);
		have -= n * sizeof(rows[0]);
		memmove(rows, rows + n, have);
	}
	close(fd);
	close(link);
	return err;
}

/* ---- holds ---- */

int tracer__holds_fd(const struct tracer *t)
{
	return t->holds ? ring_buffer__epoll_fd(t->holds) : -1;
}

static int on_hold(void *ctx, void *data, size_t size)
{
	struct tracer *t = ctx;

	if (size == sizeof(struct hold_request))
		t->hold_fn(t->hold_ctx, data);
	return 0;
}

int tracer__set_holder(struct tracer *t, tracer_hold_fn fn, void *ctx)
{
	t->hold_fn = fn;
	t->hold_ctx = ctx;
	t->holds = ring_buffer__new(bpf_map__fd(t->skel->maps.hold_requests), on_hold, t, NULL);
	return t->holds ? 0 : -errno;
}

int tracer__take_holds(struct tracer *t)
{
	return ring_buffer__consume(t->holds);
}

void tracer__grant(struct tracer *t, uint64_t number, bool held)
{
	__atomic_store_n(&t->skel->bss->grants[number & (HOLD_SLOTS - 1)], HOLD_GRANT(number, held),
			 __ATOMIC_RELEASE);
}

void tracer__settle(struct tracer *t, unsigned int catcher, int cpu)
{
	__atomic_store_n(&t->skel->bss->catcher_cpus[catcher], (uint32_t)cpu + 1, __ATOMIC_RELEASE);
}

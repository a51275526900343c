/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uprobe_multi links are made with the bpf system call itself, because libbpf supports neither
 * session links nor probes without symbol names, which stripped files need. */
#include "trace/links.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trace/apart.h"

/* The part of union bpf_attr that BPF_LINK_CREATE reads for uprobe_multi: a stable interface, but
 * newer than the headers that this is built with. */
struct link_create_uprobe_multi {
	uint32_t prog_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t ref_ctr_offsets;
	uint64_t cookies;
	uint32_t cnt;
	uint32_t multi_flags;
	uint32_t pid;
	uint32_t pad;
};

_Static_assert(sizeof(struct link_create_uprobe_multi) == 64, "link_create_uprobe_multi");

/* What is done apart: no memory is allocated there. */
struct work {
	const struct link_request *r;
	int *fds; /* those made so far; with perf, one or two a probe */
	size_t n;
	int err;
};

static int make_multi_link(const struct link_request *r)
{
	struct link_create_uprobe_multi attr = {
		.prog_fd = (uint32_t)r->prog_fd,
		.attach_type = r->type,
		.path = (uintptr_t)r->path,
		.offsets = (uintptr_t)r->batch->offsets,
		.cookies = (uintptr_t)r->batch->cookies,
		.cnt = (uint32_t)r->batch->n,
		.multi_flags = r->flags,
		.pid = (uint32_t)r->pid,
	};
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : (int)fd;
}

static void make_perf_links(struct work *w)
{
	const struct link_request *r = w->r;
	const struct batch *b = r->batch;

	for (size_t i = 0; i < b->n && !w->err; i++) {
		int event = perf_probe__open(r->perf, r->path, b->offsets[i], r->returns, r->pid);
		int link = event < 0 ? event : perf_probe__link(event, r->prog_fd, b->cookies[i]);

		if (event >= 0)
			w->fds[w->n++] = event;
		if (link >= 0)
			w->fds[w->n++] = link;
		w->err = link < 0 ? link : 0;
	}
}

static void make_links(void *arg)
{
	struct work *w = arg;
	int fd;

	if (w->r->perf) {
		make_perf_links(w);
		return;
	}
	fd = make_multi_link(w->r);
	if (fd >= 0)
		w->fds[w->n++] = fd;
	w->err = fd < 0 ? fd : 0;
}

int links__make(struct links *l, const struct link_request *r)
{
	struct work w = { .r = r };
	int *fds;

	if (!r->batch->n)
		return 0;
	fds = realloc(l->fds, (l->n + r->batch->n * 2) * sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	l->fds = fds;
	w.fds = fds + l->n;
	apart__run(make_links, &w);
	l->n += w.n;
	return w.err;
}

static void make_and_close_link(void *arg)
{
	struct work *w = arg;
	int fd = make_multi_link(w->r);

	if (fd >= 0)
		syscall(SYS_close, fd);
	w->err = fd < 0 ? fd : 0;
}

int links__touch(const struct link_request *r)
{
	struct work w = { .r = r };

	apart__run(make_and_close_link, &w);
	return w.err;
}

/* The last made first: entries go before returns and frees. */
static void close_links(void *links)
{
	struct links *l = links;

	while (l->n)
		syscall(SYS_close, l->fds[--l->n]);
}

void links__close(struct links *l)
{
	if (l->n)
		apart__run(close_links, l);
}

void links__free(struct links *l)
{
	links__close(l);
	free(l->fds);
	*l = (struct links){ 0 };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the links between a BPF program and places in a file, as uprobe_multi or, on older kernels,
 * as a perf event each; and closes them. A kill of memtrace meanwhile leaves no breakpoint.
 */
#ifndef MEMTRACE_TRACE_LINKS_H
#define MEMTRACE_TRACE_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/perf_probe.h"

/* Attach types that are newer than the headers that this is built with. */
enum { ATTACH_TYPE_UPROBE_MULTI = 48, ATTACH_TYPE_UPROBE_SESSION = 57 };
enum { MULTI_RETURN = 1 }; /* of flags: BPF_F_UPROBE_MULTI_RETURN */

/* Places in a file, and what the program reads with bpf_get_attach_cookie at each. */
struct batch {
	unsigned long offsets[512];
	uint64_t cookies[512];
	size_t n;
};

struct link_request {
	int prog_fd;
	const char *path; /* opens the file */
	const struct batch *batch;
	pid_t pid;			    /* 0: all processes */
	uint32_t type, flags;		    /* of a uprobe_multi link */
	const struct perf_probe_type *perf; /* NULL: a uprobe_multi link */
	bool returns;			    /* with perf */
};

/* Descriptors, owned. */
struct links {
	int *fds;
	size_t n;
};

/* Adds to l; those that were made before a failure stay in it. Returns 0 or a negative errno. */
int links__make(struct links *l, const struct link_request *r);

/* Makes a uprobe_multi link and closes it at once. Returns 0 or a negative errno. */
int links__touch(const struct link_request *r);

void links__close(struct links *l); /* keeps the memory */
void links__free(struct links *l);

#endif

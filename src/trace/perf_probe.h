/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Uprobes as perf events, for kernels without links that hold many. They are made here and not by
 * libbpf, because they are made and closed where only system calls may be made (trace/apart.h).
 */
#ifndef MEMTRACE_TRACE_PERF_PROBE_H
#define MEMTRACE_TRACE_PERF_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How the kernel wants them described; all zero before the first perf_probe__init. */
struct perf_probe_type {
	uint32_t type;	  /* of perf_event_attr; 0: not known yet */
	uint64_t returns; /* the bit of attr.config that asks for a return probe */
};

/* Reads it from sysfs, once. Returns 0 or a negative errno. */
int perf_probe__init(struct perf_probe_type *p);

/*
 * A probe at an offset in a file, for one process (0: for all). Returns a descriptor, which the
 * caller closes, or a negative errno. Makes system calls only.
 */
int perf_probe__open(const struct perf_probe_type *p, const char *path, uint64_t offset,
		     bool returns, pid_t pid);

/* Has a program run at a probe, with a cookie. Returns the link's descriptor, which the caller
 * closes, or a negative errno. Makes system calls only. */
int perf_probe__link(int event, int prog_fd, uint64_t cookie);

#endif

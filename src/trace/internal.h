/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of the tracer; not for other folders. */
#ifndef MEMTRACE_TRACE_INTERNAL_H
#define MEMTRACE_TRACE_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "trace/links.h"
#include "trace/process_table.h"
#include "trace/tracer.h" /* the skeletons need abi/shared.h */

#include "exceptions.skel.h"
#include "memtrace.skel.h"

/* The probes of one file for one process (or for all: pid 0). */
struct attachment {
	pid_t pid;
	uint32_t module;
	const char *path;	/* opens the file; the module's */
	unsigned long *offsets; /* of all its probes */
	size_t noffsets;
	struct links links;
};

struct tracer {
	struct memtrace_bpf *skel;
	struct process_table processes;
	struct ring_buffer *rb, *holds;
	tracer_hold_fn hold_fn;
	void *hold_ctx;
	struct modules *modules;
	struct unwind_maps *unwind;	   /* NULL: stacks are not walked by tables */
	struct exceptions_bpf *exceptions; /* NULL: not needed yet, or not allowed */
	int exceptions_error;		   /* the error, where loading them failed */
	enum attach_method method;
	char compiler[64]; /* of the BPF object */
	bool syscalls;
	bool probe_throwing;
	struct perf_probe_type perf; /* with ATTACH_PERF */
	struct detacher *detacher;   /* NULL: none yet, or no memory */
	struct attachment *attachments;
	size_t n, cap;
	struct bpf_link *watches[8]; /* fork, exec, exit, system calls */
	size_t nwatches;
};

/* Tries the loaded programs on a function of this process. Returns 0 or a negative errno. */
int trace_attach__trial(struct tracer *t);
void trace_attach__remove(struct tracer *t, pid_t pid);		    /* the links of one process */
void trace_attach__release_file(struct tracer *t, uint32_t module); /* those in one file */
void trace_attach__destroy(struct attachment *a);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place that knows libbpf and the BPF programs: loads them in the best form that this
 * kernel takes, attaches probes, and hands out the ring buffer's records.
 *
 * Links vanish with this process, however it ends. tracer__wait and tracer__consume belong to
 * one thread; tracer__list, tracer__traces and tracer__counters to any; all other calls to one
 * thread, where nothing else is said.
 */
#ifndef MEMTRACE_TRACE_TRACER_H
#define MEMTRACE_TRACE_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/shared.h"

struct module;
struct modules;
struct probe_file;
struct mappings;
struct tracer;

enum attach_method {
	ATTACH_SESSION, /* entry and return in one program, nested returns skipped (6.13) */
	ATTACH_MULTI,	/* many probes in a link (6.6) */
	ATTACH_PERF,	/* a perf event for each probe */
	ATTACH_METHODS
};

enum attach_what {
	ATTACH_ALL,    /* all that discovery found in a file */
	ATTACH_LOADER, /* only where the dynamic loader reports that the mapped files changed */
};

struct tracer_opts {
	const char *method;	 /* "session", "multi", "perf"; NULL: the best that works */
	uint64_t ring_bytes;	 /* rounded up to a power of two; 0: the default */
	uint32_t stack_mode;	 /* STACK_* (shared.h) */
	uint32_t max_depth;	 /* frames */
	struct modules *modules; /* where unwind tables are read from; must outlive the tracer */
	uint64_t unwind_memory;	 /* bytes that unwind tables may take; 0: the default */
	bool children;		 /* forked children are traced */
	bool syscalls;		 /* mmap, brk, …: taxes every system call on the machine */
	bool probe_throwing; /* functions that throw, too, where exceptions cannot pass their probes
			      */
	bool holding;	     /* threads that mapped unknown code are held: see tracer__set_holder */
};

/* Loads, trying what the kernel takes. On failure NULL, errno, and one clause of explanation in
 * `why`. */
struct tracer *tracer__new(const struct tracer_opts *opts, char *why, size_t cap);
void tracer__free(struct tracer *t); /* detaches too */

const char *tracer__method(const struct tracer *t); /* "session", … */

/* Begins to watch fork, exec and exit, and system calls if asked for. 0 or a negative errno. */
int tracer__start(struct tracer *t);

/* Events of this process are wanted. flags: TRACED_*. 0 or a negative errno. */
int tracer__add_process(struct tracer *t, pid_t pid, uint32_t flags);
/*
 * The mappings of a process are about to be read: from now on code of files that are unknown is
 * reported again. Returns the epoch, which counts how often its mapped files have changed as far as
 * the probes saw; 0 where it is not traced.
 */
uint32_t tracer__begin_scan(struct tracer *t, pid_t pid);
/*
 * The process has these mappings, as of an epoch that was asked for before they were read: its
 * stacks are walked by them. To be called before its probes are attached, after an exec, and when
 * its files changed. 0, -ENOSPC where an unwind table found no room (the stacks that it would have
 * been needed for say so), or another negative errno.
 */
int tracer__update_process(struct tracer *t, pid_t pid, const struct mappings *space,
			   uint32_t epoch);
/* The child has its parent's mappings. */
int tracer__fork_process(struct tracer *t, pid_t parent, pid_t child);
/* Work that can wait; to be called when there is time. */
void tracer__tend(struct tracer *t);
/* Clears some TRACED_* flags, then sets some; those that the BPF side sets meanwhile stay. */
int tracer__change_flags(struct tracer *t, pid_t pid, uint32_t set, uint32_t clear);
int tracer__drop_process(struct tracer *t, pid_t pid); /* its links, too */
/* The same for one that was seen to end: its events ended with it, and its pid may be another's
 * already. */
void tracer__bury_process(struct tracer *t, pid_t pid);

/*
 * Puts the probes into a file, for one process (pid > 0) or for all that map it (pid 0; the BPF
 * side filters). Frees first, then what may return a block: a block that is seen to come is seen to
 * go. Returns the number of functions probed now, 0 where this was done before, or a negative
 * errno. *fresh is set, and never cleared, where probes were put now: of a dynamic loader they are
 * not counted.
 */
int tracer__attach(struct tracer *t, struct module *mod, const struct probe_file *f,
		   enum attach_what what, pid_t pid, bool *fresh);

/*
 * Tells that a function will be probed that may throw (probe_file's `throws`): from now on
 * tracer__attach also probes the functions by which exceptions leave calls, so that they pass. To
 * be called before the files of a process are attached. Where the kernel does not allow that
 * (lockdown), an exception from such a function ends the process. 0 or a negative errno.
 */
int tracer__expect_exceptions(struct tracer *t);

/*
 * A forked child that is not traced has copies of its parent's breakpoints and would pay for them
 * as long as it lives: takes them out. 0 or a negative errno.
 */
int tracer__release_child(struct tracer *t, pid_t parent, pid_t child);

/* ---- targets that are more than processes ---- */

/*
 * From now on a process that the filter counts to the target is traced, from its next call or exec
 * on; those that run already and are idle are found with tracer__list. 0 or -ENOSPC.
 */
int tracer__add_filter(struct tracer *t, const struct filter *f);
/* Programs that begin in a cgroup where none began before are reported, and held where threads are.
 */
void tracer__await(struct tracer *t, bool yes);
bool tracer__traces(struct tracer *t, pid_t pid);
/* The number of a version 1 controller ("memory") in this kernel. 0, or -ENOENT. */
int tracer__controller(const char *name, uint32_t *subsys);

/* Code of this file is known: a process that maps it is not held. dev as makedev() has it, both the
 * real file's. */
int tracer__know_file(struct tracer *t, uint64_t dev, uint64_t ino);

/*
 * Lists what code is mapped: by a process, by all that the filters say are of the target, or by all
 * there are. A negative return of fn ends it. 0 or a negative errno. Any thread may call it.
 */
enum { TRACER_LIST_TARGET = 0, TRACER_LIST_ALL = -1 };
typedef int (*tracer_list_fn)(void *ctx, const struct listed *l);
int tracer__list(struct tracer *t, pid_t pid, tracer_list_fn fn, void *ctx);

/*
 * The holder gets each request from tracer__take_holds, to be called when tracer__holds_fd is
 * readable, and answers with tracer__grant once the thread cannot run on, or cannot be held. These
 * belong to one thread at a time, which may be another than that of the rest. 0, how many requests
 * there were, or a negative errno.
 */
typedef void (*tracer_hold_fn)(void *ctx, const struct hold_request *r);
int tracer__set_holder(struct tracer *t, tracer_hold_fn fn, void *ctx);
int tracer__holds_fd(const struct tracer *t);
int tracer__take_holds(struct tracer *t);
void tracer__grant(struct tracer *t, uint64_t number, bool held);
/* From now on this catcher (below HOLD_CATCHERS) runs on that CPU only. */
void tracer__settle(struct tracer *t, unsigned int catcher, int cpu);

/* Detaches everything; what is in the ring stays readable. */
void tracer__detach(struct tracer *t);

/* The record's bytes are valid during the call only. A negative return ends the pass. */
typedef int (*tracer_record_fn)(void *ctx, void *data, size_t size);
int tracer__set_consumer(struct tracer *t, tracer_record_fn fn,
			 void *ctx); /* 0 or a negative errno */
/* Waits until much is there, at most timeout_ms. 0 or a negative errno. */
int tracer__wait(struct tracer *t, int timeout_ms);
/* Hands out all that is there. How many records, or a negative errno. */
int tracer__consume(struct tracer *t);

void tracer__counters(const struct tracer *t, struct counters *out);

#endif

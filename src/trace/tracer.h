/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads the BPF programs in the best form that this kernel supports, attaches probes, and hands out
 * the ring buffer's records. Only this folder knows libbpf and the BPF programs.
 *
 * Links vanish with this process, however it ends. Unless a function says otherwise, tracer__wait
 * and tracer__consume belong to one thread, all other calls to one thread, and any thread may call
 * tracer__list, tracer__traces and tracer__counters.
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
	ATTACH_ALL,    /* everything that discovery found in a file */
	ATTACH_LOADER, /* only the dynamic loader's report that the mapped files changed */
};

struct tracer_opts {
	const char *method;	 /* "session", "multi", "perf"; NULL: the best that works */
	uint64_t ring_bytes;	 /* rounded up to a power of two; 0: the default */
	uint32_t stack_mode;	 /* STACK_* (shared.h) */
	uint32_t max_depth;	 /* frames */
	struct modules *modules; /* where unwind tables come from; must outlive the tracer */
	uint64_t unwind_memory;	 /* bytes that unwind tables may take; 0: the default */
	bool children;		 /* forked children are traced */
	bool syscalls;		 /* mmap, brk, …: slows every system call on the machine */
	bool probe_throwing;	 /* also functions that throw and have no exits, where exceptions
				  * cannot pass return probes */
	bool per_file;		 /* tracer__attach is called for files, not for processes */
	bool holding; /* threads that mapped unknown code are held: see tracer__set_holder */
};

/* Loads, trying what the kernel supports. On failure returns NULL, sets errno, and writes one
 * clause of explanation to `why`. */
struct tracer *tracer__new(const struct tracer_opts *opts, char *why, size_t cap);
void tracer__free(struct tracer *t); /* detaches too */

const char *tracer__method(const struct tracer *t); /* "session", … */

/* Starts watching fork, exec and exit, and system calls if asked to. Returns 0 or a negative
 * errno. */
int tracer__start(struct tracer *t);

/* Starts tracing a process. flags: TRACED_*. Returns 0 or a negative errno. */
int tracer__add_process(struct tracer *t, pid_t pid, uint32_t flags);
/*
 * Must be called before a process's mappings are read: from now on code of unknown files is
 * reported again. Returns the epoch, which counts the changes to its mapped files that the probes
 * saw; 0 where it is not traced.
 */
uint32_t tracer__begin_scan(struct tracer *t, pid_t pid);
/*
 * Sets the mappings by which the process's stacks are unwound. epoch: from tracer__begin_scan,
 * before they were read. To be called before its probes are attached, after an exec, and when its
 * mapped files changed. Returns 0, -ENOSPC where there was no room for an unwind table (stacks that
 * need it say so), or another negative errno.
 */
int tracer__update_process(struct tracer *t, pid_t pid, const struct mappings *space,
			   uint32_t epoch);
/* Gives the child its parent's mappings. */
int tracer__fork_process(struct tracer *t, pid_t parent, pid_t child);
/* Does work that can wait; to be called when there is time. */
void tracer__tend(struct tracer *t);
/* Clears some TRACED_* flags, then sets some; flags that the BPF side sets meanwhile stay. */
int tracer__change_flags(struct tracer *t, pid_t pid, uint32_t set, uint32_t clear);
int tracer__drop_process(struct tracer *t, pid_t pid); /* and its links */
/* Like tracer__drop_process, for a process that has ended: there are no events of it left to stop,
 * and its process ID may have been reused. */
void tracer__bury_process(struct tracer *t, pid_t pid);

/*
 * Puts the probes into a file, for one process (pid > 0) or for all that map it (pid 0; the BPF
 * side filters). Frees come first, then allocations: a block whose allocation is seen must have its
 * free seen too. Returns the number of functions probed by this call, 0 where it was done before,
 * or a negative errno. Sets *fresh, and never clears it, where it attached any probe: those in a
 * dynamic loader are not counted.
 */
int tracer__attach(struct tracer *t, struct module *mod, const struct probe_file *f,
		   enum attach_what what, pid_t pid, bool *fresh);

/*
 * Prepares for return probes on functions that may throw (probe_file's `throws`): from now on
 * tracer__attach also probes the functions by which exceptions leave calls, so that they pass. To
 * be called before the files of a process are attached. Where the kernel does not allow that
 * (lockdown), an exception from such a function ends the process. Returns 0 or a negative errno.
 */
int tracer__expect_exceptions(struct tracer *t);

/*
 * Removes its parent's breakpoints from a forked child that is not traced: it would pay for them as
 * long as it lives. Returns 0 or a negative errno.
 */
int tracer__release_child(struct tracer *t, pid_t parent, pid_t child);

/* ---- targets other than single processes ---- */

/*
 * Adds a filter: from now on a process that matches it is traced from its next call or exec on.
 * Idle processes that already match are found with tracer__list. Returns 0 or -ENOSPC.
 */
int tracer__add_filter(struct tracer *t, const struct filter *f);
/* Turns on reports of programs that start in a cgroup where none started before; they are held
 * where threads are. */
void tracer__await(struct tracer *t, bool yes);
bool tracer__traces(struct tracer *t, pid_t pid);
/* Keeps a process of ours out of the target; `slot`, below HELPERS_MAX, had another one before. */
void tracer__exclude(struct tracer *t, unsigned int slot, pid_t pid);
/* Finds the number of a version 1 controller ("memory") in this kernel. Returns 0 or -ENOENT. */
int tracer__controller(const char *name, uint32_t *subsys);

/* Marks a file as known: a process that maps it is not held. dev (as from makedev()) and ino are
 * the real file's. */
int tracer__know_file(struct tracer *t, uint64_t dev, uint64_t ino);
/* Takes that back: processes that map it are reported again. */
void tracer__unknow_file(struct tracer *t, uint64_t dev, uint64_t ino);
/*
 * Gives up what is kept of a file that no process maps: its probes and its unwind table. Returns 0,
 * or -EBUSY where a process still has it in its mappings, as far as the tracer was informed.
 */
int tracer__release_file(struct tracer *t, uint32_t module);

/*
 * Lists mapped code: of one process, of all that match the filters, or of all there are. A negative
 * return of fn ends the listing. Returns 0 or a negative errno. Any thread may call it.
 */
enum { TRACER_LIST_TARGET = 0, TRACER_LIST_ALL = -1 };
typedef int (*tracer_list_fn)(void *ctx, const struct listed *l);
int tracer__list(struct tracer *t, pid_t pid, tracer_list_fn fn, void *ctx);

/*
 * Sets the holder. It gets each request from tracer__take_holds, to be called when tracer__holds_fd
 * is readable, and answers with tracer__grant once the thread is stopped or cannot be held. These
 * calls belong to one thread at a time, not necessarily the one of the other calls. They return 0,
 * the number of requests, or a negative errno.
 */
typedef void (*tracer_hold_fn)(void *ctx, const struct hold_request *r);
int tracer__set_holder(struct tracer *t, tracer_hold_fn fn, void *ctx);
int tracer__holds_fd(const struct tracer *t);
int tracer__take_holds(struct tracer *t);
void tracer__grant(struct tracer *t, uint64_t number, bool held);
/* Says that this catcher (below HOLD_CATCHERS) now runs only on that CPU. */
void tracer__settle(struct tracer *t, unsigned int catcher, int cpu);

/*
 * A process whose code is translated (yes: from now on; no: not any more), with
 * tracer_opts.per_file. Whenever it has mapped a file, it is held, and EVENT_TRANSLATED reported.
 * Returns 0 or a negative errno.
 */
int tracer__translated(struct tracer *t, pid_t pid, bool yes);
/* Gives a process the file's own bytes in place of the breakpoints of probes for all processes, in
 * all that it has mapped by now. Returns 0 or a negative errno; -ENOENT or -ESRCH: it has ended. */
int tracer__restore(struct tracer *t, pid_t pid);

/* Detaches everything; records in the ring buffer stay readable. */
void tracer__detach(struct tracer *t);

/* The record's bytes are valid only during the call. A negative return ends the pass. */
typedef int (*tracer_record_fn)(void *ctx, void *data, size_t size);
int tracer__set_consumer(struct tracer *t, tracer_record_fn fn,
			 void *ctx); /* 0 or a negative errno */
/* Waits until the ring buffer is fairly full, at most timeout_ms. Returns 0 or a negative errno. */
int tracer__wait(struct tracer *t, int timeout_ms);
/* Hands out all waiting records. Returns how many, or a negative errno. */
int tracer__consume(struct tracer *t);

void tracer__counters(const struct tracer *t, struct counters *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the files whose code traced processes run, and takes each from a mapping to its probes and
 * its unwind table. Each file is one object, which owns all that the session knows about it,
 * however many processes map it. Belongs to the main thread.
 */
#ifndef MEMTRACE_SESSION_TRACED_FILES_H
#define MEMTRACE_SESSION_TRACED_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mappings;
struct module;
struct modules;
struct probe_file;
struct probe_specs;
struct traced_files;
struct tracer;
struct tracer_ops;

struct traced_file {
	struct module *module;	   /* belongs to the modules */
	uint64_t dev, ino;	   /* of the real file, as last mapped */
	struct probe_file *probes; /* what discovery found; NULL: it failed, and will be tried
				    * again */
	bool has_table;		   /* its unwind table is loaded, or it has no CFI */
	bool known;		   /* processes that map it need not be held */
	size_t functions;	   /* probed in it */
	size_t sum, times;	   /* probed so far, if for each process anew, and how often */
	bool throws;		   /* functions that may throw and have no exits are not */
	bool failed;		   /* it could not be probed */
};

/* Everything stays the caller's, and must outlive the files. */
struct traced_files_opts {
	const struct tracer_ops *trace;
	struct tracer *tracer;
	struct modules *modules;
	const struct probe_specs *specs;
	bool heap;     /* allocation functions are probed; otherwise only dynamic loaders */
	bool per_file; /* one probe serves all processes that map the file */
	bool probe_throwing;
	bool explain; /* to standard error */
	/* Discovery found these functions in a file for the first time. */
	void (*found)(void *ctx, const struct probe_file *f);
	/* A process maps a file whose allocation functions are not all probed: `name` says which
	 * ("operator new of libx.so"). */
	void (*unprobed)(void *ctx, pid_t pid, const char *name);
	/* A process maps code that may not be read; module__error says why. NULL: ignored. */
	void (*refused)(void *ctx, pid_t pid, const struct module *mod);
	/* Called around the attaching of probes that serve all processes. */
	void (*before_probes)(void *ctx);
	void (*after_probes)(void *ctx);
	void *ctx;
};

struct traced_files *traced_files__new(const struct traced_files_opts *opts); /* NULL and errno */
void traced_files__free(struct traced_files *tf);

/*
 * Loads the unwind tables of what a process has mapped, as of an epoch, and probes what was not
 * probed yet. Sets *fresh, and never clears it, where there are new probes. Returns how many files
 * the process maps that could be opened, or a negative errno; -ESRCH if the process is gone. A file
 * that cannot be probed is logged, and does not keep others from being probed.
 */
int traced_files__add_process(struct traced_files *tf, pid_t pid, const struct mappings *maps,
			      uint32_t epoch, bool *fresh);

/* Forgets a file that no process maps any longer, and whose module is given back. */
void traced_files__drop(struct traced_files *tf, uint32_t module);
/* Marks a file as known again, if it was. */
void traced_files__know_again(struct traced_files *tf, uint32_t module);

/* Returns whether functions of that file are probed. */
bool traced_files__is_probed(const struct traced_files *tf, uint64_t dev, uint64_t ino);

/* What is probed so far: functions, and the files that they are in. */
size_t traced_files__functions(const struct traced_files *tf);
size_t traced_files__probed(const struct traced_files *tf);

/* Iterates over the files that discovery has seen: start with *pos = 0; NULL at the end. */
const struct traced_file *traced_files__next(const struct traced_files *tf, size_t *pos);

#endif

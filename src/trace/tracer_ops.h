/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations that a session needs of a tracer, as a table, so that tests can put a scripted one
 * in its place. Each is the function of its name in tracer.h, with the same meaning, errors and
 * threads.
 */
#ifndef MEMTRACE_TRACE_TRACER_OPS_H
#define MEMTRACE_TRACE_TRACER_OPS_H

#include "trace/tracer.h"

struct tracer_ops {
	struct tracer *(*create)(const struct tracer_opts *opts, char *why, size_t cap);
	void (*free)(struct tracer *t);
	const char *(*method)(const struct tracer *t);
	int (*start)(struct tracer *t);
	void (*detach)(struct tracer *t);
	void (*tend)(struct tracer *t);
	void (*counters)(const struct tracer *t, struct counters *out);

	/* processes */
	bool (*traces)(struct tracer *t, pid_t pid);
	int (*add_process)(struct tracer *t, pid_t pid, uint32_t flags);
	int (*change_flags)(struct tracer *t, pid_t pid, uint32_t set, uint32_t clear);
	uint32_t (*begin_scan)(struct tracer *t, pid_t pid);
	int (*update_process)(struct tracer *t, pid_t pid, const struct mappings *maps,
			      uint32_t epoch);
	int (*fork_process)(struct tracer *t, pid_t parent, pid_t child);
	int (*release_child)(struct tracer *t, pid_t parent, pid_t child);
	int (*drop_process)(struct tracer *t, pid_t pid);
	void (*bury_process)(struct tracer *t, pid_t pid);

	/* files */
	int (*attach)(struct tracer *t, struct module *mod, const struct probe_file *f,
		      enum attach_what what, pid_t pid, bool *fresh);
	int (*expect_exceptions)(struct tracer *t);
	int (*know_file)(struct tracer *t, uint64_t dev, uint64_t ino);
	void (*unknow_file)(struct tracer *t, uint64_t dev, uint64_t ino);
	int (*release_file)(struct tracer *t, uint32_t module);

	/* targets other than single processes */
	int (*add_filter)(struct tracer *t, const struct filter *f);
	void (*await)(struct tracer *t, bool yes);
	void (*exclude)(struct tracer *t, unsigned int slot, pid_t pid);
	int (*controller)(const char *name, uint32_t *subsys);
	int (*list)(struct tracer *t, pid_t pid, tracer_list_fn fn, void *ctx);

	/* holds */
	int (*set_holder)(struct tracer *t, tracer_hold_fn fn, void *ctx);
	int (*holds_fd)(const struct tracer *t);
	int (*take_holds)(struct tracer *t);
	void (*grant)(struct tracer *t, uint64_t number, bool held);
	void (*settle)(struct tracer *t, unsigned int catcher, int cpu);

	/* processes whose code is translated */
	int (*translated)(struct tracer *t, pid_t pid, bool yes);
	int (*restore)(struct tracer *t, pid_t pid);

	/* records */
	int (*set_consumer)(struct tracer *t, tracer_record_fn fn, void *ctx);
	int (*wait)(struct tracer *t, int timeout_ms);
	int (*consume)(struct tracer *t);
};

extern const struct tracer_ops tracer_ops__kernel;

#endif

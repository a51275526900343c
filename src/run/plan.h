/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan of a run: what to trace or replay, what to report, and where to. The command line fills
 * it; a session, a replay or a comparison carries it out and only reads it.
 */
#ifndef MEMTRACE_RUN_PLAN_H
#define MEMTRACE_RUN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/shared.h"
#include "collect/query.h"
#include "probe/spec.h"
#include "profile/conditions.h"
#include "report/report.h"

struct suppressions;
struct wrappers;

/* Strings belong to the caller and must outlive the run; arrays, specs, rules and conditions
 * belong to the plan. */
struct plan {
	/* Targets. */
	uint32_t *pids;
	size_t npids;
	const char **containers; /* names or IDs */
	size_t ncontainers;
	const char **cgroups; /* directories */
	size_t ncgroups;
	bool all;	  /* every process on the host */
	bool wait;	  /* containers and cgroups may appear later */
	bool no_miss;	  /* threads are held until the code they newly mapped is probed */
	bool children;	  /* forked children are followed */
	char **command;	  /* NULL: none */
	const char *user; /* to run the command as; NULL: the current one */

	/* When. */
	double interval_s; /* 0: only the last report of a recording */
	double duration_s; /* 0: no limit */
	uint64_t reports;  /* 0: no limit */

	/* What. */
	struct query query; /* sort, top, min_age, kinds, by */
	bool sort_given;
	bool top_given;
	bool since_mark;	     /* growth is reported since the mark */
	uint64_t min_size, max_size; /* bytes */

	/* Findings. */
	struct suppressions *rules; /* NULL: nothing is suppressed */
	bool default_rules;	    /* those built in are among them */
	struct wrappers *wrappers;  /* besides those built in; NULL: none */
	bool apart;		    /* findings are not grouped into leaks */
	struct conditions checks;   /* any that holds makes the run fail */
	int error_exit;	     /* exit status then, and, without checks, for a leak; 0: not given */
	bool allow_unjudged; /* a run that could not be judged passes */

	/* Output. */
	const struct report_format *format;
	bool full_stacks;      /* in text */
	const char *output;    /* NULL: standard output */
	const char *record;    /* recording to write; NULL: none */
	uint64_t record_bytes; /* its size limit; 0: none */
	bool record_only;      /* no report is printed now */

	/* How. */
	uint64_t memory_limit; /* bytes of memtrace's own memory */
	enum stack_mode stack_mode;
	uint32_t max_depth;	   /* frames */
	uint64_t unwind_memory;	   /* bytes; 0: the default */
	uint64_t ring_bytes;	   /* 0: the default */
	const char *attach;	   /* name of an attach method; NULL: the best that works */
	struct probe_specs probes; /* functions that the user named */
	bool probe_throwing;	   /* see tracer.h */
	bool read_fuse;		   /* files on FUSE file systems are read: see identities.h */
	bool explain_probes;
	bool debuginfod;     /* ask debuginfod servers for debug information */
	double debuginfod_s; /* how long a report waits for them */
};

#define MEMORY_LIMIT_LEAST (32ull << 20)

/* The plan of a command line without options. */
struct plan plan__default(void);
/* Frees what belongs to the plan; it may be half filled. */
void plan__release(struct plan *plan);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds a report from a collector and prints it, for a live session and for a recording alike:
 * they supply the callbacks.
 */
#ifndef MEMTRACE_RUN_REPORTING_H
#define MEMTRACE_RUN_REPORTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/shared.h"
#include "collect/collector.h"
#include "profile/profile.h"
#include "profile/unseen.h"
#include "report/summary.h"
#include "run/plan.h"
#include "util/strbuf.h"

struct modules;
struct output;
struct suppression_filter;
struct symbolizer;

/* The moment of a report. */
struct report_tick {
	uint32_t seq; /* from 1 */
	bool final;
	uint64_t now, wall; /* ns: CLOCK_MONOTONIC, CLOCK_REALTIME */
	struct counters counters;
};

struct reporting {
	/* Filled in by the caller; all but the plan may be set after reporting__open. */
	const struct plan *plan;
	const struct profile_run *run;
	struct collector *collector;
	struct symbolizer *symbolizer;
	struct modules *modules;
	const char *const *api_names; /* this and the next six as in profile_input */
	const struct stack *(*stack)(void *ctx, uint64_t id);
	const char *(*mapped_file)(void *ctx, uint32_t pid, uint64_t addr);
	uint64_t (*rss)(void *ctx, uint32_t pid);
	bool (*stopped)(void *ctx, uint32_t pid);
	struct proc_memory (*memory)(void *ctx, uint32_t pid);
	void *ctx;
	const char *recording; /* as in profile_input */
	uint64_t start;
	const char *notice; /* shown with every report; NULL: none */

	struct first_readings first; /* the caller adds those that precede the first report */

	/* Private. */
	struct output *output;
	struct report_style style;
	struct suppression_filter *filter; /* NULL: nothing is suppressed */
	bool begun;
	enum run_outcome outcome; /* the outcome of the final report, by the plan */
	struct strbuf last_line;  /* summary of the final report, for standard error */
};

/* Opens the output. Returns 0 or a negative errno, logged. */
int reporting__open(struct reporting *r);
/* Takes the snapshot that the report is built from; growth is counted from here on. The caller must
 * keep other threads from using the collector meanwhile. */
int reporting__snapshot(struct reporting *r, const struct report_tick *tick, struct snapshot *out);
/* Builds the report. Returns NULL and sets errno on failure. */
struct profile *reporting__make(struct reporting *r, const struct report_tick *tick,
				const struct snapshot *snap);
/* Prints the report of a snapshot, unless the format wants only the final one. Returns 0 or a
 * negative errno. */
int reporting__print(struct reporting *r, const struct report_tick *tick,
		     const struct snapshot *snap);
/* Puts the output in place, unless `err` says that writing it failed before. Returns 0 or a
 * negative errno, logged. */
int reporting__commit(struct reporting *r, int err);
void reporting__close(struct reporting *r);
/* The process ends at once: removes an output that is not in place, from any thread. */
void reporting__abandon(struct reporting *r);

#endif

/*
 * Makes a report of what a collector knows and prints it: the same for a live session and for a
 * recording, which differ in where the answers to its few questions come from.
 */
#ifndef MEMTRACE_RUN_REPORTING_H
#define MEMTRACE_RUN_REPORTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/shared.h"
#include "collect/collector.h"
#include "profile/profile.h"
#include "run/plan.h"
#include "util/strbuf.h"

struct modules;
struct output;
struct suppression_filter;
struct symbolizer;

/* What a report needs of its moment. */
struct report_tick {
	uint32_t seq; /* from 1 */
	bool final;
	uint64_t now, wall; /* ns: CLOCK_MONOTONIC, CLOCK_REALTIME */
	struct counters counters;
};

struct reporting {
	/* The user's, who fills them in; all but the plan may come after reporting__open. */
	const struct plan *plan;
	const struct profile_run *run;
	struct collector *collector;
	struct symbolizer *symbolizer;
	struct modules *modules;
	const char *const *api_names; /* as in profile_input, as the next four */
	const struct stack *(*stack)(void *ctx, uint64_t id);
	const char *(*mapped_file)(void *ctx, uint32_t pid, uint64_t addr);
	uint64_t (*rss)(void *ctx, uint32_t pid);
	void *ctx;
	uint64_t start;
	const char *notice; /* about all of the report, or NULL */

	/* Its own. */
	struct output *output;
	struct report_style style;
	struct suppression_filter *sieve; /* NULL: nothing is suppressed */
	bool begun;
	bool failed;		 /* by what the plan says of the final report */
	struct strbuf last_line; /* what that comes to */
};

/* Opens the output. 0 or a negative errno; the reason was logged. */
int reporting__open(struct reporting *r);
/* What the report is made of; growth counts from here on. The collector is the caller's meanwhile.
 */
int reporting__snapshot(struct reporting *r, const struct report_tick *tick, struct snapshot *out);
/* Its facts. NULL and errno. */
struct profile *reporting__make(struct reporting *r, const struct report_tick *tick,
				const struct snapshot *snap);
/* Prints the report of a snapshot, unless only the final one is wanted. 0 or a negative errno. */
int reporting__print(struct reporting *r, const struct report_tick *tick,
		     const struct snapshot *snap);
/* The output is complete. 0 or a negative errno; `err` is what went wrong before. The reason is
 * logged. */
int reporting__commit(struct reporting *r, int err);
void reporting__close(struct reporting *r);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/reporting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "profile/conditions.h"
#include "profile/suppression_filter.h"
#include "run/output.h"
#include "run/verdict.h"
#include "symbols/symbolizer.h"
#include "util/log.h"

#define LEFTOVERS 100 /* call stacks that are listed at a command's end */

int reporting__open(struct reporting *r)
{
	const struct plan *plan = r->plan;
	struct winsize ws;
	int fd;

	r->filter = plan->rules ? suppression_filter__new(plan->rules) : NULL;
	if (plan->rules && !r->filter) {
		log__error("cannot prepare the suppressions: %s", strerror(errno));
		return -errno;
	}
	r->output = output__open(plan->output);
	if (!r->output) {
		log__error("cannot write %s: %s", plan->output, strerror(errno));
		return -errno;
	}
	fd = fileno(output__stream(r->output));
	if (plan->format->binary && isatty(fd)) {
		log__error("cannot print %s on a terminal: it is binary; use -o FILE",
			   plan->format->name);
		return -EINVAL;
	}
	r->style.full = plan->full_stacks;
	r->style.color = isatty(fd) && !(getenv("NO_COLOR") && *getenv("NO_COLOR"));
	if (isatty(fd) && !ioctl(fd, TIOCGWINSZ, &ws))
		r->style.width = ws.ws_col, r->style.height = ws.ws_row;
	return 0;
}

/* The number of sites to show; 0: all. */
static uint32_t shown_sites(const struct reporting *r)
{
	return r->plan->format->document && !r->plan->top_given ? 0 : r->plan->query.top;
}

/* Conditions apply to all sites, including those that are not shown. */
static bool is_checked(const struct reporting *r, const struct report_tick *tick)
{
	return tick->final && r->plan->checks.n;
}

/* Returns whether the report lists what a command left, without a verdict on any of it: then
 * everything is listed, unless there is too much. */
static bool is_list_of_leftovers(const struct reporting *r, const struct report_tick *tick,
				 const struct snapshot *snap)
{
	if (!tick->final || !r->run->launched || r->plan->top_given)
		return false;
	for (size_t i = 0; i < snap->nprocesses; i++)
		if (!snap->processes[i].exited)
			return false;
	for (size_t i = 0; i < snap->nsites; i++)
		if (snap->sites[i].live_blocks && snap->sites[i].judged.verdict != VERDICT_UNKNOWN)
			return false;
	return true;
}

int reporting__snapshot(struct reporting *r, const struct report_tick *tick, struct snapshot *out)
{
	struct query q = r->plan->query;

	q.now = tick->now;
	q.commit = true;
	q.top = is_checked(r, tick) ? 0 : shown_sites(r);
	if (q.top && r->filter)
		q.top += q.top <= UINT32_MAX - PROFILE_SPARE ? PROFILE_SPARE : 0;
	return collector__snapshot(r->collector, &q, out);
}

static const char *notice_for(const struct reporting *r, const struct report_tick *tick,
			      const struct snapshot *snap)
{
	if (r->notice)
		return r->notice;
	if (!r->plan->query.heap || snap->allocs || snap->frees || snap->unmatched_frees)
		return NULL;
	return tick->final ? "no allocation call was seen: the program made none, or uses an "
			     "allocator of its own"
			   : "no allocation call has been seen yet: the program is idle, or uses "
			     "an allocator of its own";
}

struct profile *reporting__make(struct reporting *r, const struct report_tick *tick,
				const struct snapshot *snap)
{
	bool leftovers = is_list_of_leftovers(r, tick, snap);

	symbolizer__new_report(r->symbolizer);
	return profile__build(&(struct profile_input){
	    .api_names = r->api_names,
	    .run = r->run,
	    .snapshot = snap,
	    .top = leftovers && shown_sites(r) ? LEFTOVERS : shown_sites(r),
	    .none_small = leftovers,
	    .filter = r->filter,
	    .wrappers = r->plan->wrappers,
	    .apart = r->plan->apart,
	    .together = r->plan->format->together,
	    .thorough = tick->final,
	    .symbolizer = r->symbolizer,
	    .modules = r->modules,
	    .stack = r->stack,
	    .mapped_file = r->mapped_file,
	    .rss = r->rss,
	    .recording = r->recording,
	    .stopped = r->stopped,
	    .memory = r->memory,
	    .first = &r->first,
	    .ctx = r->ctx,
	    .seq = tick->seq,
	    .final = tick->final,
	    .wall_ns = tick->wall,
	    .start = r->start,
	    .lost_events = tick->counters.lost_events + tick->counters.lost_processes +
			   tick->counters.no_thread,
	    .late = tick->counters.late,
	    .outsiders = tick->counters.outsiders,
	    .late_children = tick->counters.late_children,
	    .missed = tick->counters.missed + tick->counters.lost_processes,
	    .sized = r->plan->min_size || r->plan->max_size != UINT64_MAX,
	    .memory_limit = r->plan->memory_limit,
	    .lost_stacks = { .unknown = snap->lost_stack_ids,
			     .no_buffer = tick->counters.no_scratch,
			     .limited = snap->limited_stacks,
			     .resent = tick->counters.lost_stacks },
	    .notice = notice_for(r, tick, snap),
	});
}

int reporting__print(struct reporting *r, const struct report_tick *tick,
		     const struct snapshot *snap)
{
	const struct report_format *f = r->plan->format;
	FILE *out = output__stream(r->output);
	struct profile *p;
	int err = 0;

	/* Built even if it is not printed: names of run-time code that are known now may be gone by
	 * the final report. */
	p = reporting__make(r, tick, snap);
	if (!p)
		return -errno;
	if (f->document && !tick->final)
		goto out;
	if (!r->begun && f->begin)
		err = f->begin(r->run, p->wall_ns, &r->style, out);
	r->begun = true;
	if (!err)
		err = f->report(p, &r->style, out);
	if (!err)
		err = output__flush(r->output);
	if (!err && tick->final)
		r->outcome = verdict__of(r->plan, p, r->filter, &r->last_line);
out:
	profile__free(p);
	return err;
}

int reporting__commit(struct reporting *r, int err)
{
	const char *name = r->plan->output;

	if (!err)
		err = output__commit(r->output);
	if (err)
		log__error("cannot write the report%s%s: %s", name ? " to " : "", name ? name : "",
			   strerror(-err));
	else if (r->last_line.len && !r->last_line.error)
		log__info("%s", r->last_line.data);
	return err;
}

void reporting__abandon(struct reporting *r)
{
	output__abandon(r->output);
}

void reporting__close(struct reporting *r)
{
	output__free(r->output);
	r->output = NULL;
	strbuf__free(&r->last_line);
	suppression_filter__free(r->filter);
	r->filter = NULL;
	unseen__free(&r->first);
}

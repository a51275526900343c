/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes and prints reports in a thread of its own, while events are consumed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "profile/profile.h"
#include "session/internal.h"
#include "symbols/mappings.h"
#include "symbols/module.h"
#include "symbols/names_client.h"
#include "symbols/symbolizer.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/strtab.h"

#define RECORDER_TEND_NS 100000000 /* how often the recorder gets to do its pending work */

struct run_facts { /* profile_run and what it points to */
	struct profile_run run;
	struct utsname uts;
	struct snapshot first;
	struct strtab *names; /* of the targets */
};

static void describe_to_recorder(struct session *s)
{
	if (!s->recorder)
		return;
	collector_lock__take(&s->lock);
	recorder__run(s->recorder, s->reports.run, s->start,
		      clock__wall_ns() - (clock__now_ns() - s->start));
	collector_lock__release(&s->lock);
}

int session_reporter__describe(struct session *s)
{
	const struct plan *plan = s->plan;
	struct run_facts *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	s->reports.run = &f->run;
	uname(&f->uts);
	f->run = (struct profile_run){
		.version = MEMTRACE_VERSION,
		.host = f->uts.nodename,
		.kernel = f->uts.release,
		.interval_s = plan->interval_s,
		.stack_mode = plan->stack_mode,
		.sort = plan->query.sort,
		.by = plan->query.by,
		.top_given = plan->top_given,
		.top = plan->query.top,
		.since_mark = plan->since_mark,
		.full_stacks = plan->full_stacks,
		.debuginfod = plan->debuginfod,
		.launched = plan->command && !plan->npids && !session_groups__any(plan),
	};
	describe_to_recorder(s);
	return 0;
}

static struct profile_process as_target(struct run_facts *f, const struct process_row *row)
{
	return (struct profile_process){
		.pid = row->pid,
		.comm = row->comm,
		.exe = strtab__copy(f->names, row->exe),
		.container = strtab__copy(f->names, row->container),
	};
}

static int describe_targets(struct session *s)
{
	struct query q = {
		.sort = SORT_BYTES, .top = 1, .heap = true, .map = true, .now = s->start
	};
	struct run_facts *f = (struct run_facts *)s->reports.run;
	struct profile_process *targets;
	int err;

	collector_lock__take(&s->lock);
	err = collector__snapshot(s->collector, &q, &f->first);
	collector_lock__release(&s->lock);
	if (err)
		return err;
	targets = calloc(s->ntargets + f->first.nprocesses + 1, sizeof(*targets));
	f->names = strtab__new();
	if (!targets || !f->names) {
		free(targets);
		return -ENOMEM;
	}
	f->run.targets = targets;
	for (size_t i = 0; i < s->ntargets; i++) {
		size_t k = 0;

		while (k < f->first.nprocesses &&
		       f->first.processes[k].pid != (uint32_t)s->targets[i].pid)
			k++;
		targets[f->run.ntargets++] =
		    k < f->first.nprocesses
			? as_target(f, &f->first.processes[k])
			: (struct profile_process){ .pid = (uint32_t)s->targets[i].pid,
						    .comm = "" };
	}
	for (size_t k = 0; s->ngroups && k < f->first.nprocesses; k++)
		if (!f->first.processes[k].named)
			targets[f->run.ntargets++] = as_target(f, &f->first.processes[k]);
	describe_to_recorder(s);
	return 0;
}

static const struct stack *find_stack(void *ctx, uint64_t id)
{
	struct session *s = ctx;
	const struct stack *st;

	collector_lock__take(&s->lock);
	st = stacks__get(collector__stacks(s->collector), id);
	collector_lock__release(&s->lock);
	return st;
}

static const struct mapping *find_mapping(struct session *s, uint32_t pid, uint64_t addr)
{
	const struct mappings *maps = collector__mappings(s->collector, pid);

	return maps ? mappings__find(maps, addr) : NULL;
}

static const char *mapped_file(void *ctx, uint32_t pid, uint64_t addr)
{
	struct session *s = ctx;
	const struct mapping *m;

	collector_lock__take(&s->lock);
	m = find_mapping(s, pid, addr);
	if (!m || !m->path[0]) { /* mapped after the process's mappings were last read */
		collector__refresh_mappings(s->collector, pid);
		m = find_mapping(s, pid, addr);
	}
	if (m && m->path[0])
		snprintf(s->name_buffer, sizeof(s->name_buffer), "%s", m->path);
	else
		m = NULL;
	collector_lock__release(&s->lock);
	return m ? s->name_buffer : NULL;
}

/* The recorder has already looked it up, and the report must say the same. */
static const char *recorded_file(void *ctx, uint32_t pid, uint64_t addr)
{
	return recorder__mapped_file(((struct session *)ctx)->recorder, pid, addr);
}

static uint64_t recorded_rss(void *ctx, uint32_t pid)
{
	return recorder__rss(((struct session *)ctx)->recorder, pid);
}

static bool recorded_stop(void *ctx, uint32_t pid)
{
	return recorder__is_stopped(((struct session *)ctx)->recorder, pid);
}

static struct proc_memory recorded_memory(void *ctx, uint32_t pid)
{
	return recorder__memory(((struct session *)ctx)->recorder, pid);
}

static int make_report(struct session *s, bool final)
{
	uint64_t began = clock__now_ns();
	struct report_tick tick = { .seq = ++s->seq, .final = final, .wall = clock__wall_ns() };
	struct names_stats names;
	struct snapshot snap;
	int err;

	tick.now = final ? s->ended : clock__now_ns();
	session__count(s, &tick.counters);
	collector_lock__take(&s->lock);
	err = reporting__snapshot(&s->reports, &tick, &snap);
	if (!err && s->recorder)
		recorder__tick(s->recorder, &tick);
	collector_lock__release(&s->lock);
	if (err)
		return err;
	if (s->recorder)
		recorder__end_report(s->recorder, &tick, &snap);
	if (!s->plan->record_only)
		err = reporting__print(&s->reports, &tick, &snap);
	snapshot__free(&snap);
	modules__unnamed(s->modules, &names);
	log__debug("report %u took %.0f ms; symbols use %zu KiB, and %llu KiB in the "
		   "process that reads them",
		   s->seq, (double)(clock__now_ns() - began) / 1e6,
		   (symbolizer__memory(s->symbolizer) + modules__memory(s->modules)) / 1024,
		   (unsigned long long)names.loaded / 1024);
	open_files__log(s);
	unreadable__warn(s);
	return err;
}

/* Waits until a report is due, or the end; lets the recorder work meanwhile. */
static int wait_for_work(struct session *s)
{
	struct timespec until;
	int err;

	while (!s->report_due && !s->report_stop) {
		if (!s->recorder) {
			pthread_cond_wait(&s->report_cond, &s->report_lock);
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += RECORDER_TEND_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&s->report_cond, &s->report_lock, &until) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&s->report_lock);
		err = recorder__maintain(s->recorder);
		pthread_mutex_lock(&s->report_lock);
		s->record_failed = err;
		if (err)
			return err;
	}
	return 0;
}

static void *run_reporter(void *arg)
{
	struct session *s = arg;
	int err = 0;

	pthread_mutex_lock(&s->report_lock);
	while (!err) {
		err = wait_for_work(s);
		if (!s->report_due)
			break;
		s->report_due = false;
		s->report_busy = true;
		pthread_mutex_unlock(&s->report_lock);
		if (!err)
			err = make_report(s, false);
		pthread_mutex_lock(&s->report_lock);
		s->report_busy = false;
		pthread_cond_broadcast(&s->report_cond);
	}
	s->report_error = err;
	pthread_mutex_unlock(&s->report_lock);
	return NULL;
}

int session_reporter__open(struct session *s)
{
	s->reports.plan = s->plan;
	return s->plan->record_only ? 0 : reporting__open(&s->reports);
}

static void describe_reporting(struct session *s)
{
	struct reporting *r = &s->reports;

	r->collector = s->collector;
	r->symbolizer = s->symbolizer;
	r->modules = s->modules;
	r->api_names = s->api_names;
	r->stack = find_stack;
	r->mapped_file = s->recorder ? recorded_file : mapped_file;
	r->rss = s->recorder ? recorded_rss : NULL;
	r->stopped = s->recorder ? recorded_stop : NULL;
	r->memory = s->recorder ? recorded_memory : NULL;
	r->ctx = s;
	r->start = s->start;
}

/* What processes hold that ran before they were traced. A command has mapped its libraries, but not
 * begun yet: its first report has its first reading. */
static void read_memory(struct session *s)
{
	const struct snapshot *first = &((const struct run_facts *)s->reports.run)->first;

	if (s->launch)
		return;
	if (s->recorder)
		recorder__start(s->recorder, first);
	for (size_t i = 0; i < first->nprocesses; i++) {
		uint32_t pid = first->processes[i].pid;
		struct proc_memory m =
		    s->recorder ? recorder__memory(s->recorder, pid) : proc__memory(pid);

		unseen__note(&s->reports.first, pid, 0, m.anonymous);
	}
}

int session_reporter__start(struct session *s)
{
	int err = describe_targets(s);

	if (err)
		return err;
	describe_reporting(s);
	read_memory(s);
	err = -pthread_create(&s->reporter, NULL, run_reporter, s);
	s->reporting = !err;
	return err;
}

void session_reporter__request(struct session *s)
{
	pthread_mutex_lock(&s->report_lock);
	if (!s->report_busy)
		s->report_due = true;
	pthread_cond_signal(&s->report_cond);
	pthread_mutex_unlock(&s->report_lock);
}

void session_reporter__mark(struct session *s)
{
	uint64_t now = clock__now_ns();
	int err;

	collector_lock__take(&s->lock);
	err = collector__mark(s->collector, now);
	if (!err && s->recorder)
		recorder__mark(s->recorder, now);
	collector_lock__release(&s->lock);
	if (err)
		log__error("cannot set the mark: %s", strerror(-err));
	else
		log__info("mark set after %.1f s", (double)(now - s->start) / 1e9);
}

bool session_reporter__failed(struct session *s)
{
	bool failed;

	pthread_mutex_lock(&s->report_lock);
	failed = s->report_error;
	pthread_mutex_unlock(&s->report_lock);
	return failed;
}

void session_reporter__stop(struct session *s)
{
	if (!s->reporting)
		return;
	pthread_mutex_lock(&s->report_lock);
	s->report_stop = true;
	s->report_due = false;
	pthread_cond_signal(&s->report_cond);
	pthread_mutex_unlock(&s->report_lock);
	pthread_join(s->reporter, NULL);
	s->reporting = false;
}

int session_reporter__final(struct session *s)
{
	int err = s->report_error, kept;

	if (s->record_failed)
		err = 0;
	if (!err)
		err = make_report(s, true);
	if (!s->plan->record_only)
		err = reporting__commit(&s->reports, err);
	if (!s->recorder)
		return err;
	kept = recorder__close(s->recorder);
	return err ? err : kept;
}

void session_reporter__free(struct session *s)
{
	struct run_facts *f = (struct run_facts *)s->reports.run;

	session_reporter__stop(s);
	reporting__close(&s->reports);
	if (f) {
		free((void *)f->run.targets);
		snapshot__free(&f->first);
		strtab__free(f->names);
		free(f);
	}
}

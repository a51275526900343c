/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts a run, and has the one way out. */
#include "session/session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "probe/discover.h"
#include "probe/spec.h"
#include "run/verdict.h"
#include "session/identities.h"
#include "session/internal.h"
#include "session/keys.h"
#include "session/rescans.h"
#include "session/signals.h"
#include "session/traced_files.h"
#include "session/unused_files.h"
#include "symbols/module.h"
#include "symbols/names_client.h"
#include "symbols/symbolizer.h"
#include "trace/holder.h"
#include "trace/launch.h"
#include "trace/tracer_ops.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/proc.h"

/* ---- making and ending ---- */

static void init_report_cond(struct session *s)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->report_cond, &attr);
	pthread_condattr_destroy(&attr);
}

static struct session *new_session(const struct plan *plan, const struct tracer_ops *trace)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->plan = plan;
	s->trace = trace;
	probe_specs__names(&plan->probes, s->api_names);
	collector_lock__init(&s->lock);
	pthread_mutex_init(&s->report_lock, NULL);
	init_report_cond(s);
	/* A command's processes start and end faster than links of their own can be made. */
	s->per_file =
	    (plan->command && plan->children) || session_groups__any(plan) || plan->no_miss;
	return s;
}

static void stop_consuming(struct session *s)
{
	if (!s->consuming)
		return;
	atomic_store(&s->stop_consuming, true);
	pthread_join(s->consumer, NULL); /* within the deadline of signals.h */
	s->consuming = false;
}

/* Called by the thread of the signals. */
static void clean_up_at_once(void *session)
{
	struct session *s = session;

	session_keys__restore(s->keys);
	reporting__abandon(&s->reports);
}

static void open_keys(struct session *s)
{
	session_signals__cleanup(s->signals, NULL, NULL);
	/* The terminal belongs to the command. */
	s->keys = s->plan->command ? NULL : session_keys__open();
	session_signals__cleanup(s->signals, clean_up_at_once, s);
}

static void free_session(struct session *s)
{
	if (s->signals)
		session_signals__cleanup(s->signals, NULL, NULL);
	session_keys__close(s->keys);
	session_reporter__free(s);
	stop_consuming(s);
	holder__free(s->holder);
	session_identities__free(s->seen_by_main);
	session_identities__free(s->seen_by_collector);
	unused_files__free(s->unused);
	traced_files__free(s->files);
	if (s->tracer)
		s->trace->free(s->tracer);
	session_groups__free(s);
	recorder__free(s->recorder);
	symbolizer__free(s->symbolizer);
	names_client__free(s->names);
	collector__free(s->collector);
	session_targets__free(s);
	modules__free(s->modules);
	open_files__free(s);
	launch__free(s->launch);
	process_queue__free(s->queue);
	free(s->events);
	free(s->translated);
	rescans__free(s->rescans);
	session_loop__free(s);
	collector_lock__destroy(&s->lock);
	pthread_mutex_destroy(&s->report_lock);
	pthread_cond_destroy(&s->report_cond);
	free(s);
}

void session__count(struct session *s, struct counters *out)
{
	uint64_t held, missed;

	s->trace->counters(s->tracer, out);
	holder__count(s->holder, &held, &missed);
	out->holds = held;
	out->holds_missed += missed;
	out->outsiders = atomic_load(&s->outsiders);
	out->missed = atomic_load(&s->missed);
	out->late_children = atomic_load(&s->late_children);
	out->late += missed + out->late_children;
	out->lost_processes += process_queue__dropped(s->queue);
	out->lost_events += atomic_load(&s->given_up);
}

/* ---- the parts ---- */

static int load_probes(struct session *s)
{
	const struct plan *plan = s->plan;
	char why[512] = "";
	int err;

	s->tracer = s->trace->create(
	    &(struct tracer_opts){
		.method = plan->attach,
		.ring_bytes = plan->ring_bytes,
		.stack_mode = plan->stack_mode,
		.max_depth = plan->max_depth,
		.modules = s->modules,
		.unwind_memory = plan->unwind_memory,
		.children = plan->children,
		.syscalls = plan->query.map,
		.probe_throwing = plan->probe_throwing,
		.per_file = s->per_file,
		.holding = plan->command || plan->no_miss,
	    },
	    why, sizeof(why));
	if (s->tracer)
		return 0;
	err = errno ? -errno : -EINVAL;
	log__error("cannot load the probes: %s", *why ? why : strerror(-err));
	return err;
}

/* What an allocation function maps belongs to the allocator, even where its call is not seen. */
static void know_allocator(void *session, const struct probe_file *f)
{
	struct session *s = session;
	int err = 0;

	collector_lock__take(&s->lock);
	for (size_t i = 0; i < f->n && !err; i++)
		err = collector__add_allocator(s->collector, f->module, f->sites[i].entry,
					       f->sites[i].entry + f->sites[i].size);
	collector_lock__release(&s->lock);
	if (err)
		log__warn("mappings made by allocators may be reported as the program's: %s",
			  strerror(-err));
}

static void note_unprobed(void *session, pid_t pid, const char *name)
{
	struct session *s = session;

	collector_lock__take(&s->lock);
	collector__add_unprobed(s->collector, (uint32_t)pid, name);
	collector_lock__release(&s->lock);
}

static int make_files(struct session *s)
{
	s->seen_by_main = session_identities__new(s->trace, s->tracer, s->plan->read_fuse);
	s->seen_by_collector = session_identities__new(s->trace, s->tracer, s->plan->read_fuse);
	s->files = traced_files__new(&(struct traced_files_opts){
	    .trace = s->trace,
	    .tracer = s->tracer,
	    .modules = s->modules,
	    .specs = &s->plan->probes,
	    .heap = s->plan->query.heap,
	    .per_file = s->per_file,
	    .probe_throwing = s->plan->probe_throwing,
	    .explain = s->plan->explain_probes,
	    .found = know_allocator,
	    .unprobed = note_unprobed,
	    .refused = unreadable__file,
	    .before_probes = session_translated__before_probes,
	    .after_probes = session_translated__after_probes,
	    .ctx = s,
	});
	s->unused = !s->files ? NULL
			      : unused_files__new(&(struct unused_files_opts){
				    .trace = s->trace,
				    .tracer = s->tracer,
				    .modules = s->modules,
				    .files = s->files,
				});
	return s->seen_by_main && s->seen_by_collector && s->unused ? 0 : -ENOMEM;
}

static void lock_for_recorder(void *session)
{
	collector_lock__take(&((struct session *)session)->lock);
}

static void unlock_for_recorder(void *session)
{
	collector_lock__release(&((struct session *)session)->lock);
}

static bool open_recorder(struct session *s)
{
	s->recorder = recorder__open(&(struct recorder_opts){
	    .plan = s->plan,
	    .modules = s->modules,
	    .api_names = s->api_names,
	    .lock = lock_for_recorder,
	    .unlock = unlock_for_recorder,
	    .ctx = s,
	});
	return s->recorder;
}

static void exclude_names_process(void *session, pid_t pid)
{
	struct session *s = session;

	s->trace->exclude(s->tracer, 0, pid);
	atomic_store(&s->names_pid, pid);
}

/* Started early: its memory is a copy of this process's, which is small now. */
static int make_names_client(struct session *s)
{
	s->names = names_client__new(
	    &(struct names_client_opts){ .started = exclude_names_process, .ctx = s });
	if (!s->names)
		return -errno;
	names_client__start(s->names);
	modules__use_names(s->modules, s->names);
	return 0;
}

static int make_collector(struct session *s)
{
	const struct plan *plan = s->plan;

	s->collector = collector__new(&(struct collector_opts){
	    .modules = s->modules,
	    .refresh = session_targets__refresh,
	    .refresh_ctx = s,
	    .clock = clock__now_ns,
	    .observer = s->recorder ? &recorder__observer : NULL,
	    .observer_ctx = s->recorder,
	    .notify = session_events__of_process,
	    .notify_ctx = s,
	    .min_size = plan->min_size,
	    .max_size = plan->max_size,
	    .min_age = plan->query.min_age,
	    .by = plan->query.by,
	    .memory_limit = plan->memory_limit,
	    .memory_used = proc__own_memory,
	    .children = plan->children,
	    .start = s->start,
	});
	s->symbolizer = s->collector ? symbolizer__new(s->modules) : NULL;
	return s->symbolizer ? 0 : -errno;
}

static int report_failure(const char *what, int err)
{
	if (err)
		log__error("%s: %s", what, strerror(-err));
	return err;
}

/* Time counts from here, when everything is loaded and nothing is attached. */
static int make_parts(struct session *s)
{
	int err;

	s->modules = modules__new();
	err = s->modules ? open_files__use_server(s) : report_failure("cannot start", -errno);
	if (!err)
		err = load_probes(s);
	if (!err && (s->plan->command || s->plan->no_miss || s->per_file))
		err = session_holding__start(s);
	if (!err)
		err = report_failure("cannot start", make_names_client(s));
	if (!err)
		err = report_failure("cannot start", make_files(s));
	if (err)
		return err;
	s->start = clock__now_ns();
	if (s->plan->record && !open_recorder(s))
		return -EIO;
	err = report_failure("cannot start", make_collector(s));
	if (err)
		return err;
	if (s->recorder)
		recorder__attach(s->recorder, s->collector, s->symbolizer);
	return report_failure("cannot start", session_reporter__describe(s));
}

/* ---- start to end ---- */

static int start_tracing(struct session *s)
{
	int err = s->trace->set_consumer(s->tracer, session_events__record, s);

	if (!err)
		err = -pthread_create(&s->consumer, NULL, session_events__consume, s);
	s->consuming = !err;
	if (!err)
		err = s->trace->start(s->tracer);
	return report_failure("cannot start tracing", err);
}

static int attach_targets(struct session *s)
{
	int err;

	session_translated__find(s);
	err = session_targets__open(s);
	if (!err)
		err = session_groups__open(s);
	if (!err && s->plan->command)
		err = session_targets__launch(s);
	return err;
}

static int check_pids(const struct plan *plan)
{
	int err = 0;

	for (size_t i = 0; i < plan->npids && !err; i++)
		err = session_targets__check(plan->pids[i]);
	return err;
}

static int begin_session(struct session *s)
{
	int err = check_pids(s->plan);

	if (!err) {
		s->queue = process_queue__new();
		s->rescans = rescans__new();
		err = report_failure("cannot start", s->queue && s->rescans ? 0 : -ENOMEM);
	}
	if (!err)
		err = session_groups__find(s);
	if (!err)
		err = session_reporter__open(s);
	session_signals__cleanup(s->signals, clean_up_at_once, s);
	if (!err)
		err = make_parts(s);
	if (!err)
		err = start_tracing(s);
	if (!err)
		err = attach_targets(s);
	if (err)
		return err;
	open_keys(s);
	err = report_failure("cannot report", session_reporter__start(s));
	if (err)
		return err;
	session_announce__attached(s);
	unreadable__warn(s);
	probe_report__log_missing(s);
	return 0;
}

static void log_holds(struct session *s)
{
	struct counters c;

	session__count(s, &c);
	if (c.holds || c.holds_missed)
		log__debug(
		    "threads held until their code was probed: %llu; could not be held: %llu",
		    (unsigned long long)c.holds, (unsigned long long)c.holds_missed);
}

/* Detaches first, then books the records left in the ring buffer, then reports. */
static int finish_session(struct session *s)
{
	s->ended = clock__now_ns();
	/* Thousands of probes take the kernel their time, and so do names and a reader of ours. */
	session_signals__expect_end(s->signals, UINT64_MAX);
	s->trace->detach(s->tracer);
	session_signals__expect_end(s->signals, clock__now_ns() + SESSION_END_PATIENCE_NS);
	holder__stop(s->holder); /* the report may take a while */
	stop_consuming(s);
	session_signals__expect_end(s->signals, UINT64_MAX);
	session_reporter__stop(s);
	log_holds(s);
	return session_reporter__final(s);
}

/* Returns the command's own status; it may outlive the tracing. */
static int command_status(struct session *s)
{
	int status;

	if (!launch__ended(s->launch, &status)) {
		log__info("tracing has ended; waiting for %s[%d]", s->plan->command[0],
			  launch__pid(s->launch));
		while (!launch__ended(s->launch, &status))
			poll(NULL, 0, 50);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int session__run_with(const struct plan *plan, const struct tracer_ops *trace)
{
	struct session *s = new_session(plan, trace);
	int err, status = 1;

	if (!s) {
		log__error("cannot start: out of memory");
		return 1;
	}
	err = session_loop__open(s);
	if (!err) {
		open_files__raise_limit(s);
		err = begin_session(s);
	}
	if (!err)
		err = session_loop__run(s);
	if (!err)
		err = finish_session(s);
	if (!err)
		status = s->launch ? command_status(s) : 0;
	if (!err)
		status = verdict__status(plan, s->reports.outcome, status);
	free_session(s);
	return status;
}

int session__run(const struct plan *plan)
{
	return session__run_with(plan, &tracer_ops__kernel);
}

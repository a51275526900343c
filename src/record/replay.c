/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/replay_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run/verdict.h"
#include "symbols/module.h"
#include "symbols/symbolizer.h"
#include "util/format.h"
#include "util/hashmap.h"
#include "util/log.h"
#include "util/strtab.h"

static int refuse_file(const struct replay *rp, int err, const char *why)
{
	log__error("cannot read %s: %s", rp->path, why);
	return err;
}

/* ---- what reports ask for ---- */

static const char *recorded_file(void *ctx, uint32_t pid, uint64_t addr)
{
	const struct replay *rp = ctx;

	return hashmap__get_ptr(rp->mapped, hash__mix(addr, pid));
}

static const struct stack *recorded_stack(void *ctx, uint64_t id)
{
	return stacks__get(collector__stacks(((struct replay *)ctx)->collector), id);
}

static uint64_t recorded_rss(void *ctx, uint32_t pid)
{
	return record__rss_of(&((const struct replay *)ctx)->rss, pid);
}

static bool recorded_stop(void *ctx, uint32_t pid)
{
	return record__is_stopped(&((const struct replay *)ctx)->rss, pid);
}

static struct proc_memory recorded_memory(void *ctx, uint32_t pid)
{
	return record__memory_of(&((const struct replay *)ctx)->rss, pid);
}

/* ---- reports ---- */

/* Rounds to the nearest integer; 0 for what is negative, too large, or not a number. */
static uint64_t rounded(double d)
{
	return d >= 0 && d < 1e15 ? (uint64_t)(d + 0.5) : 0;
}

uint64_t replay__step(const struct replay *rp)
{
	uint64_t n = rp->recorded.interval_s > 0
			 ? rounded(rp->given->interval_s / rp->recorded.interval_s)
			 : 1;

	return n ? n : 1;
}

static bool is_due(const struct replay *rp, const struct report_tick *tick)
{
	double elapsed = (double)(tick->now - rp->recorded.start) / 1e9;

	if (tick->final || !(rp->given->interval_s > 0) || !(rp->recorded.interval_s > 0))
		return true;
	return rounded(elapsed / rp->recorded.interval_s) % replay__step(rp) == 0;
}

static int take_snapshot(struct replay *rp)
{
	int err;

	if (rp->pending)
		snapshot__free(&rp->snap);
	err = reporting__snapshot(&rp->reports, &rp->tick, &rp->snap);
	rp->pending = !err;
	return err;
}

/* The snapshot is taken here, where the report was made; it is printed once the record of what it
 * asked the system has been read. */
int replay__take_tick(struct replay *rp, struct cursor *c)
{
	struct record_tick r;
	int err = record__take_tick(c, &r);

	if (err || rp->ended)
		return err ? err : -EINVAL;
	if (r.now > rp->latest)
		rp->latest = r.now;
	rp->tick = (struct report_tick){ r.seq, r.final, r.now, r.wall, r.counters };
	return is_due(rp, &rp->tick) ? take_snapshot(rp) : 0;
}

static int finish_report(struct replay *rp)
{
	int err = 0;

	if (rp->keep && rp->tick.final) {
		rp->profile = reporting__make(&rp->reports, &rp->tick, &rp->snap);
		err = rp->profile ? 0 : -errno;
	} else if (!rp->keep && (rp->tick.final || rp->given->interval_s > 0)) {
		err = reporting__print(&rp->reports, &rp->tick, &rp->snap);
		rp->reports.notice = NULL;
	}
	snapshot__free(&rp->snap);
	rp->pending = false;
	collector__tidy(rp->collector); /* without memory, the next time */
	rp->ended = rp->tick.final;
	rp->unwritten = err;
	return err;
}

int replay__take_rss(struct replay *rp, struct cursor *c)
{
	struct record_rss r;
	int err = record__take_rss(c, &r);

	if (err)
		return err;
	record__free_rss(&rp->rss);
	rp->rss = r;
	for (size_t i = 0; i < r.n; i++)
		unseen__note(&rp->reports.first, r.rss[i].pid, 0, r.rss[i].memory.anonymous);
	return rp->pending && r.seq == rp->tick.seq ? finish_report(rp) : 0;
}

/* ---- the recording, record by record ---- */

/* If the state was saved with another --min-age, blocks that are old enough are counted again. */
static int end_state(struct replay *rp)
{
	struct report_tick then = { .now = rp->compacted.now };
	struct snapshot snap;
	int err;

	rp->in_state = false;
	if (!rp->compacted.now || rp->plan.query.min_age == rp->recorded.min_age)
		return 0;
	err = reporting__snapshot(&rp->reports, &then, &snap);
	if (!err)
		snapshot__free(&snap);
	return err;
}

#define TIDY_EVENTS 65536 /* between two looks at what is no longer needed */

static int replay_event(struct replay *rp, const struct record *r)
{
	uint64_t time = ((const struct event *)r->event)->time;
	int err = rp->in_state ? end_state(rp) : 0;

	if (r->size >= sizeof(struct event) && time > rp->latest)
		rp->latest = time;
	if (!(++rp->events % TIDY_EVENTS) && !rp->pending)
		collector__tidy(rp->collector);
	/* The collector counts events that it has no room for or does not know; it did so when they
	 * were recorded, too. */
	if (!err)
		collector__event(rp->collector, r->event, r->size);
	return err;
}

static int replay_record(struct replay *rp, struct record *r)
{
	if (r->kind >= RECORD_KINDS)
		return 0; /* of a later version */
	if (!rp->collector && !(r->kind != RECORD_EVENT && replay__takers[r->kind].early))
		return -EINVAL;
	return r->kind == RECORD_EVENT ? replay_event(rp, r)
				       : replay__takers[r->kind].take(rp, &r->bytes);
}

static int read_all(struct replay *rp)
{
	struct record r;
	int more, err = 0;

	while (!err && (more = record_reader__next(rp->reader, &r)) != 0)
		err = more < 0 ? more : replay_record(rp, &r);
	if (!err || rp->unwritten || err == -ENODATA) /* -ENODATA was logged */
		return err;
	return refuse_file(rp, err,
			   err == -EINVAL || err == -EBADMSG ? "it is damaged" : strerror(-err));
}

/* Reports how far a recording that was cut off reaches. */
static void report_cut(struct replay *rp, uint64_t wall)
{
	time_t seconds = (time_t)(wall / 1000000000);
	struct tm tm = { 0 };
	char when[32] = "";
	char size[16];

	localtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%F %T", &tm);
	snprintf(rp->notice, sizeof(rp->notice),
		 "the recording was cut off: it is complete up to %s, %.3f s after tracing began; "
		 "%s at its end cannot be used",
		 when, (double)(rp->latest - rp->recorded.start) / 1e9,
		 format__size(size, sizeof(size), record_reader__unusable(rp->reader)));
	rp->reports.notice = rp->notice;
	log__warn("%s: %s", rp->path, rp->notice);
}

/* Makes the final report of a recording that was cut off from everything in it. */
static int make_last_report(struct replay *rp)
{
	int err;

	if (!rp->collector)
		return refuse_file(rp, -ENODATA, "it was cut off before anything was recorded");
	if (rp->ended)
		return 0;
	rp->tick.seq++;
	rp->tick.final = true;
	rp->tick.now = rp->latest;
	rp->tick.wall = rp->recorded.wall + (rp->latest - rp->recorded.start);
	report_cut(rp, rp->tick.wall);
	err = take_snapshot(rp);
	return err ? refuse_file(rp, err, strerror(-err)) : finish_report(rp);
}

static int replay_all(struct replay *rp)
{
	int err = read_all(rp);

	return err ? err : make_last_report(rp);
}

int replay__report(struct replay *rp)
{
	int err = reporting__open(&rp->reports);

	if (err)
		return err;
	if (record_reader__compacted(rp->reader) && rp->given->interval_s > 0)
		rp->reports.notice = "the oldest reports are not in the recording (--record-size)";
	err = replay_all(rp);
	return err && !rp->unwritten ? err : reporting__commit(&rp->reports, err);
}

struct profile *replay__profile(struct replay *rp)
{
	int err;

	rp->keep = true;
	rp->plan.query.top = 0;
	rp->plan.top_given = true;
	err = replay_all(rp);
	if (rp->unwritten)
		refuse_file(rp, err, strerror(-err));
	return err ? NULL : rp->profile;
}

/* ---- beginning and end ---- */

struct replay *replay__open(const struct plan *plan, const char *path)
{
	struct replay *rp = calloc(1, sizeof(*rp));
	char why[256] = "out of memory";

	if (rp) {
		rp->given = plan;
		rp->plan = *plan;
		rp->path = path;
		rp->in_state = true;
		rp->modules = modules__new();
		rp->strings = strtab__new();
		rp->mapped = hashmap__new();
		rp->symbolizer = rp->modules ? symbolizer__new_offline(rp->modules) : NULL;
	}
	if (rp && rp->symbolizer && rp->strings && rp->mapped)
		rp->reader = record_reader__open(path, why, sizeof(why));
	if (!rp || !rp->reader) {
		log__error("cannot read %s: %s", path, why);
		replay__free(rp);
		return NULL;
	}
	rp->reports = (struct reporting){
		.plan = &rp->plan,
		.run = &rp->run,
		.symbolizer = rp->symbolizer,
		.modules = rp->modules,
		.api_names = rp->api_names,
		.stack = recorded_stack,
		.mapped_file = recorded_file,
		.rss = recorded_rss,
		.stopped = recorded_stop,
		.memory = recorded_memory,
		.ctx = rp,
		.recording = path,
	};
	return rp;
}

void replay__free(struct replay *rp)
{
	if (!rp)
		return;
	profile__free(rp->profile);
	if (rp->pending)
		snapshot__free(&rp->snap);
	reporting__close(&rp->reports);
	record_reader__free(rp->reader);
	symbolizer__free(rp->symbolizer);
	collector__free(rp->collector);
	modules__free(rp->modules);
	hashmap__free(rp->mapped);
	strtab__free(rp->strings);
	record__free_run(&rp->recorded);
	free(rp->targets);
	record__free_rss(&rp->rss);
	free(rp);
}

int replay__run(const struct plan *plan, const char *path)
{
	struct replay *rp = replay__open(plan, path);
	int status = !rp || replay__report(rp) ? 1 : verdict__status(plan, rp->reports.outcome, 0);

	replay__free(rp);
	return status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/recorder_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container/frozen.h"
#include "probe/alloc_functions.h"
#include "symbols/module.h"
#include "symbols/symbolizer.h"
#include "util/clock.h"
#include "util/format.h"
#include "util/hashmap.h"
#include "util/log.h"
#include "util/plural.h"
#include "util/proc.h"
#include "util/strtab.h"

#define MAINTAIN_NS 1000000000ull /* events and their names reach the file within this time */

/* ---- the observer ---- */

static void record_event(void *ctx, const void *data, size_t size)
{
	record_writer__event(((struct recorder *)ctx)->writer, data, size);
}

static void record_stack(void *ctx, uint64_t time, const struct stack *st)
{
	struct recorder *rec = ctx;

	recorder_names__note_stack(rec, st);
	record__put_stack(recorder__new_record(rec), time, st);
	recorder__put_record(rec, RECORD_STACK);
}

static void record_process(void *ctx, const struct process_facts *f)
{
	struct recorder *rec = ctx;
	struct record_process r = {
		.pid = f->pid,
		.first_seen = f->first_seen,
		.age = f->age,
		.named = f->named,
		.exe = f->exe,
		.container = f->container,
		.unprobed = f->unprobed,
	};

	memcpy(r.comm, f->comm, sizeof(r.comm));
	record__put_process(recorder__new_record(rec), &r);
	recorder__put_record(rec, RECORD_PROCESS);
}

static void record_allocator(void *ctx, uint32_t module, uint64_t start, uint64_t end)
{
	struct recorder *rec = ctx;

	recorder_names__note_module(rec, module);
	record__put_allocator(recorder__new_record(rec),
			      &(struct record_allocator){ module, start, end });
	recorder__put_record(rec, RECORD_ALLOCATOR);
}

const struct collector_observer recorder__observer = {
	.event = record_event,
	.stack = record_stack,
	.process = record_process,
	.allocator = record_allocator,
};

/* ---- the run, and its reports ---- */

void recorder__run(struct recorder *rec, const struct profile_run *run, uint64_t start,
		   uint64_t wall)
{
	const struct plan *plan = rec->opts.plan;
	struct record_run r = {
		.start = start,
		.wall = wall,
		.version = run->version,
		.host = run->host,
		.kernel = run->kernel,
		.stack_mode = run->stack_mode,
		.interval_s = run->interval_s,
		.heap = plan->query.heap,
		.map = plan->query.map,
		.children = plan->children,
		.launched = run->launched,
		.min_size = plan->min_size,
		.max_size = plan->max_size,
		.min_age = plan->query.min_age,
		.ntargets = run->ntargets,
	};

	r.targets = calloc(run->ntargets + 1, sizeof(*r.targets));
	rec->failed |= !r.targets;
	for (size_t i = 0; r.targets && i < run->ntargets; i++)
		r.targets[i] = (struct record_target){
			.pid = run->targets[i].pid,
			.comm = run->targets[i].comm,
			.exe = run->targets[i].exe,
			.container = run->targets[i].container,
		};
	r.ntargets = r.targets ? run->ntargets : 0;
	rec->begun = rec->run.len;
	strbuf__reset(&rec->run);
	record__put_run(&rec->run, &r);
	record_writer__put(rec->writer, RECORD_RUN, &rec->run);
	free(r.targets);
	rec->start = start;
	rec->wall = wall;
}

void recorder__tick(struct recorder *rec, const struct report_tick *tick)
{
	record__put_tick(
	    recorder__new_record(rec),
	    &(struct record_tick){ tick->seq, tick->final, tick->now, tick->wall, tick->counters });
	recorder__put_record(rec, RECORD_TICK);
	rec->last_tick = tick->now;
	rec->last_seq = tick->seq;
}

void recorder__mark(struct recorder *rec, uint64_t now)
{
	record__put_mark(recorder__new_record(rec),
			 &(struct record_mark){ now, rec->wall + (now - rec->start) });
	recorder__put_record(rec, RECORD_MARK);
}

/* ---- what a report asks the system ---- */

static void read_rss(struct recorder *rec, uint32_t seq, const struct snapshot *snap)
{
	struct record_rss *t = &rec->rss;

	record__free_rss(t);
	*t = (struct record_rss){ .seq = seq };
	t->rss = calloc(snap->nprocesses + 1, sizeof(*t->rss));
	for (size_t i = 0; t->rss && i < snap->nprocesses; i++)
		if (!snap->processes[i].exited)
			t->rss[t->n++] = (struct record_process_rss){
				snap->processes[i].pid,
				proc__resident_bytes(snap->processes[i].pid),
				proc__is_stopped(snap->processes[i].pid) ||
				    frozen__process(snap->processes[i].pid),
				proc__memory(snap->processes[i].pid),
			};
	record__sort_rss(t);
}

uint64_t recorder__rss(const struct recorder *rec, uint32_t pid)
{
	return record__rss_of(&rec->rss, pid);
}

bool recorder__is_stopped(const struct recorder *rec, uint32_t pid)
{
	return record__is_stopped(&rec->rss, pid);
}

struct proc_memory recorder__memory(const struct recorder *rec, uint32_t pid)
{
	return record__memory_of(&rec->rss, pid);
}

void recorder__start(struct recorder *rec, const struct snapshot *snap)
{
	read_rss(rec, 0, snap);
	recorder__lock(rec);
	record__put_rss(recorder__new_record(rec), &rec->rss);
	recorder__put_record(rec, RECORD_RSS);
	recorder__unlock(rec);
}

void recorder__end_report(struct recorder *rec, const struct report_tick *tick,
			  const struct snapshot *snap)
{
	size_t n;

	read_rss(rec, tick->seq, snap);
	symbolizer__new_report(rec->symbolizer);
	recorder__lock(rec);
	recorder_names__settle_modules(rec);
	recorder_names__look_up_ranges(rec);
	n = rec->nplaces;
	recorder__unlock(rec);
	recorder_names__look_up(rec, 0, n);
	rec->named = n;
	recorder__lock(rec);
	record__put_rss(recorder__new_record(rec), &rec->rss);
	recorder__put_record(rec, RECORD_RSS);
	record_writer__flush(rec->writer);
	recorder__unlock(rec);
	recorder__maintain(rec); /* frequent reports leave no other time for it */
}

/* ---- a state, for a recording that is compacted ---- */

static void put_state_record(struct recorder *rec, enum record_kind kind)
{
	record_writer__put_state(rec->writer, kind, &rec->sb);
}

static void put_state_piece(void *ctx, const struct strbuf *sb)
{
	record_writer__put_state(((struct recorder *)ctx)->writer, RECORD_STATE, sb);
}

static void put_api_names(struct recorder *rec,
			  void (*put)(struct recorder *rec, enum record_kind kind))
{
	for (uint32_t row = 0; row < API_ROWS; row++) {
		struct record_api r = { row, alloc_functions__get(row)->kind,
					rec->opts.api_names[row] };

		if (!r.name)
			continue;
		record__put_api(recorder__new_record(rec), &r);
		put(rec, RECORD_API);
	}
}

/* The names follow the state: from now on all of them are recorded again. */
static void save_state(struct recorder *rec)
{
	struct record_compacted r = { rec->last_tick, rec->wall + (rec->last_tick - rec->start),
				      rec->last_seq };

	record_writer__begin_state(rec->writer);
	record_writer__put_state(rec->writer, RECORD_RUN, &rec->run);
	put_api_names(rec, put_state_record);
	record__put_compacted(recorder__new_record(rec), &r);
	put_state_record(rec, RECORD_COMPACTED);
	for (uint32_t i = 0; i < rec->nmodules; i++) {
		recorder_names__describe_module(rec, i, recorder__new_record(rec));
		put_state_record(rec, RECORD_MODULE);
	}
	if (collector__save(rec->collector, put_state_piece, rec))
		rec->failed = true;
	record_writer__end_state(rec->writer);
	recorder_names__forget(rec);
}

int recorder__maintain(struct recorder *rec)
{
	uint64_t now = clock__now_ns();
	size_t n;

	if (now < rec->maintained + MAINTAIN_NS && !record_writer__wants_state(rec->writer))
		return record_writer__error(rec->writer);
	rec->maintained = now;
	recorder__lock(rec);
	if (rec->begun && record_writer__wants_state(rec->writer)) {
		save_state(rec);
		recorder_names__look_up_ranges(rec);
	}
	n = rec->nplaces;
	recorder__unlock(rec);
	recorder_names__look_up(rec, rec->named, n);
	rec->named = n;
	recorder__lock(rec);
	record_writer__flush(rec->writer);
	recorder__unlock(rec);
	return record_writer__error(rec->writer);
}

/* ---- beginning and end ---- */

struct recorder *recorder__open(const struct recorder_opts *opts)
{
	struct recorder *rec = calloc(1, sizeof(*rec));

	if (rec) {
		rec->opts = *opts;
		rec->seen = hashmap__new();
		rec->mapped = hashmap__new();
		rec->strings = strtab__new();
	}
	if (!rec || !rec->seen || !rec->mapped || !rec->strings) {
		log__error("cannot record: out of memory");
		recorder__free(rec);
		return NULL;
	}
	rec->writer = record_writer__create(opts->plan->record, opts->plan->record_bytes);
	if (!rec->writer) {
		log__error("cannot write %s: %s", opts->plan->record, strerror(errno));
		recorder__free(rec);
		return NULL;
	}
	put_api_names(rec, recorder__put_record);
	return rec;
}

void recorder__attach(struct recorder *rec, struct collector *c, struct symbolizer *s)
{
	rec->collector = c;
	rec->symbolizer = s;
}

void recorder__free(struct recorder *rec)
{
	if (!rec)
		return;
	record_writer__free(rec->writer);
	if (rec->writer && !rec->begun)
		unlink(rec->opts.plan->record);
	strbuf__free(&rec->sb);
	strbuf__free(&rec->run);
	hashmap__free(rec->seen);
	hashmap__free(rec->mapped);
	strtab__free(rec->strings);
	free(rec->places);
	free(rec->modules);
	record__free_rss(&rec->rss);
	free(rec);
}

static void log_end(struct recorder *rec)
{
	struct record_writer_stats st;
	char size[16];

	record_writer__stats(rec->writer, &st);
	log__info("recorded %llu event%s in %s to %s%s", (unsigned long long)st.events,
		  plural(st.events), format__size(size, sizeof(size), st.bytes),
		  rec->opts.plan->record,
		  st.compactions ? ", without the oldest reports (--record-size)" : "");
	if (st.waits)
		log__warn("writing the recording delayed events by %.1f s in total; events that "
			  "found no room in the ring buffer meanwhile are counted as lost",
			  (double)st.waited_ns / 1e9);
	if (st.plain_chunks)
		log__debug("%llu chunk%s of the recording not compressed, for lack of time",
			   (unsigned long long)st.plain_chunks, plural(st.plain_chunks));
}

int recorder__close(struct recorder *rec)
{
	int err = record_writer__close(rec->writer);

	if (err == -E2BIG)
		log__error("cannot continue the recording: live blocks take more than half of "
			   "--record-size; use a larger one");
	else if (err)
		log__error("cannot write %s: %s", rec->opts.plan->record, strerror(-err));
	else
		log_end(rec);
	if (!err && rec->failed)
		log__warn("some code has no name in the recording: out of memory");
	return err;
}

#include "profile/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profile/internal.h"
#include "util/util.h"

static double seconds(uint64_t from, uint64_t to)
{
	return to > from ? (double)(to - from) / 1e9 : 0;
}

static uint64_t resident_bytes(const struct profile_input *in, const struct process_row *row)
{
	if (row->exited)
		return 0;
	return in->rss ? in->rss(in->ctx, row->pid) : util__resident_bytes(row->pid);
}

static int add_processes(struct owner *o)
{
	const struct snapshot *snap = o->in->snapshot;

	o->processes = calloc(snap->nprocesses + 1, sizeof(*o->processes));
	if (!o->processes)
		return -ENOMEM;
	for (size_t i = 0; i < snap->nprocesses; i++) {
		const struct process_row *row = &snap->processes[i];
		char comm[EVENT_COMM + 1] = "";

		memcpy(comm, row->comm, EVENT_COMM);
		o->processes[i] = (struct profile_process){
			.pid = row->pid,
			.comm = strtab__copy(o->strings, comm),
			.exe = strtab__copy(o->strings, row->exe),
			.container = strtab__copy(o->strings, row->container),
			.exited = row->exited,
			.named = row->named,
			.live_bytes = row->live_bytes,
			.live_blocks = row->live_blocks,
			.allocs = row->allocs,
			.frees = row->frees,
			.allocator_bytes = row->allocator_bytes,
			.mapped_bytes = row->mapped_bytes,
			.rss_bytes = resident_bytes(o->in, row),
		};
	}
	o->profile.processes = o->processes;
	o->profile.nprocesses = snap->nprocesses;
	return 0;
}

static void add_totals(struct owner *o)
{
	const struct profile_input *in = o->in;
	const struct snapshot *snap = in->snapshot;
	struct profile *p = &o->profile;

	*p = (struct profile){
		.run = in->run,
		.seq = in->seq,
		.final = in->final,
		.wall_ns = in->wall_ns,
		.elapsed_s = seconds(in->start, snap->now),
		.window_s = seconds(in->start, snap->now),
		.interval_s = seconds(snap->since, snap->now),
		.live_bytes = snap->live_bytes,
		.live_blocks = snap->live_blocks,
		.peak_bytes = snap->peak_bytes,
		.growth_bytes = snap->growth_bytes,
		.allocs = snap->allocs,
		.frees = snap->frees,
		.alloc_bytes = snap->alloc_bytes,
		.free_bytes = snap->free_bytes,
		.unmatched_frees = snap->unmatched_frees,
		.superseded = snap->superseded,
		.late = in->late,
		.outsiders = in->outsiders,
		.lost_events = in->lost_events,
		.lost_stacks = in->lost_stacks,
		.lost_table = snap->lost_table,
		.stack_guessed = snap->stack_guessed,
		.stack_collisions = snap->stack_collisions,
		.total_sites = snap->total_sites,
		.rest_bytes = snap->rest_bytes,
		.rest_blocks = snap->rest_blocks,
		.marked = snap->marked,
		.mark_s = snap->marked ? seconds(in->start, snap->marked) : 0,
		.since_mark_bytes = snap->since_mark_bytes,
		.since_mark_blocks = snap->since_mark_blocks,
		.notice = strtab__copy(o->strings, in->notice),
	};
	if (p->interval_s > 0) {
		p->allocs_per_s = (double)snap->allocs_since / p->interval_s;
		p->frees_per_s = (double)snap->frees_since / p->interval_s;
	}
	for (int end = 0; end < STACK_ENDS; end++) {
		p->stack_ends[end] = snap->stack_ends[end];
		if (end == STACK_COMPLETE)
			p->stacks_complete += snap->stack_ends[end];
		else
			p->stacks_truncated += snap->stack_ends[end];
	}
}

bool profile__is_finding(const struct profile_site *s)
{
	return s->verdict == VERDICT_LEAK || s->verdict == VERDICT_GROWING;
}

static void free_scratch(struct owner *o)
{
	hashmap__free(o->mapping_of);
	free(o->named);
	o->mapping_of = NULL;
	o->named = NULL;
	o->in = NULL;
}

struct profile *profile__build(const struct profile_input *in)
{
	struct owner *o = calloc(1, sizeof(*o));
	int err = -ENOMEM;

	if (!o)
		return NULL;
	o->in = in;
	o->strings = strtab__new();
	o->mapping_of = hashmap__new();
	o->named = calloc(NAMED_MAX, sizeof(*o->named));
	if (!o->strings || !o->mapping_of || !o->named)
		goto out;
	add_totals(o);
	err = add_processes(o);
	if (!err)
		err = sites__add(o);
	if (!err)
		err = strtab__error(o->strings);
out:
	free_scratch(o);
	if (err) {
		profile__free(&o->profile);
		errno = -err;
		return NULL;
	}
	return &o->profile;
}

void profile__free(struct profile *p)
{
	struct owner *o = (struct owner *)p;

	if (!p)
		return;
	for (size_t i = 0; i < p->nsites; i++)
		free((void *)p->sites[i].stack);
	free(o->sites);
	free(o->suppressed);
	free(o->processes);
	free(o->mappings);
	strtab__free(o->strings);
	free(o);
}

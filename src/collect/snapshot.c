/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot is plain rows, copied out, so that naming and printing do not hold up events. */
#include "collect/ended_processes.h"
#include "collect/internal.h"
#include "collect/process.h"
#include "collect/site_merge.h"
#include "collect/site_ranking.h"
#include "collect/site_survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/alloc_functions.h"

/* ---- rows ---- */

/* How long ago or, in an ended process, how long before its end. */
static uint64_t age_of(const struct process *p, const struct query *q, uint64_t birth)
{
	uint64_t now = p->exited ? p->ended : q->now;

	return now > birth ? now - birth : 0;
}

static void fill_ages(const struct process *p, const struct query *q, struct site_row *row)
{
	const struct site *s = &p->sites[row->site];
	uint64_t oldest = s->oldest, newest = s->newest;
	struct block b;

	if (!row->live_blocks)
		return;
	if (!p->exited && s->kind == API_HEAP) {
		newest = site_survey__aged(p, row->site, birth_limit(q->min_age, q->now)).newest;
		if (heap__site_oldest(p->heap, row->site, &b))
			oldest = b.birth + p->c->opts.start;
	}
	row->oldest = age_of(p, q, oldest);
	row->newest = age_of(p, q, newest);
	row->map_addr = s->map_addr;
}

static void fill_live(const struct process *p, const struct query *q, struct site_row *row)
{
	const struct site *s = &p->sites[row->site];
	struct heap_sum sum;

	if (!q->min_age) {
		row->live_bytes = s->live_bytes;
		row->live_blocks = s->live_blocks;
	} else if (p->exited || s->kind == API_MAP) {
		row->live_bytes = s->aged_bytes;
		row->live_blocks = s->aged_blocks;
	} else {
		sum = site_survey__aged(p, row->site, birth_limit(q->min_age, q->now));
		row->live_bytes = sum.bytes;
		row->live_blocks = sum.blocks;
	}
}

static void fill_row(const struct process *p, const struct query *q, uint32_t site,
		     struct site_row *row)
{
	const struct site *s = &p->sites[site];

	*row = (struct site_row){
		.pid = p->pid,
		.process = p->serial,
		.processes = s->holders ? s->holders : 1,
		.site = site,
		.stack = s->stack,
		.kind = s->kind,
		.api = s->api,
		.map_flags = s->map_flags,
		.allocs = s->allocs,
		.frees = s->frees,
		.alloc_bytes = s->alloc_bytes,
		.allocs_since = s->allocs - s->reported_allocs,
	};
	fill_live(p, q, row);
	row->growth_bytes = (int64_t)(row->live_bytes - s->reported_bytes);
	row->since_mark_bytes = (int64_t)(row->live_bytes - s->mark_bytes);
	row->since_mark_blocks = (int64_t)(row->live_blocks - s->mark_blocks);
	if (q->by == BY_PROCESS && (row->live_blocks || !q->top))
		row->judged = site_survey__judge(p, s, q->now);
	if (q->sort == SORT_AGE || q->by != BY_PROCESS)
		fill_ages(p, q, row);
}

/* ---- the snapshot ---- */

/* Where rows go: they are ranked at once, or merged first. */
struct gathering {
	struct site_ranking ranking;
	struct site_merge *merging; /* NULL: rows are not merged */
};

static void count_stacks(const struct collector *c, struct site *s, struct snapshot *out)
{
	if (!s->stack)
		return;
	if (!s->frames)
		s->frames = stacks__get(c->stacks, s->stack);
	if (s->frames && s->frames->guessed)
		out->stack_guessed += s->allocs;
	if (s->frames)
		out->stack_ends[s->frames->end] += s->allocs;
	else
		out->lost_stack_ids += s->allocs;
}

static int add_site_row(struct process *p, const struct query *q, uint32_t site,
			struct gathering *g, struct snapshot *out)
{
	struct process_row *total = &out->processes[p->serial];
	struct site *s = &p->sites[site];
	struct site_row row;

	if (!(s->kind == API_HEAP ? q->heap : q->map))
		return 0;
	count_stacks(p->c, s, out);
	fill_row(p, q, site, &row);
	if (q->commit) {
		s->reported_bytes = row.live_bytes;
		s->reported_allocs = s->allocs;
	}
	out->rest_bytes += row.live_bytes;
	out->rest_blocks += row.live_blocks;
	if (s->kind == API_HEAP || !q->heap) {
		total->live_bytes += row.live_bytes;
		total->live_blocks += row.live_blocks;
		out->since_mark_bytes += row.since_mark_bytes;
		out->since_mark_blocks += row.since_mark_blocks;
	}
	if (g->merging)
		return site_merge__add(g->merging, p, s, &row);
	out->total_sites += row.live_blocks > 0;
	return q->top && !site_ranking__wants(q, &row) ? 0 : site_ranking__offer(&g->ranking, &row);
}

static int add_process_row(struct process *p, const struct query *q, struct gathering *g,
			   struct snapshot *out)
{
	struct process_row *row = &out->processes[p->serial];
	int err = 0;

	*row = (struct process_row){
		.pid = p->pid,
		.exe = p->exe,
		.container = p->container,
		.unprobed = p->unprobed,
		.exited = p->exited,
		.processes = collect_process__stands_for(p),
		.status = p->status,
		.allocs = p->allocs,
		.frees = p->frees,
		.alloc_bytes = p->alloc_bytes,
		.free_bytes = p->free_bytes,
		.unmatched_frees = p->unmatched_frees,
		.unseen_frees = p->unseen_frees,
		.inherited_frees = p->inherited_frees,
		.allocator_bytes = p->allocator_bytes,
		.mapped_bytes = p->mapped_bytes,
		.first_seen = p->first_seen,
		.ended = p->ended,
		.named = p->named,
	};
	memcpy(row->comm, p->comm, sizeof(row->comm));
	if (!p->exited && q->map)
		site_survey__maps(p, birth_limit(q->min_age, q->now));
	for (uint32_t i = SITE_HIDDEN + 1; i < p->nsites && !err; i++)
		err = add_site_row(p, q, i, g, out);
	out->live_bytes += row->live_bytes;
	out->live_blocks += row->live_blocks;
	out->allocs += row->allocs;
	out->frees += row->frees;
	out->alloc_bytes += row->alloc_bytes;
	out->free_bytes += row->free_bytes;
	out->unmatched_frees += row->unmatched_frees;
	out->unseen_frees += row->unseen_frees;
	out->inherited_frees += row->inherited_frees;
	return err;
}

/* The allocations of sites that are gone with their processes. */
static void add_ended_stacks(const struct collector *c, const struct query *q, struct snapshot *out)
{
	for (int kind = 0; kind < API_KINDS; kind++) {
		if (!(kind == API_HEAP ? q->heap : q->map))
			continue;
		for (int end = 0; end < STACK_ENDS; end++)
			out->stack_ends[end] += c->gone_ends[kind][end];
		out->lost_stack_ids += c->gone_ends[kind][STACK_ENDS];
		out->stack_guessed += c->gone_ends[kind][STACK_ENDS + 1];
	}
}

/* Ranks the rows, and completes those that are kept. */
static void take_best(const struct collector *c, const struct query *q, struct site_ranking *r,
		      struct snapshot *out)
{
	site_ranking__cut(r);
	out->sites = r->rows;
	out->nsites = r->n;
	for (size_t i = 0; i < r->n; i++) {
		struct site_row *row = &r->rows[i];

		if (q->by == BY_PROCESS)
			fill_ages(c->processes[row->process], q, row);
		/* The judge knows to a cohort when a leak began. */
		if (row->judged.leaking > row->oldest)
			row->judged.leaking = row->oldest;
		out->rest_bytes -= row->live_bytes;
		out->rest_blocks -= row->live_blocks;
	}
}

int collector__snapshot(struct collector *c, const struct query *q, struct snapshot *out)
{
	struct gathering g = { {
	    .top = q->top ? q->top : SIZE_MAX,
	    .sort = q->sort,
	    .least = (c->live_bytes[API_HEAP] + c->live_bytes[API_MAP]) / 1000,
	} };
	int err = 0;

	*out = (struct snapshot){
		.now = q->now,
		.since = c->reported_at,
		.marked = c->marked,
		.heap = q->heap,
		.peak_bytes = c->peak_bytes[q->heap ? API_HEAP : API_MAP],
		.events = c->events,
		.bad_events = c->bad_events,
		.lost_table = c->lost_table + c->limited_blocks,
		.limited_blocks = c->limited_blocks,
		.limited_stacks = c->limited_stacks,
		.superseded = c->superseded,
		.disinherited = c->disinherited,
		.stack_collisions = c->stack_collisions,
		.nprocesses = c->nprocesses,
		.folded_stackless = c->folded_stackless,
	};
	out->processes = calloc(c->nprocesses + 1, sizeof(*out->processes));
	if (!out->processes)
		return -ENOMEM;
	if (q->by != BY_PROCESS)
		g.merging = site_merge__new(c, q);
	if (q->by != BY_PROCESS && !g.merging)
		err = -ENOMEM;
	for (uint32_t i = 0; i < c->nprocesses && !err; i++)
		err = add_process_row(c->processes[i], q, &g, out);
	if (!err && g.merging)
		err = site_merge__finish(g.merging, &g.ranking, out);
	site_merge__free(g.merging);
	add_ended_stacks(c, q, out);
	take_best(c, q, &g.ranking, out);
	if (err) {
		snapshot__free(out);
		return err;
	}
	out->growth_bytes = (int64_t)(out->live_bytes - c->reported_bytes);
	out->allocs_since = out->allocs - c->reported_allocs;
	out->frees_since = out->frees - c->reported_frees;
	if (q->commit) {
		c->reported_at = q->now;
		c->reported_bytes = out->live_bytes;
		c->reported_allocs = out->allocs;
		c->reported_frees = out->frees;
		ended_processes__fold_all(c);
	}
	return 0;
}

void snapshot__free(struct snapshot *s)
{
	if (!s)
		return;
	free(s->sites);
	free(s->processes);
	*s = (struct snapshot){ 0 };
}

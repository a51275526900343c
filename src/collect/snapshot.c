/* What a report is made of: plain rows, copied out, so that naming and printing hold nobody up. */
#include "collect/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/alloc_functions.h"

/* ---- what is old enough ---- */

void survey__maps(struct process *p, uint64_t limit)
{
	struct range r;
	size_t cursor = 0;
	struct site *s;

	for (uint32_t i = 0; i < p->nsites; i++) {
		s = &p->sites[i];
		if (s->kind != API_MAP)
			continue;
		s->aged_bytes = s->aged_blocks = s->oldest = s->newest = s->map_addr = 0;
		s->aged_parts = 0;
	}
	while (ranges__next(p->ranges, &cursor, &r)) {
		if (r.site == LEDGER_ALLOCATOR || r.site == SITE_HIDDEN || r.birth > limit)
			continue;
		s = &p->sites[r.site];
		if (!s->aged_bytes || r.birth < s->oldest)
			s->oldest = r.birth;
		if (r.birth > s->newest)
			s->newest = r.birth;
		if (!s->aged_bytes)
			s->map_addr = r.start;
		s->aged_bytes += r.end - r.start;
		s->aged_parts += 1.0 / r.parts;
		s->aged_blocks = (uint64_t)(s->aged_parts + 0.5);
	}
}

static struct heap_sum aged_heap(const struct process *p, uint32_t site, uint64_t limit)
{
	const struct site *s = &p->sites[site];
	struct heap_sum sum = { .blocks = s->live_blocks, .bytes = s->live_bytes };

	if (limit < p->c->opts.start)
		return (struct heap_sum){ 0 };
	heap__site_aged(p->heap, site, heap_time(p->c, limit), &sum);
	sum.newest += p->c->opts.start;
	return sum;
}

void survey__heap(struct process *p, uint64_t limit)
{
	struct heap_sum sum;
	struct block b;

	for (uint32_t i = SITE_HIDDEN + 1; i < p->nsites; i++) {
		struct site *s = &p->sites[i];

		if (s->kind != API_HEAP)
			continue;
		sum = aged_heap(p, i, limit);
		s->aged_bytes = sum.bytes;
		s->aged_blocks = sum.blocks;
		s->newest = sum.newest;
		if (heap__site_oldest(p->heap, i, &b))
			s->oldest = b.birth + p->c->opts.start;
	}
}

/* ---- rows ---- */

/* How long ago, or, for what an ended process left, how long before its end. */
static uint64_t age(const struct process *p, const struct query *q, uint64_t birth)
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
		newest = aged_heap(p, row->site, birth_limit(q->min_age, q->now)).newest;
		heap__site_oldest(p->heap, row->site, &b);
		oldest = b.birth + p->c->opts.start;
	}
	row->oldest = age(p, q, oldest);
	row->newest = age(p, q, newest);
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
		sum = aged_heap(p, row->site, birth_limit(q->min_age, q->now));
		row->live_bytes = sum.bytes;
		row->live_blocks = sum.blocks;
	}
}

struct judgement survey__judge(const struct process *p, const struct site *s, uint64_t now)
{
	const struct judge_facts facts = {
		.now = heap_time(p->c, p->exited ? p->ended : now),
		.began = heap_time(p->c, p->first_seen),
		.older = s->kind == API_HEAP ? p->older : NULL,
	};
	struct block b;

	if (s->left)
		return *s->left;
	if (s->cohorts)
		return judge__site(s->cohorts, &facts);
	if (s->live_blocks != 1 || s->kind != API_HEAP)
		return (struct judgement){ 0 };
	if (p->exited)
		return judge__single(heap_time(p->c, s->oldest), &facts);
	heap__site_oldest(p->heap, (uint32_t)(s - p->sites), &b);
	return judge__single(b.birth, &facts);
}

static void fill_row(const struct process *p, const struct query *q, uint32_t site,
		     struct site_row *row)
{
	const struct site *s = &p->sites[site];

	*row = (struct site_row){
		.pid = p->pid,
		.process = p->serial,
		.processes = 1,
		.site = site,
		.stack = s->stack,
		.kind = s->kind,
		.api = s->api,
		.map_flags = s->map_flags,
		.allocs = s->allocs,
		.frees = s->frees,
		.alloc_bytes = s->alloc_bytes,
		.allocs_since = s->allocs - s->told_allocs,
	};
	fill_live(p, q, row);
	row->growth_bytes = (int64_t)(row->live_bytes - s->told_bytes);
	row->since_mark_bytes = (int64_t)(row->live_bytes - s->mark_bytes);
	row->since_mark_blocks = (int64_t)(row->live_blocks - s->mark_blocks);
	if (q->by == BY_PROCESS && (row->live_blocks || !q->top))
		row->judged = survey__judge(p, s, q->now);
	if (q->sort == SORT_AGE || q->by != BY_PROCESS)
		fill_ages(p, q, row);
}

/* ---- the snapshot ---- */

/* Where rows go: to be ranked at once, or to be merged first. */
struct gathering {
	struct ranking ranking;
	struct merging *merging; /* NULL: not at all */
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

bool survey__has_place(const struct query *q, const struct site_row *row)
{
	if (q->sort == SORT_MARK)
		return row->since_mark_bytes || row->since_mark_blocks;
	return row->live_blocks || (q->sort == SORT_RATE && row->allocs_since);
}

static int add_site(struct process *p, const struct query *q, uint32_t site, struct gathering *g,
		    struct snapshot *out)
{
	struct process_row *total = &out->processes[p->serial];
	struct site *s = &p->sites[site];
	struct site_row row;

	if (!(s->kind == API_HEAP ? q->heap : q->map))
		return 0;
	count_stacks(p->c, s, out);
	fill_row(p, q, site, &row);
	if (q->commit) {
		s->told_bytes = row.live_bytes;
		s->told_allocs = s->allocs;
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
		return merge__add(g->merging, p, s, &row);
	out->total_sites += row.live_blocks > 0;
	return q->top && !survey__has_place(q, &row) ? 0 : rank__offer(&g->ranking, &row);
}

static int add_process(struct process *p, const struct query *q, struct gathering *g,
		       struct snapshot *out)
{
	struct process_row *row = &out->processes[p->serial];
	int err = 0;

	*row = (struct process_row){
		.pid = p->pid,
		.exe = p->exe,
		.container = p->container,
		.exited = p->exited,
		.allocs = p->allocs,
		.frees = p->frees,
		.alloc_bytes = p->alloc_bytes,
		.free_bytes = p->free_bytes,
		.unmatched_frees = p->unmatched_frees,
		.allocator_bytes = p->allocator_bytes,
		.mapped_bytes = p->mapped_bytes,
		.first_seen = p->first_seen,
		.ended = p->ended,
		.named = p->named,
	};
	memcpy(row->comm, p->comm, sizeof(row->comm));
	if (!p->exited && q->map)
		survey__maps(p, birth_limit(q->min_age, q->now));
	for (uint32_t i = SITE_HIDDEN + 1; i < p->nsites && !err; i++)
		err = add_site(p, q, i, g, out);
	out->live_bytes += row->live_bytes;
	out->live_blocks += row->live_blocks;
	out->allocs += row->allocs;
	out->frees += row->frees;
	out->alloc_bytes += row->alloc_bytes;
	out->free_bytes += row->free_bytes;
	out->unmatched_frees += row->unmatched_frees;
	return err;
}

/* Of sites that are gone with their processes. */
static void add_gone(const struct collector *c, const struct query *q, struct snapshot *out)
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
static void finish(const struct collector *c, const struct query *q, struct ranking *r,
		   struct snapshot *out)
{
	rank__cut(r);
	out->sites = r->rows;
	out->nsites = r->n;
	for (size_t i = 0; i < r->n; i++) {
		if (q->by == BY_PROCESS)
			fill_ages(c->processes[r->rows[i].process], q, &r->rows[i]);
		out->rest_bytes -= r->rows[i].live_bytes;
		out->rest_blocks -= r->rows[i].live_blocks;
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
		.since = c->told_at,
		.marked = c->marked,
		.heap = q->heap,
		.peak_bytes = c->peak_bytes[q->heap ? API_HEAP : API_MAP],
		.events = c->events,
		.bad_events = c->bad_events,
		.lost_table = c->lost_table,
		.superseded = c->superseded,
		.stack_collisions = c->stack_collisions,
		.nprocesses = c->nprocesses,
	};
	out->processes = calloc(c->nprocesses + 1, sizeof(*out->processes));
	if (!out->processes)
		return -ENOMEM;
	if (q->by != BY_PROCESS)
		g.merging = merge__new(c, q);
	if (q->by != BY_PROCESS && !g.merging)
		err = -ENOMEM;
	for (uint32_t i = 0; i < c->nprocesses && !err; i++)
		err = add_process(c->processes[i], q, &g, out);
	if (!err && g.merging)
		err = merge__finish(g.merging, &g.ranking, out);
	merge__free(g.merging);
	add_gone(c, q, out);
	finish(c, q, &g.ranking, out);
	if (err) {
		snapshot__free(out);
		return err;
	}
	out->growth_bytes = (int64_t)(out->live_bytes - c->told_bytes);
	out->allocs_since = out->allocs - c->told_allocs;
	out->frees_since = out->frees - c->told_frees;
	if (q->commit) {
		c->told_at = q->now;
		c->told_bytes = out->live_bytes;
		c->told_allocs = out->allocs;
		c->told_frees = out->frees;
		ended__fold_all(c);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collect/site_survey.h"

void site_survey__maps(struct process *p, uint64_t limit)
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
		if (r.site == RANGE_ALLOCATOR || r.site == SITE_HIDDEN || r.birth > limit)
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

struct heap_sum site_survey__aged(const struct process *p, uint32_t site, uint64_t limit)
{
	const struct site *s = &p->sites[site];
	struct heap_sum sum = { .blocks = s->live_blocks, .bytes = s->live_bytes };

	if (limit < p->c->opts.start)
		return (struct heap_sum){ 0 };
	heap__site_aged(p->heap, site, heap_time(p->c, limit), &sum);
	sum.newest += p->c->opts.start;
	return sum;
}

void site_survey__heap(struct process *p, uint64_t limit)
{
	struct heap_sum sum;
	struct block b;

	for (uint32_t i = SITE_HIDDEN + 1; i < p->nsites; i++) {
		struct site *s = &p->sites[i];

		if (s->kind != API_HEAP)
			continue;
		sum = site_survey__aged(p, i, limit);
		s->aged_bytes = sum.bytes;
		s->aged_blocks = sum.blocks;
		s->newest = sum.newest;
		if (heap__site_oldest(p->heap, i, &b))
			s->oldest = b.birth + p->c->opts.start;
	}
}

struct judgement site_survey__judge(const struct process *p, const struct site *s, uint64_t now)
{
	const struct judge_facts facts = {
		.now = heap_time(p->c, p->exited ? p->ended : now),
		.began = heap_time(p->c, p->first_seen),
		.age = p->age,
		.older = s->kind == API_HEAP && !p->unprobed ? p->older : NULL,
		.work = p->work,
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
	/* A damaged recording may count a block that it does not have. */
	if (!heap__site_oldest(p->heap, (uint32_t)(s - p->sites), &b))
		return (struct judgement){ 0 };
	return judge__single(b.birth, &facts);
}

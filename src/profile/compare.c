/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/compare.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "profile/rebuilt.h"
#include "util/hashmap.h"

/* A stack that could not be recorded has no ID; then only what was allocated distinguishes it. */
static bool is_same_site(const struct profile_site *a, const struct profile_site *b)
{
	return !strcmp(a->id, b->id) && a->kind == b->kind && a->mapping == b->mapping &&
	       !strcmp(a->api, b->api);
}

static bool is_row_of(const void *row, const void *site)
{
	return is_same_site(((const struct compared_site *)row)->site, site);
}

static uint64_t site_key(const struct profile_site *s)
{
	return hash__mix(strtoull(s->id, NULL, 16),
			 (uint64_t)(unsigned char)s->api[0] << 8 | s->kind);
}

/* The row of a site; a new one if there is none yet. NULL: out of memory. */
static struct compared_site *row_of(struct comparison *c, struct hashmap *index,
				    const struct profile_site *s)
{
	uint64_t key = site_key(s);
	struct compared_site *row = hashmap__find_ptr(index, key, is_row_of, s);

	if (row)
		return row;
	row = &c->sites[c->nsites];
	if (hashmap__add_ptr(index, key, row))
		return NULL;
	*row = (struct compared_site){ .site = s };
	c->nsites++;
	return row;
}

static bool is_growing(const struct profile_site *s)
{
	return s->verdict == VERDICT_LEAK || s->verdict == VERDICT_GROWING;
}

static uint64_t share_of(uint64_t n, double share)
{
	double part = (double)n * share;

	return share == 1 ? n : part < 1e18 ? (uint64_t)(part + 0.5) : (uint64_t)1e18;
}

static void add_sum(struct compared_sum *sum, const struct profile_site *s, double share)
{
	sum->bytes += share_of(s->live_bytes, share);
	sum->blocks += share_of(s->live_blocks, share);
}

/* Adds what a call stack would hold after the other's time, by its share of what it holds. */
static void extrapolate(const struct comparison *c, struct compared_site *row,
			const struct profile_site *s)
{
	double more = c->after->elapsed_s - c->before->elapsed_s, share = 1;

	if (c->by_rate && s->live_bytes && is_growing(s))
		share += s->leak_rate_bps * more / (double)s->live_bytes;
	else if (c->by_rate && s->verdict == VERDICT_UNKNOWN)
		share += more / c->before->elapsed_s;
	share = share > 0 ? share : 0;
	row->extrapolated |= share != 1;
	add_sum(&row->least, s, share < 1 || s->verdict == VERDICT_LEAK ? share : 1);
	add_sum(&row->most, s, share > 1 || s->verdict == VERDICT_LEAK ? share : 1);
}

static int add_sites(struct comparison *c, struct hashmap *index, bool after)
{
	const struct profile *p = after ? c->after : c->before;
	struct compared_sum *total = after ? &c->total_after : &c->total_before;

	for (size_t i = 0; i < p->nsites; i++) {
		const struct profile_site *s = &p->sites[i];
		struct compared_site *row = row_of(c, index, s);

		if (!row)
			return -ENOMEM;
		/* Of several processes, that of the leak. */
		if (row->of != p || s->verdict == VERDICT_LEAK)
			row->site = s;
		row->of = p;
		*(after ? &row->in_after : &row->in_before) = true;
		add_sum(after ? &row->after : &row->before, s, 1);
		add_sum(total, s, 1);
		if (is_growing(s))
			*(after ? &row->rate_after : &row->rate_before) += s->leak_rate_bps;
		if (!after)
			extrapolate(c, row, s);
	}
	return 0;
}

/* ---- files that were built again ---- */

static void add_sums(struct compared_sum *sum, const struct compared_sum *more)
{
	sum->bytes += more->bytes;
	sum->blocks += more->blocks;
}

/* Adds a row to another, which keeps its site, and empties it. */
static void join(struct comparison *c, struct compared_site *to, struct compared_site *from)
{
	add_sums(&to->before, &from->before);
	add_sums(&to->after, &from->after);
	add_sums(&to->least, &from->least);
	add_sums(&to->most, &from->most);
	to->rate_before += from->rate_before;
	to->rate_after += from->rate_after;
	to->extrapolated |= from->extrapolated;
	to->in_before |= from->in_before;
	if (from->in_after && from->site->verdict == VERDICT_LEAK)
		to->site = from->site;
	c->rebuilt += !to->rebuilt;
	to->rebuilt = true;
	*from = (struct compared_site){ 0 };
}

static uint64_t names_of(const struct rebuilt *r, const struct compared_site *row)
{
	return rebuilt__id(r, row->of, row->site);
}

/* The rows of the later profile only, the first for each ID. */
static int index_new(struct comparison *c, const struct rebuilt *r, struct hashmap *names)
{
	for (size_t i = 0; i < c->nsites; i++) {
		struct compared_site *row = &c->sites[i];
		uint64_t id = row->in_before ? 0 : names_of(r, row);
		int err = id && !hashmap__get_ptr(names, id) ? hashmap__set_ptr(names, id, row) : 0;

		if (err)
			return err;
	}
	return 0;
}

/* Joins those of one profile to the row that is found. */
static void join_side(struct comparison *c, const struct rebuilt *r, struct hashmap *names,
		      bool after)
{
	for (size_t i = 0; i < c->nsites; i++) {
		struct compared_site *row = &c->sites[i], *to;
		uint64_t id;

		if (!row->site || row->in_before == after || row->in_after != after)
			continue;
		id = names_of(r, row);
		to = id ? hashmap__get_ptr(names, id) : NULL;
		if (to && to != row && (!after || to->rebuilt))
			join(c, to, row);
	}
}

/* Joins what is in one profile only to what has the same names in the other. Several call stacks of
 * either may have the same: then all are one. */
static int join_rebuilt(struct comparison *c)
{
	struct rebuilt *r = rebuilt__new(c->before, c->after);
	struct hashmap *names = hashmap__new();
	int err = r && names ? index_new(c, r, names) : -ENOMEM;

	if (!err) {
		join_side(c, r, names, false);
		join_side(c, r, names, true);
	}
	hashmap__free(names);
	rebuilt__free(r);
	return err;
}

/* ---- the changes ---- */

static int compare_changes(int64_t a, int64_t b)
{
	return (a < b) - (a > b);
}

static int by_change(const void *a, const void *b)
{
	const struct compared_site *x = a, *y = b;
	int by_bytes = compare_changes(x->bytes, y->bytes),
	    by_blocks = compare_changes(x->blocks, y->blocks);

	if (by_bytes || by_blocks)
		return by_bytes ? by_bytes : by_blocks;
	return strcmp(x->site->id, y->site->id);
}

/* The change from the nearest of a range; 0 within. */
static int64_t change_from(uint64_t least, uint64_t most, uint64_t after)
{
	if (after >= least && after <= most)
		return 0;
	return (int64_t)(after - (after < least ? least : most));
}

static void find_change(struct compared_site *s)
{
	s->bytes = change_from(s->least.bytes, s->most.bytes, s->after.bytes);
	s->blocks = change_from(s->least.blocks, s->most.blocks, s->after.blocks);
	if (s->extrapolated &&
	    fabs((double)s->bytes) <=
		COMPARE_TOLERANCE * (double)(s->bytes < 0 ? s->least : s->most).bytes)
		s->bytes = s->blocks = 0;
}

static void drop_unchanged(struct comparison *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nsites; i++) {
		struct compared_site *s = &c->sites[i];

		if (!s->site) /* it was added to another */
			continue;
		find_change(s);
		c->bytes += s->bytes;
		c->blocks += s->blocks;
		if (s->bytes || s->blocks)
			c->sites[n++] = *s;
		else
			c->unchanged += s->after.blocks > 0;
	}
	c->nsites = n;
}

/* ---- the lengths ---- */

/* Whether it is a command that ran to its end. */
static bool is_whole(const struct profile *p)
{
	for (size_t i = 0; i < p->nprocesses; i++)
		if (!p->processes[i].exited)
			return false;
	return p->run->launched;
}

static bool are_of_unequal_length(const struct profile *p, const struct profile *q)
{
	double longer = fmax(p->elapsed_s, q->elapsed_s),
	       shorter = fmin(p->elapsed_s, q->elapsed_s);

	return shorter > 0 && longer - shorter > COMPARE_TOLERANCE * longer &&
	       !(is_whole(p) && is_whole(q));
}

/* ---- the verdict ---- */

/* Whether it grows more than before: faster, or only now. */
static bool is_faster(const struct comparison *c, const struct compared_site *s)
{
	return s->of == c->after && is_growing(s->site) && s->bytes > 0 &&
	       (double)s->bytes > COMPARE_TOLERANCE * (double)s->most.bytes;
}

/* Whether a leak has been counted with an earlier part of it. */
static bool is_counted(const struct comparison *c, size_t i)
{
	const struct profile_site *s = c->sites[i].site;

	for (size_t k = 0; s->group && k < i; k++) {
		const struct compared_site *other = &c->sites[k];

		if (other->site->group == s->group && other->site->verdict == s->verdict &&
		    is_faster(c, other))
			return true;
	}
	return false;
}

static void decide(struct comparison *c)
{
	struct profile *v = &c->verdict;

	v->run = c->after->run;
	v->final = true;
	v->live_bytes = c->total_after.bytes;
	v->live_blocks = c->total_after.blocks;
	v->lost_events = profile__lost(c->before) + profile__lost(c->after);
	v->since_mark_bytes = c->bytes;
	v->judged = c->after->judged;
	v->judged.reasons |= c->before->judged.reasons;
	v->total_sites = c->nsites + c->unchanged;
	for (size_t i = 0; i < c->nsites; i++) {
		const struct compared_site *s = &c->sites[i];
		struct profile_findings *f =
		    s->site->verdict == VERDICT_LEAK ? &v->leak : &v->growing;

		if (!is_faster(c, s))
			continue;
		f->sites++;
		f->groups += !is_counted(c, i);
		f->live_bytes += (uint64_t)s->bytes;
		f->rate_bps += s->rate_after > s->rate_before ? s->rate_after - s->rate_before : 0;
	}
	v->leak.group_bytes = v->leak.live_bytes;
	v->leak.group_rate_bps = v->leak.rate_bps;
	v->growing.group_bytes = v->growing.live_bytes;
	v->growing.group_rate_bps = v->growing.rate_bps;
}

int compare__profiles(const struct profile *before, const struct profile *after,
		      struct comparison *out)
{
	struct hashmap *index = hashmap__new();
	int err = -ENOMEM;

	*out = (struct comparison){ .before = before, .after = after };
	out->by_rate = are_of_unequal_length(before, after);
	out->sites = calloc(before->nsites + after->nsites + 1, sizeof(*out->sites));
	if (!index || !out->sites)
		goto out;
	err = add_sites(out, index, false);
	if (!err)
		err = add_sites(out, index, true);
	if (err)
		goto out;
	err = join_rebuilt(out);
	if (err)
		goto out;
	drop_unchanged(out);
	qsort(out->sites, out->nsites, sizeof(*out->sites), by_change);
	decide(out);
out:
	hashmap__free(index);
	if (err)
		compare__free(out);
	return err;
}

void compare__free(struct comparison *c)
{
	free(c->sites);
	c->sites = NULL;
	c->nsites = 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/compare.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

static int add_sites(struct comparison *c, struct hashmap *index, bool after)
{
	const struct profile *p = after ? c->after : c->before;
	struct compared_sum *total = after ? &c->total_after : &c->total_before;

	for (size_t i = 0; i < p->nsites; i++) {
		const struct profile_site *s = &p->sites[i];
		struct compared_site *row = row_of(c, index, s);
		struct compared_sum *sum;

		if (!row)
			return -ENOMEM;
		row->site = s;
		row->of = p;
		sum = after ? &row->after : &row->before;
		sum->bytes += s->live_bytes;
		sum->blocks += s->live_blocks;
		total->bytes += s->live_bytes;
		total->blocks += s->live_blocks;
	}
	return 0;
}

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

static void drop_unchanged(struct comparison *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nsites; i++) {
		struct compared_site *s = &c->sites[i];

		s->bytes = (int64_t)(s->after.bytes - s->before.bytes);
		s->blocks = (int64_t)(s->after.blocks - s->before.blocks);
		if (s->bytes || s->blocks)
			c->sites[n++] = *s;
		else
			c->unchanged += s->after.blocks > 0;
	}
	c->nsites = n;
}

int compare__profiles(const struct profile *before, const struct profile *after,
		      struct comparison *out)
{
	struct hashmap *index = hashmap__new();
	int err = -ENOMEM;

	*out = (struct comparison){ .before = before, .after = after };
	out->sites = calloc(before->nsites + after->nsites + 1, sizeof(*out->sites));
	if (!index || !out->sites)
		goto out;
	err = add_sites(out, index, false);
	if (!err)
		err = add_sites(out, index, true);
	if (err)
		goto out;
	drop_unchanged(out);
	qsort(out->sites, out->nsites, sizeof(*out->sites), by_change);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collect/site_ranking.h"

#include <errno.h>
#include <stdlib.h>

#include "util/array.h"

enum { LEVEL_OTHER, LEVEL_GROWING, LEVEL_DOUBTED, LEVEL_LEAK };

#define LEVEL(level) ((uint64_t)(level) << 62)

/*
 * Leaks come first, then what would be a leak but for frees of older blocks, then all that grows,
 * each by rate in thousandths of a byte a second; then the rest by bytes. A site that grows but
 * holds less than `least` ranks among the rest.
 */
static uint64_t leak_key(const struct site_row *row, uint64_t least)
{
	double rate = row->judged.rate * 1000;
	uint64_t milli = rate >= 0x1p62 ? (1ull << 62) - 1 : rate > 0 ? (uint64_t)rate : 0;

	switch (row->judged.verdict) {
	case VERDICT_LEAK:
		return LEVEL(LEVEL_LEAK) | milli;
	case VERDICT_GROWING:
		if (row->live_bytes >= least)
			return LEVEL(row->judged.doubt == DOUBT_OLDER ? LEVEL_DOUBTED
								      : LEVEL_GROWING) |
			       milli;
		break;
	default:
		break;
	}
	return row->live_bytes < 1ull << 62 ? row->live_bytes : (1ull << 62) - 1;
}

static uint64_t sort_key_of(const struct site_row *row, const struct site_ranking *r)
{
	switch (r->sort) {
	case SORT_LEAK:
		return leak_key(row, r->least);
	case SORT_BLOCKS:
		return row->live_blocks;
	case SORT_GROWTH:
		return (uint64_t)row->growth_bytes ^ 1ull << 63;
	case SORT_MARK:
		return (uint64_t)row->since_mark_bytes ^ 1ull << 63;
	case SORT_AGE:
		return row->oldest;
	case SORT_RATE:
		return row->allocs_since;
	default:
		return row->live_bytes;
	}
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Below 0: a comes first. No two rows are equal. */
static int compare_rows(const void *one, const void *other, void *ranking)
{
	const struct site_row *a = one, *b = other;
	int by_key = compare_numbers(sort_key_of(b, ranking), sort_key_of(a, ranking));
	int by_bytes = compare_numbers(b->live_bytes, a->live_bytes);

	if (by_key || by_bytes)
		return by_key ? by_key : by_bytes;
	if (a->process != b->process)
		return compare_numbers(a->process, b->process);
	return compare_numbers(a->site, b->site);
}

bool site_ranking__wants(const struct query *q, const struct site_row *row)
{
	if (q->sort == SORT_MARK)
		return row->since_mark_bytes || row->since_mark_blocks;
	return row->live_blocks || (q->sort == SORT_RATE && row->allocs_since);
}

void site_ranking__cut(struct site_ranking *r)
{
	if (r->n)
		qsort_r(r->rows, r->n, sizeof(*r->rows), compare_rows, r);
	if (r->n > r->top) {
		r->n = r->top;
		r->was_cut = true;
	}
}

int site_ranking__offer(struct site_ranking *r, const struct site_row *row)
{
	size_t most = r->top < SIZE_MAX / 2 ? r->top * 2 : SIZE_MAX;

	if (r->was_cut && compare_rows(row, &r->rows[r->top - 1], r) > 0)
		return 0;
	if (r->n == most)
		site_ranking__cut(r);
	if (array__grow(&r->rows, &r->cap, r->n + 1, sizeof(*r->rows)))
		return -ENOMEM;
	r->rows[r->n++] = *row;
	return 0;
}

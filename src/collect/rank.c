/*
 * The best `top` of many: rows gather until there are twice as many, then they are sorted and the
 * worse half goes; from then on what is worse than the worst kept is not even taken.
 */
#include "collect/internal.h"

#include <errno.h>
#include <stdlib.h>

enum { LEVEL_OTHER, LEVEL_GROWING, LEVEL_DOUBTED, LEVEL_LEAK };

#define LEVEL(level) ((uint64_t)(level) << 62)

/*
 * Leaks come first, then what would be one but for frees of older blocks, then all that grows, each
 * by their rates in millibytes; then the rest. What grows but is next to nothing has its place by
 * its bytes.
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

static uint64_t key_of(const struct site_row *row, const struct ranking *r)
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

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Below 0: a comes first. No two rows are equal. */
static int compare(const void *one, const void *other, void *ranking)
{
	const struct site_row *a = one, *b = other;
	int by_key = order(key_of(b, ranking), key_of(a, ranking));
	int by_bytes = order(b->live_bytes, a->live_bytes);

	if (by_key || by_bytes)
		return by_key ? by_key : by_bytes;
	if (a->process != b->process)
		return order(a->process, b->process);
	return order(a->site, b->site);
}

void rank__cut(struct ranking *r)
{
	if (r->n)
		qsort_r(r->rows, r->n, sizeof(*r->rows), compare, r);
	if (r->n > r->top) {
		r->n = r->top;
		r->was_cut = true;
	}
}

int rank__offer(struct ranking *r, const struct site_row *row)
{
	size_t most = r->top < SIZE_MAX / 2 ? r->top * 2 : SIZE_MAX, cap;
	struct site_row *rows;

	if (r->was_cut && compare(row, &r->rows[r->top - 1], r) > 0)
		return 0;
	if (r->n == most)
		rank__cut(r);
	if (r->n == r->cap) {
		cap = r->cap ? r->cap * 2 : 32;
		rows = reallocarray(r->rows, cap, sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		r->rows = rows;
		r->cap = cap;
	}
	r->rows[r->n++] = *row;
	return 0;
}

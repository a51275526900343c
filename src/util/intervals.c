/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/intervals.h"

#include <errno.h>
#include <stdlib.h>

void intervals__free(struct intervals *t)
{
	free(t->at);
	*t = (struct intervals){ 0 };
}

int intervals__add(struct intervals *t, uint64_t lo, uint64_t hi, uint32_t value)
{
	if (lo >= hi)
		return 0;
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct interval *bigger = realloc(t->at, cap * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		t->at = bigger;
		t->cap = cap;
	}
	t->at[t->n++] = (struct interval){ .lo = lo, .hi = hi, .value = value };
	return 0;
}

/* Sorts by start; of ranges that start together, the longest first, so that the innermost comes
 * last. */
static int compare(const void *pa, const void *pb)
{
	const struct interval *a = pa, *b = pb;

	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	if (a->hi != b->hi)
		return a->hi > b->hi ? -1 : 1;
	return (a->value > b->value) - (a->value < b->value);
}

void intervals__sort(struct intervals *t)
{
	uint64_t reach = 0;

	if (t->n)
		qsort(t->at, t->n, sizeof(*t->at), compare);
	for (size_t i = 0; i < t->n; i++) {
		reach = t->at[i].hi > reach ? t->at[i].hi : reach;
		t->at[i].reach = reach;
	}
}

const struct interval *intervals__find(const struct intervals *t, uint64_t addr)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->at[mid].lo <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Outer ranges come before inner ones; if no earlier range reaches addr, there is none. */
	for (; lo > 0 && t->at[lo - 1].reach > addr; lo--)
		if (t->at[lo - 1].hi > addr)
			return &t->at[lo - 1];
	return NULL;
}

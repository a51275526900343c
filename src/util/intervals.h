/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of address ranges, built once and then searched for the range that holds an address. */
#ifndef MEMTRACE_UTIL_INTERVALS_H
#define MEMTRACE_UTIL_INTERVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct interval {
	uint64_t lo, hi; /* [lo, hi) */
	uint64_t reach;	 /* the highest hi of this and all earlier ranges; set by sorting */
	uint32_t value;	 /* the owner's */
};

struct intervals {
	struct interval *at;
	size_t n, cap;
};

void intervals__free(struct intervals *t);
/* Adds a range, unless it is empty. Returns 0 or -ENOMEM. */
int intervals__add(struct intervals *t, uint64_t lo, uint64_t hi, uint32_t value);
void intervals__sort(struct intervals *t); /* to be called before the first search */
/* Finds the innermost range that holds addr: the one that starts last, and of several the shortest.
 * NULL: none. */
const struct interval *intervals__find(const struct intervals *t, uint64_t addr);

#endif

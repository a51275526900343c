/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits how often something is done that may take long: PACE_BURST times at once, ten times a
 * second in the long run, and for no more than a fifth of the time. Times are ns of one clock.
 */
#ifndef MEMTRACE_UTIL_PACE_H
#define MEMTRACE_UTIL_PACE_H

#include <stdint.h>

#define PACE_GAP_NS 100000000ull
#define PACE_BURST 20

/* All zero: nothing was done yet. */
struct pace {
	uint64_t paid; /* until then, what was done uses up the allowance */
};

/* Returns the earliest time at which it may be done again. */
uint64_t pace__next(const struct pace *p);
/* It was done. */
void pace__took(struct pace *p, uint64_t began, uint64_t ended);

#endif

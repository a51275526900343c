/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions that make a run fail, for scripts: "leak>64k", several of them separated by commas.
 * The left side names a metric; the value is a whole number with an optional suffix k, m or g
 * (2^10, 2^20, 2^30); the comparison is ">" or ">=". Suppressed memory does not count.
 */
#ifndef MEMTRACE_PROFILE_CONDITIONS_H
#define MEMTRACE_PROFILE_CONDITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile;

struct condition {
	uint8_t metric; /* row of the table of metrics */
	bool or_equal;
	uint64_t limit;
	char *text; /* without blanks: "leak>64k" */
};

struct conditions { /* start with zeroes */
	struct condition *items;
	size_t n, cap;
};

/* Adds the conditions of a list. 0, -ENOMEM, or -EINVAL with a short reason in `why`. */
int conditions__add(struct conditions *c, const char *list, char *why, size_t cap);
void conditions__release(struct conditions *c);

/* Whether the condition is met, so that the run has failed. */
bool conditions__is_met(const struct condition *c, const struct profile *p);
/* Whether the report knows that a condition is not met: what it rests on is there. */
bool conditions__is_ruled_out(const struct condition *c, const struct profile *p);

#endif

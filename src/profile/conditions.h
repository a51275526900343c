/*
 * Conditions that make a run fail, for scripts: "leak>64k", several separated by commas. What is
 * compared is a row of a table; the value is a whole number, with suffix k, m or g (2^10, 2^20,
 * 2^30); ">" and ">=" compare. What was suppressed does not count.
 */
#ifndef MEMTRACE_PROFILE_CONDITIONS_H
#define MEMTRACE_PROFILE_CONDITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile;

struct condition {
	uint8_t metric; /* row of the table */
	bool or_equal;
	uint64_t limit;
	char *text; /* without blanks: "leak>64k" */
};

struct conditions { /* start with zeroes */
	struct condition *items;
	size_t n;
};

/* Adds what a list says. 0, -ENOMEM, or -EINVAL and in `why` a few words on what is wrong. */
int conditions__add(struct conditions *c, const char *list, char *why, size_t cap);
void conditions__release(struct conditions *c);

/* Whether the condition holds: the run has failed. */
bool conditions__is_met(const struct condition *c, const struct profile *p);

/* "leak", "leaks", …, and what each is; NULL past the end. */
const char *conditions__metric(size_t i, const char **meaning);

#endif

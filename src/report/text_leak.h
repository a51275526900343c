/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The leaks of a text report: for each, its function, line, rate and size in one line, then why it
 * is one, how the function is called, and its parts, in a line each.
 */
#ifndef MEMTRACE_REPORT_TEXT_LEAK_H
#define MEMTRACE_REPORT_TEXT_LEAK_H

#include <stddef.h>

#include "profile/profile.h"
#include "report/text_style.h"

struct text_leak {
	struct profile_group sum; /* a copy; of the site, if the profile has no groups */
	size_t first;		  /* index in sites[] of the part that ranks first */
};

/* Those leaks of a report that have a site in it, fastest first; with another order of
 * rows than that by leaks, in the order of rank. */
struct text_leaks {
	struct text_leak *items;
	size_t n;
};

/* What to print of each; the rest is summed up. */
struct text_leak_limits {
	size_t callers, parts;
	bool brief;   /* why it is one is left out, and the blank line before each but the first */
	bool in_line; /* the callers are in a line */
};

/* 0 or -ENOMEM; then there is nothing to free. */
int text_leaks__collect(struct text_leaks *l, const struct profile *p);
void text_leaks__free(struct text_leaks *l);

/* The index of the leak that a site is a part of, or SIZE_MAX. */
size_t text_leaks__find(const struct text_leaks *l, const struct profile *p,
			const struct profile_site *s);
/* The number of lines that they take, with the blank ones. */
size_t text_leaks__lines(const struct text_leaks *l, const struct profile *p,
			 const struct text_leak_limits *limits);
/* The first `most` of them. With `limits` NULL, every part with its whole stack. 0 or -ENOMEM. */
int text_leaks__print(const struct text_leaks *l, struct text_style *ts, const struct profile *p,
		      const struct text_leak_limits *limits, size_t most);

#endif

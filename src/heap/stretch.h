/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a site's cohorts say of a stretch of time, and how much the process had to do in it. Times
 * are ticks since the site's origin. What lies in a part of a cohort is that part of it.
 */
#ifndef MEMTRACE_HEAP_STRETCH_H
#define MEMTRACE_HEAP_STRETCH_H

#include <stdbool.h>

#include "heap/activity.h"
#include "heap/cohorts.h"

/* Cohorts [first, last] as one. */
struct stretch {
	double blocks, bytes, born; /* the first two: live */
	double ticks;
	unsigned int occupied; /* cohorts with anything alive */
};

struct stretch stretch__of(const struct cohorts *c, unsigned int first, unsigned int last);
unsigned int stretch__cohort_end(const struct cohorts *c, unsigned int i);

/* Blocks born in [from, to): those that live, and all. */
double stretch__alive(const struct cohorts *c, double from, double to);
double stretch__born(const struct cohorts *c, double from, double to);
double stretch__least_since(const struct cohorts *c, double from); /* bytes that the site held */
/* Whether about the same share of the blocks survives in each third of a stretch that begins at
 * `from`, whatever there was to do. */
bool stretch__share_is_steady(const struct cohorts *c, double from, const struct stretch *s);
double stretch__seconds(const struct cohorts *c, double ticks);

/*
 * What the process had to do in the time of each cohort, besides what the site itself had: whether
 * births fell off by themselves, or only as there was less to do, is seen from the other sites.
 */
struct work {
	double in[COHORTS_MAX];
};

struct work stretch__work_of(const struct cohorts *c, const struct activity *a); /* NULL: none */

/* The work in [from, to). It is divided as births are, evenly within a cohort, so that the two are
 * as blurred as each other. */
double stretch__work(const struct cohorts *c, const struct work *w, double from, double to);

/* Later work to earlier: 1 where there is too little of both. As chance has it, rather too much
 * than too little. */
double stretch__trend(double earlier, double later);

/* When a share of the work in [from, to) was done; of the time, where there is too little work. */
double stretch__when_done(const struct cohorts *c, const struct work *w, double from, double to,
			  double share);

#endif

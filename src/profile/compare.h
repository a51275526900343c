/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compares two profiles call stack by call stack, as UMDH does: what each stack held before, what
 * it holds after, and the change. Stacks are the same if their IDs are, that is, if their code is
 * the same, whatever the process, run or host. What is in one of the two only is looked for by the
 * names of its functions in the other, since a file that was built again has other IDs. Stacks that
 * did not change are left out.
 *
 * Where one was observed for longer, what grows holds more for that alone. So what is compared
 * with `after` is then what `before` would hold after the same time: a leak goes on at its rate,
 * what is settled stays, and of what is neither, both may be: it has changed if it holds less or
 * more than either. Of what is extrapolated, COMPARE_TOLERANCE is no change. Commands that ran to
 * their end are compared as they are: each did the whole of its work.
 */
#ifndef MEMTRACE_PROFILE_COMPARE_H
#define MEMTRACE_PROFILE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/profile.h"

/* A share: of the longer time, above which two are of unequal length; and of a rate. */
#define COMPARE_TOLERANCE 0.1

struct compared_sum {
	uint64_t bytes, blocks;
};

struct compared_site {
	const struct profile_site *site;   /* as it was after; or before, if it is gone */
	const struct profile *of;	   /* the one of the two that `site` is from */
	struct compared_sum before, after; /* in all processes together */
	/* What `before` is after the time of the other, at least and at most. */
	struct compared_sum least, most;
	double rate_before, rate_after; /* of leaks and growth, bytes per second */
	bool extrapolated;		/* from growth: least and most differ from before */
	bool in_before, in_after;
	bool rebuilt;	       /* found by the names of its functions: see rebuilt.h */
	int64_t bytes, blocks; /* the change: of after, to what is nearest in that range */
};

struct comparison {
	const struct profile *before, *after;
	struct compared_sum total_before, total_after; /* of all call stacks */
	struct compared_site *sites; /* the largest growth first, the largest loss last */
	size_t nsites;
	uint64_t unchanged; /* call stacks that are left out */
	uint64_t rebuilt;   /* call stacks of files that were built again */
	bool by_rate;	    /* they are of unequal length: what grows is compared by its rate */
	/* The sum of all changes. */
	int64_t bytes, blocks;
	/* For conditions: leaks that are new or faster, with what they hold more than before,
	 * likewise growth, and all growth together; what cannot be judged on either side. */
	struct profile verdict;
};

/* Both must hold all of their sites, and outlive it. 0 or -ENOMEM. */
int compare__profiles(const struct profile *before, const struct profile *after,
		      struct comparison *out);
void compare__free(struct comparison *c);

#endif

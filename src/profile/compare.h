/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compares two profiles call stack by call stack, as UMDH does: what each stack held before, what
 * it holds after, and the change. Stacks are the same if their IDs are, that is, if their code is
 * the same, whatever the process, run or host. Stacks that did not change are left out.
 */
#ifndef MEMTRACE_PROFILE_COMPARE_H
#define MEMTRACE_PROFILE_COMPARE_H

#include <stddef.h>
#include <stdint.h>

#include "profile/profile.h"

struct compared_sum {
	uint64_t bytes, blocks;
};

struct compared_site {
	const struct profile_site *site;   /* as it was after; or before, if it is gone */
	const struct profile *of;	   /* the one of the two that `site` is from */
	struct compared_sum before, after; /* in all processes together */
	int64_t bytes, blocks;		   /* the change */
};

struct comparison {
	const struct profile *before, *after;
	struct compared_sum total_before, total_after; /* of all call stacks */
	struct compared_site *sites; /* the largest growth first, the largest loss last */
	size_t nsites;
	uint64_t unchanged; /* call stacks that are left out */
};

/* Both must hold all of their sites, and outlive it. 0 or -ENOMEM. */
int compare__profiles(const struct profile *before, const struct profile *after,
		      struct comparison *out);
void compare__free(struct comparison *c);

#endif

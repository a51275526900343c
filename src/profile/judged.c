/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * There are two ways to a verdict. By time: call stacks were watched for long enough, and those
 * without a verdict hold no more than those with one. And by the end: of a command that was traced
 * from its first instruction to its last, nothing is left. What a command leaves is not judged.
 */
#include "profile/judged.h"

#include "collect/collector.h"
#include "heap/judge.h"

enum basis { BASIS_NONE, BASIS_TIME, BASIS_END };

bool judged__all_ended(const struct profile *p)
{
	for (size_t i = 0; i < p->nprocesses; i++)
		if (!p->processes[i].exited)
			return false;
	return p->nprocesses;
}

static size_t count_named(const struct profile *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nprocesses; i++)
		n += p->processes[i].named;
	return n;
}

const struct profile_process *judged__silent_target(const struct profile *p)
{
	if (count_named(p) < 2)
		return NULL;
	for (size_t i = 0; i < p->nprocesses; i++) {
		const struct profile_process *pr = &p->processes[i];

		if (pr->named && !pr->allocs && !pr->frees && !pr->unmatched_frees)
			return pr;
	}
	return NULL;
}

uint64_t judged__unseen_bytes(const struct profile *p)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < p->nprocesses; i++)
		bytes += p->processes[i].unseen_bytes;
	return bytes;
}

/* A target that the user named stands stopped, or all that live do. */
static bool is_stopped(const struct profile *p)
{
	size_t living = 0, stopped = 0;

	for (size_t i = 0; i < p->nprocesses; i++) {
		if (p->processes[i].stopped && p->processes[i].named)
			return true;
		living += !p->processes[i].exited;
		stopped += p->processes[i].stopped;
	}
	return living && stopped == living;
}

static size_t count_traced(const struct profile *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nprocesses; i++)
		n += p->processes[i].allocs || p->processes[i].frees;
	return n;
}

/* What keeps the figures themselves from being right. */
static unsigned int blind_by(const struct profile *p, const struct profile_input *in)
{
	bool nothing = !p->allocs && !p->frees && !p->unmatched_frees;
	unsigned int reasons = 0;

	if (p->judged.lost_share > PROFILE_LOST_MAX)
		reasons |= UNJUDGED_LOST;
	if (p->limited_blocks || p->lost_stacks_by.limited)
		reasons |= UNJUDGED_LIMIT;
	if (p->unprobed)
		reasons |= UNJUDGED_UNPROBED;
	if (p->judged.missed && p->judged.missed >= count_traced(p))
		reasons |= UNJUDGED_MISSED;
	if (judged__unseen_bytes(p))
		reasons |= UNJUDGED_UNSEEN;
	if (in->snapshot->heap && (nothing || judged__silent_target(p)))
		reasons |= UNJUDGED_NOTHING;
	return reasons;
}

static double longest_seen_s(const struct profile *p)
{
	double longest = 0;

	for (size_t i = 0; i < p->nprocesses; i++)
		if (p->processes[i].seen_s > longest)
			longest = p->processes[i].seen_s;
	return longest;
}

static bool is_too_short(const struct profile *p)
{
	return longest_seen_s(p) * 1e9 < (double)JUDGE_LEAST_NS;
}

/* Here is the place for a verdict on what a command leaves: which of it is lost, and which of it
 * can still be reached. */
static enum basis basis_of(const struct profile *p)
{
	const struct profile_judged *j = &p->judged;

	if (!j->sites && !j->open_sites) {
		if (p->run->launched && judged__all_ended(p) && !p->late)
			return BASIS_END;
		return is_too_short(p) ? BASIS_NONE : BASIS_TIME;
	}
	return j->sites && j->open_bytes <= j->bytes ? BASIS_TIME : BASIS_NONE;
}

void judged__decide(struct profile *p, const struct profile_input *in)
{
	uint64_t lost = in->lost_events + p->lost_table - p->limited_blocks;
	struct profile_judged *j = &p->judged;

	j->sized = in->sized;
	j->missed = in->missed;
	j->lost_share = lost ? (double)lost / ((double)lost + (double)in->snapshot->events) : 0;
	j->reasons = blind_by(p, in);
	if (is_stopped(p))
		j->reasons |= UNJUDGED_STOPPED;
	if (!(j->reasons & UNJUDGED_NOTHING) && basis_of(p) == BASIS_NONE)
		j->reasons |= judged__all_ended(p) ? UNJUDGED_ENDED
			      : is_too_short(p)	   ? UNJUDGED_SHORT
						   : UNJUDGED_FEW;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why these thresholds: the kernel hands out anonymous memory in huge pages of 2 MiB, and fills
 * them up behind a program's back; the C library, copied pages of libraries' data and page-sized
 * caches come to another 1 or 2 MiB. Stacks of threads that were there before grow by some dozens
 * of KiB each. In a large process a tenth of its memory can move within its free lists.
 */
#include "profile/unseen.h"

#include <stdlib.h>

#include "collect/collector.h"
#include "profile/profile.h"
#include "util/array.h"

#define LEAST_BYTES (4ull << 20)
#define THREAD_BYTES (256ull << 10) /* of a thread's stack */
#define BLOCK_BYTES 32		    /* an allocator's head and rounding of a small block */

static struct first_reading *find(struct first_readings *first, uint32_t pid)
{
	for (size_t i = 0; i < first->n; i++)
		if (first->list[i].pid == pid)
			return &first->list[i];
	return NULL;
}

void unseen__note(struct first_readings *first, uint32_t pid, uint64_t first_seen,
		  uint64_t anonymous)
{
	struct first_reading *r = find(first, pid);

	if (!anonymous)
		return;
	if (!r) {
		if (array__grow(&first->list, &first->cap, first->n + 1, sizeof(*first->list)))
			return;
		r = &first->list[first->n++];
	} else if (!first_seen || !r->first_seen || r->first_seen == first_seen) {
		r->first_seen = first_seen ? first_seen : r->first_seen;
		return;
	}
	*r = (struct first_reading){ pid, first_seen, anonymous };
}

void unseen__free(struct first_readings *first)
{
	free(first->list);
	*first = (struct first_readings){ 0 };
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t seen_bytes(const struct profile_process *pr, uint64_t peak)
{
	uint64_t blocks = peak + peak / 2 + pr->live_blocks * BLOCK_BYTES;

	return larger(blocks, pr->allocator_bytes) + pr->mapped_bytes;
}

void unseen__judge(struct profile_process *pr, const struct process_row *row, uint64_t peak,
		   const struct proc_memory *now, struct first_readings *first)
{
	const struct first_reading *r;
	uint64_t seen, least;

	unseen__note(first, pr->pid, row->first_seen, now->anonymous);
	r = find(first, pr->pid);
	if (!r || now->anonymous <= r->anonymous)
		return;
	pr->anonymous_growth = now->anonymous - r->anonymous;
	seen = seen_bytes(pr, peak);
	least = larger(LEAST_BYTES, now->anonymous / 10) + now->threads * THREAD_BYTES;
	if (pr->anonymous_growth > seen && pr->anonymous_growth - seen > least)
		pr->unseen_bytes = pr->anonymous_growth - seen;
}

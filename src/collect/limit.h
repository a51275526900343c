/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps memory within opts.memory_limit. With less than three eighths of it left, ended processes
 * are folded early, and call stacks swept more often. With less than a quarter left, new call
 * stacks are not stored, and their allocations count as those of an unknown one; with less than an
 * eighth, a new block is stored only where another one left room. Both are counted.
 * The last eighth is for what grows between two looks, and for reports.
 *
 * What is stored all the same is bounded by the kernel: a process's mappings, by vm.max_map_count,
 * and the processes that live.
 */
#ifndef MEMTRACE_COLLECT_LIMIT_H
#define MEMTRACE_COLLECT_LIMIT_H

#include "collect/internal.h"

#define LIMIT_STEP (2u << 20) /* bytes of growth, estimated, between two looks */

/* Compares what is used with the limit. */
void collect_limit__check(struct collector *c);

/* A record of this size was booked: what that adds is estimated generously. */
static inline void collect_limit__booked(struct collector *c, size_t size)
{
	c->unchecked += 64 + 4 * size;
	if (c->unchecked >= LIMIT_STEP)
		collect_limit__check(c);
}

/* Whether there is room for a block. */
bool collect_limit__has_room(const struct process *p, uint64_t name);
/* A block of the process is not stored: its free is no evidence of anything. */
void collect_limit__left_out(struct process *p, const struct block *b);

#endif

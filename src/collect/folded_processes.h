/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounds what is kept of processes that ended. The last ENDED_MAX of them keep a row each. Those
 * before are folded, by program and container and then by call stack, into rows that stand for
 * many processes. Their sums stay exact; their ages stay those at the ends of the processes. Beyond
 * FOLDED_PROGRAMS_MAX programs, the rest is one row, and beyond FOLDED_SITES_MAX call stacks, what
 * other ones hold is counted without a call stack.
 */
#ifndef MEMTRACE_COLLECT_FOLDED_PROCESSES_H
#define MEMTRACE_COLLECT_FOLDED_PROCESSES_H

#include "collect/internal.h"

/* A process has ended for good: its sites hold what reports need (ended_processes.h). */
void folded_processes__ended(struct collector *c);
/* Folds the oldest ones where there are more than `max`. Indexes of processes change. */
void folded_processes__bound(struct collector *c, uint32_t max);

/* Makes an ended process a row that stands for so many, from a saved state. 0 or -ENOMEM. */
int folded_processes__restore(struct process *row, uint64_t folds);

/* The process ID of such a row while it is being restored. */
#define FOLDED_PID UINT32_MAX

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is kept of processes that ended. The next committed query still reports all their sites;
 * after that only those are kept that hold anything, or did at the mark, with the verdict on them
 * in place of their cohorts. The rest goes into sums, so that a host may start thousands of
 * processes.
 */
#ifndef MEMTRACE_COLLECT_ENDED_PROCESSES_H
#define MEMTRACE_COLLECT_ENDED_PROCESSES_H

#include "collect/internal.h"

/* A process has ended: its sites are folded at the next committed query, or when many processes
 * wait for that. */
void ended_processes__add(struct process *p);
bool ended_processes__is_pending(const struct process *p);
void ended_processes__fold_all(struct collector *c);

#endif

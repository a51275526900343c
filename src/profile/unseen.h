/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much the memory of a process grew while it was traced without any probe having seen it:
 * system calls of its own that are not followed, allocators that are not known, memory that it had
 * mapped before and touches only now. Such growth may be a leak, so its process is not judged.
 *
 * What counts is anonymous memory, resident or swapped out, without the main thread's stack: pages
 * of files come and go. Estimated against memtrace, never for it: everything that was allocated at
 * the same time since the start counts as seen, with half as much for the allocator.
 */
#ifndef MEMTRACE_PROFILE_UNSEEN_H
#define MEMTRACE_PROFILE_UNSEEN_H

#include <stddef.h>
#include <stdint.h>

#include "util/proc.h"

struct process_row;
struct profile_process;

struct first_reading {
	uint32_t pid;
	uint64_t first_seen; /* of the process; 0: not known yet */
	uint64_t anonymous;
};

/* The first reading of each process. Zeroed: none. */
struct first_readings {
	struct first_reading *list;
	size_t n, cap;
};

/* Keeps a reading if it is the first of this process. Out of memory, it is not kept. */
void unseen__note(struct first_readings *first, uint32_t pid, uint64_t first_seen,
		  uint64_t anonymous);
void unseen__free(struct first_readings *first);

/*
 * Fills in anonymous_growth and unseen_bytes of a process, and keeps the reading if it is the
 * first. `peak` is the most that was ever live in blocks, in all processes together.
 */
void unseen__judge(struct profile_process *pr, const struct process_row *row, uint64_t peak,
		   const struct proc_memory *now, struct first_readings *first);

#endif

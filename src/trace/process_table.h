/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of traced processes, shared with the BPF programs: a slot chosen by the low bits of the
 * process ID, and a hash map for those whose slot belongs to another process. The BPF side sets
 * flags at any time, so flags are changed bit by bit, never stored.
 */
#ifndef MEMTRACE_TRACE_PROCESS_TABLE_H
#define MEMTRACE_TRACE_PROCESS_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/shared.h"

struct process_table {
	struct traced *slots; /* PROCESS_SLOTS of them */
	int overflow_fd;      /* the hash map of the others */
	uint32_t *overflowed; /* set once a process lives there, and never cleared */
};

/* Any thread may look up; all other calls belong to the tracer's thread. Returns 0, -ENOENT where
 * the process is not traced, or another negative errno. */
int process_table__find(const struct process_table *pt, pid_t pid, struct traced *out);
/* A process that is already traced keeps its flags and gets these too. */
int process_table__add(struct process_table *pt, pid_t pid, uint32_t flags);
/* Clears some flags, then sets some. In the hash map, a flag that the BPF side sets at the very
 * same moment may be lost: no system call updates an element in place. */
int process_table__change_flags(struct process_table *pt, pid_t pid, uint32_t set, uint32_t clear);
int process_table__remove(struct process_table *pt, pid_t pid);

#endif

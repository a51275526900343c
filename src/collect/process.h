/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The collector's processes: how they are found, begin, fork, exec and end, and how their stacks
 * find the files that they lie in.
 */
#ifndef MEMTRACE_COLLECT_PROCESS_H
#define MEMTRACE_COLLECT_PROCESS_H

#include "collect/internal.h"

/* A living process; NULL where it is not known, and for the second where there is no memory. */
struct process *collect_process__find(struct collector *c, uint32_t pid);
struct process *collect_process__get(struct collector *c, uint32_t pid, uint64_t now);
void collect_process__free(struct process *p);
/* How many processes the row stands for: one, or all that were folded into it. */
static inline uint64_t collect_process__stands_for(const struct process *p)
{
	return p->folds ? p->folds : 1;
}

/* The rest returns 0 or a negative errno. */

int collect_process__add_named(struct collector *c, uint32_t pid); /* a target */
int collect_process__set(struct collector *c, const struct process_facts *f);
int collect_process__read(struct process *p); /* comm, exe and mappings, from /proc */
int collect_process__read_mappings(struct process *p);
/* Returns whether the mappings may be read now: not too often, and not for too long in all. */
bool collect_process__may_read(const struct process *p);
/* Passes what is known of it to the observer. */
void collect_process__notify(const struct process *p);
/* Takes over mappings that were read by others, beginning at a time. */
void collect_process__set_mappings(struct process *p, struct mappings *maps, uint64_t began);

int collect_process__fork(struct collector *c, const struct event_fork *ev);
int collect_process__exec(struct collector *c, const struct event_exec *ev);
int collect_process__map_code(struct process *p, const struct event_code *ev);
int collect_process__add_event_stack(struct process *p, const struct event_stack *ev);
int collect_process__add_stack(struct process *p, uint64_t time, const struct stack *st);
/* Forgets the oldest n of its IDs of stacks that are stored under others. */
void collect_process__forget_aliases(struct process *p, size_t n);

void collect_process__exit(struct process *p, uint64_t now);
/* The part of it that comes once what it left was measured. */
void collect_process__retire(struct process *p, uint64_t now);

/* The mapping of a shared memory segment: fills in its length, if that is known. */
void collect_process__complete_segment(struct collector *c, struct event_map *ev);

#endif

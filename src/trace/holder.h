/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holds threads of traced processes by ptrace until their new code is probed. Two threads of its
 * own, the catchers, seize the threads that ask, so that they stop before their next instruction,
 * and detach when the hold ends. However this process ends, the kernel releases them. A parent that
 * waits for them, such as a shell with job control, sees nothing of it. A thread that is already
 * being debugged cannot be held.
 */
#ifndef MEMTRACE_TRACE_HOLDER_H
#define MEMTRACE_TRACE_HOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct hold_request;
struct holder;

struct holder_ops {
	int fd;			/* readable when there are requests */
	int (*take)(void *ctx); /* makes holder__request be called for each */
	/* held: the thread is stopped. Not held: it cannot be stopped, and need not wait. */
	void (*grant)(void *ctx, uint64_t number, bool held);
	/* A catcher (below HOLD_CATCHERS) now runs on that CPU. */
	void (*settled)(void *ctx, unsigned int catcher, int cpu);
	void *ctx;
};

/* Returns NULL and sets errno on failure. */
struct holder *holder__new(void);
/* Starts its threads. Returns 0 or a negative errno. */
int holder__start(struct holder *h, const struct holder_ops *ops);
/* Ends its threads and every hold. */
void holder__stop(struct holder *h);
void holder__free(struct holder *h); /* stops it first */

/*
 * Counts the threads that were stopped before they executed another instruction, and those that
 * were not, though they asked. Any thread may call it.
 */
void holder__count(struct holder *h, uint64_t *held, uint64_t *missed);

/* Names a child of ours, whose end is left to the thread that waits for it. */
void holder__spare(struct holder *h, pid_t child);

/* To be called from ops.take only. */
void holder__request(void *holder, const struct hold_request *r);
/* Ends a hold, or one that has not begun yet. Any thread may call it. */
void holder__release(struct holder *h, uint64_t number);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holds threads of traced processes until their new code is probed, by ptrace. Two threads of its
 * own, the catchers, seize those that ask, so that they stop before their next instruction, and
 * detach when the hold ends. The kernel lets them go by itself should this process end in any way.
 * A parent that waits for them, a shell's job control included, sees nothing of it. A thread that
 * is being debugged already cannot be held.
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
	/* The thread cannot run on; or, not held: it cannot be stopped, and need not wait. */
	void (*grant)(void *ctx, uint64_t number, bool held);
	/* A catcher (below HOLD_CATCHERS) is on that CPU from now on. */
	void (*settled)(void *ctx, unsigned int catcher, int cpu);
	void *ctx;
};

/* NULL and errno. */
struct holder *holder__new(void);
/* Starts its threads. 0 or a negative errno. */
int holder__start(struct holder *h, const struct holder_ops *ops);
/* Ends its threads, and every hold. */
void holder__stop(struct holder *h);
void holder__free(struct holder *h); /* the same */

/*
 * How many threads were stopped before they executed another instruction, and how many not, though
 * they asked. Any thread.
 */
void holder__count(struct holder *h, uint64_t *held, uint64_t *missed);

/* A child of ours: its end is left to the thread that waits for it. */
void holder__spare(struct holder *h, pid_t child);

/* From ops.take only. */
void holder__request(void *holder, const struct hold_request *r);
/* Ends a hold, or one that is yet to begin. Any thread. */
void holder__release(struct holder *h, uint64_t number);

#endif

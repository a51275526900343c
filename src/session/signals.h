/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives signals in a thread of its own, so that the run can be ended whatever the other threads
 * are waiting for. The first signal that asks for the end is passed on like all others; another one
 * ends the process at once, without a report. Probes vanish with their descriptors.
 */
#ifndef MEMTRACE_SESSION_SIGNALS_H
#define MEMTRACE_SESSION_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/types.h>

struct signals;

/* Blocks the signals, for the threads to come too; *before: the mask until then. NULL and errno. */
struct signals *session_signals__open(sigset_t *before);
void session_signals__free(struct signals *sg);

int session_signals__fd(const struct signals *sg); /* readable when signals have come */
bool session_signals__next(struct signals *sg, struct signalfd_siginfo *si);

/* Called before the process is ended at once, from the thread of the signals. Any thread may set
 * it, before there is something to clean up. */
void session_signals__cleanup(struct signals *sg, void (*fn)(void *ctx), void *ctx);

/* Until a command has ended, signals are for it to decide on: they do not end memtrace at once. */
void session_signals__command(struct signals *sg, pid_t pid);
/* The end was asked for: another signal ends the process. */
void session_signals__ending(struct signals *sg);
/* Returns whether the end was asked for. Any thread may call it. */
bool session_signals__asked(const struct signals *sg);

/*
 * Ends the process with an error once `deadline` (ns, CLOCK_MONOTONIC) has passed, because
 * something that it waits for does not answer; UINT64_MAX: never, and replaces any earlier
 * deadline. A request for the end sets one of SESSION_END_PATIENCE_NS, unless one is nearer.
 */
void session_signals__expect_end(struct signals *sg, uint64_t deadline);

#define SESSION_END_PATIENCE_NS 30000000000ull

#endif

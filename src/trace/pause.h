/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stops all threads of processes for a moment, by ptrace, so that nobody else sees it. The kernel
 * lets them go if this process ends.
 */
#ifndef MEMTRACE_TRACE_PAUSE_H
#define MEMTRACE_TRACE_PAUSE_H

#include <stddef.h>
#include <sys/types.h>

struct pause;

/* Returns once they have stopped, or have not within a second. NULL and errno on failure. */
struct pause *pause__begin(const pid_t *pids, size_t n);
void pause__end(struct pause *p); /* NULL: ignored */

#endif

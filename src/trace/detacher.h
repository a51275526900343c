/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removes probes in threads of its own: the end of a link waits until no CPU runs its programs,
 * some 20 ms, and nothing else has to wait for that. Part of the tracer; its functions belong to
 * the tracer's thread.
 */
#ifndef MEMTRACE_TRACE_DETACHER_H
#define MEMTRACE_TRACE_DETACHER_H

#include <stdint.h>
#include <sys/types.h>

struct attachment;
struct detacher;

struct detacher *detacher__new(void); /* NULL and errno */
/* Waits until all is removed. Takes NULL. */
void detacher__free(struct detacher *d);

/* Takes over an attachment and removes it soon; at once where too many wait already, or without a
 * detacher. */
void detacher__add(struct detacher *d, const struct attachment *a);
/* Waits until none is left in a file, for one process or all (pid 0): otherwise new probes there
 * would hit twice. */
void detacher__await(struct detacher *d, uint32_t module, pid_t pid);
void detacher__flush(struct detacher *d); /* waits until none is left at all */

#endif

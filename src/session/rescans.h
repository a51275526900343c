/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides when the mappings of a process are looked at again. A look that began after an event
 * covers it; too many looks at one process are postponed, so that a process that keeps mapping code
 * cannot keep the session from the others, nor from its end. Belongs to the main thread; times are
 * ns, CLOCK_MONOTONIC.
 */
#ifndef MEMTRACE_SESSION_RESCANS_H
#define MEMTRACE_SESSION_RESCANS_H

#include <stdbool.h>
#include <stdint.h>

struct rescans;

struct rescans *rescans__new(void); /* NULL and errno */
void rescans__free(struct rescans *rs);

/* Returns whether a look began after the event. */
bool rescans__covers(const struct rescans *rs, uint32_t pid, uint64_t event);
/* Returns whether the process may be looked at now; if not, rescans__due will name it in time. */
bool rescans__may(struct rescans *rs, uint32_t pid, uint64_t now);
/* The process was looked at. */
void rescans__took(struct rescans *rs, uint32_t pid, uint64_t began, uint64_t ended);
/* It has ended, or runs another program. */
void rescans__forget(struct rescans *rs, uint32_t pid);

/* Takes a process whose postponed look is due; 0: none. */
uint32_t rescans__due(struct rescans *rs, uint64_t now);
/* Returns when the next one will be due; UINT64_MAX: none is postponed. */
uint64_t rescans__next(const struct rescans *rs);

#endif

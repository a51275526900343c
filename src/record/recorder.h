/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records a live session: everything that the collector passes to its observer, and what reports
 * need besides: the names of all code in call stacks, the files behind mappings, and what each
 * report asked the system.
 *
 * The observer, recorder__run, recorder__tick and recorder__mark are called with the collector's
 * lock held. The rest is called by the reporter's thread, without the lock.
 */
#ifndef MEMTRACE_RECORD_RECORDER_H
#define MEMTRACE_RECORD_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/collector.h"
#include "profile/profile.h"
#include "run/reporting.h"

struct recorder;

/* The session's objects, and how its collector is locked; all outlive the recorder. */
struct recorder_opts {
	const struct plan *plan;
	struct modules *modules;
	const char *const *api_names;
	void (*lock)(void *ctx);
	void (*unlock)(void *ctx);
	void *ctx;
};

extern const struct collector_observer recorder__observer; /* its context is the recorder */

/* NULL where it cannot begin; the reason is logged. */
struct recorder *recorder__open(const struct recorder_opts *opts);
/* Once the collector exists. */
void recorder__attach(struct recorder *rec, struct collector *c, struct symbolizer *s);
void recorder__free(struct recorder *rec); /* removes the file of a run that did not begin */

/*
 * Records what is the same for all reports: called before the collector gets its first event, and
 * again when the targets are known. start: ns, CLOCK_MONOTONIC; wall: CLOCK_REALTIME then.
 */
void recorder__run(struct recorder *rec, const struct profile_run *run, uint64_t start,
		   uint64_t wall);
void recorder__tick(struct recorder *rec, const struct report_tick *tick);
void recorder__mark(struct recorder *rec, uint64_t now);

/* To be called as often as there is time: once a second it looks up the names of what is new and
 * flushes all to the file, and it makes room when the file is full. 0, or the negative errno of the
 * first failure to write. */
int recorder__maintain(struct recorder *rec);
/* After a tick, before its report is printed: looks up all names again, and the resident memory and
 * the state of the processes. */
void recorder__end_report(struct recorder *rec, const struct report_tick *tick,
			  const struct snapshot *snap);
/* What it found then; 0, false and NULL: nothing. */
uint64_t recorder__rss(const struct recorder *rec, uint32_t pid);
bool recorder__is_stopped(const struct recorder *rec, uint32_t pid);
const char *recorder__mapped_file(const struct recorder *rec, uint32_t pid, uint64_t addr);

/* Ends the file. 0 or a negative errno; the file's size, or the reason, is logged. */
int recorder__close(struct recorder *rec);

#endif

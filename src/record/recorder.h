/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records a live session: everything that the collector passes to its observer, and what reports
 * also need: the names of all code in call stacks, the files behind mappings, and what each report
 * asked the system.
 *
 * The observer, recorder__run, recorder__tick and recorder__mark are called with the collector's
 * lock held. The reporter's thread calls the rest, without the lock.
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

/* Returns NULL if it cannot start; the reason is logged. */
struct recorder *recorder__open(const struct recorder_opts *opts);
/* To be called once the collector exists. */
void recorder__attach(struct recorder *rec, struct collector *c, struct symbolizer *s);
void recorder__free(struct recorder *rec); /* removes the file of a run that did not start */

/*
 * Records what all reports have in common: called before the collector gets its first event, and
 * again when the targets are known. start: ns, CLOCK_MONOTONIC; wall: CLOCK_REALTIME at that time.
 */
void recorder__run(struct recorder *rec, const struct profile_run *run, uint64_t start,
		   uint64_t wall);
/* Reads the memory of the processes that are traced from the start. */
void recorder__start(struct recorder *rec, const struct snapshot *snap);
void recorder__tick(struct recorder *rec, const struct report_tick *tick);
void recorder__mark(struct recorder *rec, uint64_t now);

/*
 * To be called often: once a second it looks up new names and flushes everything to the file; it
 * also makes room when the file is full. Returns 0, or the negative errno of the first failure to
 * write.
 */
int recorder__maintain(struct recorder *rec);
/* To be called after a tick, before its report is printed: looks up all names again, and the
 * resident memory and state of the processes. */
void recorder__end_report(struct recorder *rec, const struct report_tick *tick,
			  const struct snapshot *snap);
/* What recorder__end_report found; 0, false and NULL: nothing. */
uint64_t recorder__rss(const struct recorder *rec, uint32_t pid);
bool recorder__is_stopped(const struct recorder *rec, uint32_t pid);
struct proc_memory recorder__memory(const struct recorder *rec, uint32_t pid);
const char *recorder__mapped_file(const struct recorder *rec, uint32_t pid, uint64_t addr);

/* Ends the file. Returns 0 or a negative errno; the file's size, or the reason, is logged. */
int recorder__close(struct recorder *rec);

#endif

/*
 * Keeps a live session in a recording: is the collector's witness, and adds what reports need
 * besides: the names of all code that stacks lie in, the files behind mappings, and what each
 * report asked the system.
 *
 * The witness, recorder__run, recorder__tick and recorder__mark are for whoever holds the
 * collector's lock. The rest is the reporter's thread's, without the lock.
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

/* Where the session's objects are, and how its collector is locked; all outlive the recorder. */
struct recorder_opts {
	const struct plan *plan;
	struct modules *modules;
	const char *const *api_names;
	void (*lock)(void *ctx);
	void (*unlock)(void *ctx);
	void *ctx;
};

extern const struct collector_witness recorder__witness; /* its context is the recorder */

/* NULL where it cannot begin; the reason was logged. */
struct recorder *recorder__open(const struct recorder_opts *opts);
/* What came with the collector, once. */
void recorder__attach(struct recorder *rec, struct collector *c, struct symbolizer *s);
void recorder__free(struct recorder *rec); /* removes the file of a run that did not begin */

/*
 * What is the same for all reports: before the collector is told anything, and again when the
 * targets are known. `wall`: CLOCK_REALTIME when the run began.
 */
void recorder__run(struct recorder *rec, const struct profile_run *run, uint64_t start,
		   uint64_t wall);
void recorder__tick(struct recorder *rec, const struct report_tick *tick);
void recorder__mark(struct recorder *rec, uint64_t now);

/* As often as there is time: once a second, it names what is new and lets it all go to the file;
 * and it makes room when the file is full. 0, or what went wrong. */
int recorder__maintain(struct recorder *rec);
/* After a tick, before its report is printed: looks at all names again, and at the processes. */
void recorder__end_report(struct recorder *rec, const struct report_tick *tick,
			  const struct snapshot *snap);
/* What it found then. */
uint64_t recorder__rss(const struct recorder *rec, uint32_t pid);
const char *recorder__mapped_file(const struct recorder *rec, uint32_t pid, uint64_t addr);

/* Ends the file. 0 or a negative errno; what was recorded, or the reason, was logged. */
int recorder__close(struct recorder *rec);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the replay's files. */
#ifndef MEMTRACE_RECORD_REPLAY_INTERNAL_H
#define MEMTRACE_RECORD_REPLAY_INTERNAL_H

#include "probe/alloc_functions.h"
#include "record/reader.h"
#include "record/replay.h"
#include "run/reporting.h"

struct hashmap;
struct strtab;

struct replay {
	const struct plan *given;
	struct plan plan; /* limited to what the recording has */
	const char *path;
	struct record_reader *reader;
	struct modules *modules;
	struct symbolizer *symbolizer;
	struct collector *collector; /* NULL until the run's record was read */
	struct reporting reports;
	struct strtab *strings;
	const char *api_names[API_ROWS];
	struct hashmap *mapped; /* paths, by process and address */

	struct record_run recorded;
	struct profile_run run;
	struct profile_process *targets;
	struct record_rss rss;
	struct record_compacted compacted;
	bool in_state;	 /* no event so far */
	uint64_t latest; /* ns: of events and ticks */
	uint64_t events;

	struct report_tick tick; /* the last one */
	struct snapshot snap;	 /* its snapshot, until it is printed */
	bool pending;
	bool ended;	/* a final report was made */
	bool unwritten; /* making or printing a report failed */
	bool keep;	/* the final report is kept instead of printed */
	struct profile *profile;
	char notice[256];
};

/* Handles records of one kind; NULL for events. Returns 0 or a negative errno; -EINVAL: damaged. */
struct replay_taker {
	int (*take)(struct replay *rp, struct cursor *c);
	bool early; /* may precede the run's record */
};

/* By kind (replay_records.c). */
extern const struct replay_taker replay__takers[RECORD_KINDS];

uint64_t replay__step(const struct replay *rp); /* one report is made for this many recorded ones */

/* The kinds that make reports (replay.c). */
int replay__take_tick(struct replay *rp, struct cursor *c);
int replay__take_rss(struct replay *rp, struct cursor *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a recording. Data is copied into buffers; the writer's own thread packs, deflates and
 * writes them, so that the thread that empties the ring buffer spends no time on that. The number
 * of buffers is limited: if the disk cannot keep up, the caller waits, and what the ring buffer
 * loses meanwhile is counted there as usual. Before that happens, deflating is skipped.
 *
 * One caller at a time: the thread that holds the collector's lock. The first failure to write is
 * kept (record_writer__error), and later data is thrown away.
 *
 * A recording that nears its limit starts a second file with a state, which stands for everything
 * before it; from then on both are written, and once the first is full, the second replaces it. So
 * at least the last half of what fits is kept. Both together may take one and a half times the
 * limit.
 */
#ifndef MEMTRACE_RECORD_WRITER_H
#define MEMTRACE_RECORD_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/records.h"
#include "util/strbuf.h"

#define RECORDING_LIMIT_MIN (1ull << 20)

struct record_writer;

/* limit: maximum bytes of the file; 0: no limit. An existing file is replaced. Returns NULL and
 * sets errno on failure. */
struct record_writer *record_writer__create(const char *path, uint64_t limit);
/*
 * Writes all pending data, and the end. Returns 0, or the negative errno of the first failure:
 * -E2BIG if the state takes more than half of the limit, so that nothing can be left out.
 */
int record_writer__close(struct record_writer *r);
/* Takes NULL. Without close, the file ends as if cut off. */
void record_writer__free(struct record_writer *r);

void record_writer__event(struct record_writer *r, const void *ev, size_t size);
void record_writer__put(struct record_writer *r, enum record_kind kind, const struct strbuf *bytes);
/* Asks for all pending data to be written soon. */
void record_writer__flush(struct record_writer *r);

/* Returns whether a state is wanted. If so, with nothing else put in between: begin, any number of
 * records, end. */
bool record_writer__wants_state(const struct record_writer *r);
void record_writer__begin_state(struct record_writer *r);
void record_writer__put_state(struct record_writer *r, enum record_kind kind,
			      const struct strbuf *bytes);
void record_writer__end_state(struct record_writer *r);

int record_writer__error(const struct record_writer *r); /* 0 or a negative errno; any thread */

struct record_writer_stats {
	uint64_t events;	   /* packed so far */
	uint64_t bytes;		   /* in the file */
	uint64_t waits, waited_ns; /* how often the caller had to wait */
	uint64_t plain_chunks;	   /* not deflated for lack of time */
	uint64_t compactions;
};

void record_writer__stats(struct record_writer *r, struct record_writer_stats *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a recording from any source: all of it is checked before the first record is returned, and
 * nothing in it is trusted. A file that ends in the middle of a chunk was cut off, which is not an
 * error: what comes before is intact.
 */
#ifndef MEMTRACE_RECORD_READER_H
#define MEMTRACE_RECORD_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/event_codec.h"
#include "record/records.h"

struct record_reader;

/*
 * On failure returns NULL, sets errno, and writes one clause of explanation to `why`: ENOMSG if it
 * is not a recording, ENOTSUP if of an unknown version, EBADMSG if damaged, ENODATA if cut off
 * before there was anything to use, or the errno of opening or reading the file.
 */
struct record_reader *record_reader__open(const char *path, char *why, size_t cap);
void record_reader__free(struct record_reader *r); /* takes NULL */

/* Returns how many bytes at its end cannot be used, if it was cut off. */
uint64_t record_reader__unusable(const struct record_reader *r);
bool record_reader__compacted(const struct record_reader *r); /* it begins with a state */

struct record {
	enum record_kind kind; /* RECORD_KINDS: one of a later version, to be skipped */
	void *event;	       /* of RECORD_EVENT; like everything here, valid until the next
				* call */
	size_t size;
	struct cursor bytes; /* of all other kinds */
};

/* Reads the records in order, a state first. Returns 1; 0 at the end; -EBADMSG if this one is
 * damaged and nothing after it can be read; or -ENOMEM. */
int record_reader__next(struct record_reader *r, struct record *out);

/* ---- for tests ---- */

bool record_reader__complete(const struct record_reader *r); /* it was ended, not cut off */

#endif

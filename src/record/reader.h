/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a recording, wherever it comes from: all of it is checked before the first record is handed
 * out, and nothing in it is trusted. A file that ends in the middle of a chunk was cut off, which
 * is not an error: what came before is all there.
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
 * On failure NULL, errno, and one clause of explanation in `why`: ENOMSG for what is not a
 * recording, ENOTSUP for one of an unknown version, EBADMSG for a damaged one, ENODATA for one that
 * was cut off before anything could be made of it, or the errno of opening or reading the file.
 */
struct record_reader *record_reader__open(const char *path, char *why, size_t cap);
void record_reader__free(struct record_reader *r); /* takes NULL */

/* Bytes at its end that cannot be used, where it was cut off. */
uint64_t record_reader__unusable(const struct record_reader *r);
bool record_reader__compacted(const struct record_reader *r); /* it begins with a state */

struct record {
	enum record_kind kind; /* RECORD_KINDS: one of a later version, to be skipped */
	void *event;	       /* of RECORD_EVENT; valid until the next call, as are all */
	size_t size;
	struct cursor bytes; /* of all others */
};

/* In order, a state first. 1; 0 at the end; -EBADMSG: this one is damaged, and nothing after it can
 * be read; -ENOMEM. */
int record_reader__next(struct record_reader *r, struct record *out);

/* ---- for tests ---- */

bool record_reader__complete(const struct record_reader *r); /* it was ended, not cut off */

#endif

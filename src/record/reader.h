/*
 * Reads a recording, from wherever it comes: all of it is checked before the first record is handed
 * out, and nothing in it is trusted. A file that ends in the middle of a chunk was cut off, which
 * is no error: what came before is all there.
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
 * On failure NULL, errno, and one clause of explanation in `why`: -ENOMSG for what is no recording,
 * -ENOTSUP for one of a version that is not known, -EBADMSG for a damaged one, -ENODATA for one
 * that was cut off before anything could be made of it, or what opening and reading may say.
 */
struct record_reader *record_reader__open(const char *path, char *why, size_t cap);
void record_reader__free(struct record_reader *r); /* takes NULL */

bool record_reader__complete(const struct record_reader *r); /* it was ended, not cut off */
uint64_t
record_reader__unusable(const struct record_reader *r); /* bytes at its end, where it was cut */
bool record_reader__compacted(const struct record_reader *r); /* it begins with a state */

struct record {
	enum record_kind kind; /* one of enum record_kind, or a later one: to be skipped */
	const void *event;     /* of RECORD_EVENT; valid until the next call, as all here */
	size_t size;
	struct cursor bytes; /* of all others */
};

/* In order, a state first. 1; 0 at the end; -EBADMSG: this one is bad, and there is no next;
 * -ENOMEM. */
int record_reader__next(struct record_reader *r, struct record *out);

/* The same from a chunk's bytes alone, for tests. They are copied. NULL and errno. */
struct record_reader *record_reader__of_bytes(const void *bytes, size_t n);

#endif

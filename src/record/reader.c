/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/chunk.h"
#include "util/array.h"
#include "util/file.h"

struct record_reader {
	int fd;
	uint64_t size, usable; /* bytes of the file, and those of whole chunks */
	bool complete, compacted;

	uint64_t at;		 /* the next chunk */
	bool in_state;		 /* first only state is read, then everything else */
	uint8_t *stored, *bytes; /* the chunk */
	size_t stored_cap, bytes_cap;
	struct cursor left; /* of it */
	struct event_context context;
	union packed_event event;
	struct {
		_Alignas(8) uint8_t bytes[sizeof(struct event_stack)];
	} raw; /* an event that was not packed */
};

static int explain(char *why, size_t cap, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, cap, fmt, ap);
	va_end(ap);
	return err;
}

/* Reads exactly `len` bytes; -EIO if there are fewer: the file became shorter meanwhile. */
static int read_at(struct record_reader *r, uint64_t at, void *to, size_t len)
{
	char *p = to;

	while (len) {
		ssize_t n = pread(r->fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- opening: everything is checked once ---- */

/*
 * Loads the chunk at r->at into r->stored. Returns 1; 0 if the file ends before the chunk does; or
 * a negative errno. What was written last before a power failure may be zeros: it counts as
 * missing.
 */
static int load_chunk(struct record_reader *r, struct chunk *ch)
{
	static const uint8_t zeros[CHUNK_HEAD];
	uint8_t head[CHUNK_HEAD];
	uint64_t left = r->size - r->at;
	int err;

	if (left < CHUNK_HEAD)
		return 0;
	err = read_at(r, r->at, head, sizeof(head));
	if (err)
		return err;
	if (!memcmp(head, zeros, sizeof(head)))
		return 0;
	err = chunk__parse(head, ch);
	if (err)
		return err;
	if (ch->stored > left - CHUNK_HEAD)
		return 0;
	err = array__grow(&r->stored, &r->stored_cap, ch->stored, 1);
	if (!err)
		err = read_at(r, r->at + CHUNK_HEAD, r->stored, ch->stored);
	if (!err && !chunk__intact(head, r->stored, ch))
		err = -EBADMSG;
	r->at += CHUNK_HEAD + (uint64_t)ch->stored;
	return err ? err : 1;
}

static int check_chunks(struct record_reader *r, char *why, size_t cap)
{
	bool state_ended = false;
	struct chunk ch;
	int more;

	r->at = RECORDING_HEAD;
	r->usable = r->at;
	while ((more = load_chunk(r, &ch)) > 0) {
		r->usable = r->at;
		r->compacted |= ch.type == CHUNK_STATE;
		state_ended |= ch.type == CHUNK_STATE_END;
		r->complete = ch.type == CHUNK_END;
	}
	if (more == -EBADMSG)
		return explain(why, cap, more, "it is damaged after its first %llu bytes",
			       (unsigned long long)r->usable);
	if (more < 0)
		return explain(why, cap, more, "%s", strerror(-more));
	if (r->compacted && !state_ended)
		return explain(why, cap, -ENODATA, "it was cut off before its head was complete");
	return 0;
}

static int check_file(struct record_reader *r, char *why, size_t cap)
{
	uint8_t head[RECORDING_HEAD], ours[RECORDING_HEAD];
	uint32_t version = 0;
	size_t n = r->size < sizeof(head) ? (size_t)r->size : sizeof(head);
	int err = read_at(r, 0, head, n);

	if (err)
		return explain(why, cap, err, "%s", strerror(-err));
	chunk__file_head(ours);
	if (n < sizeof(head) && !memcmp(head, ours, n))
		return explain(why, cap, -ENODATA, "it was cut off before anything was recorded");
	err = n < sizeof(head) ? -ENOMSG : chunk__check_file_head(head, &version);
	if (err == -ENOMSG)
		return explain(why, cap, err, "it is not a memtrace recording");
	if (err == -EBADMSG)
		return explain(why, cap, err, "it is damaged in its first %d bytes",
			       RECORDING_HEAD);
	if (err)
		return explain(why, cap, err,
			       "it is of version %u, and this memtrace knows version %d: use %s",
			       version, RECORDING_VERSION,
			       version > RECORDING_VERSION ? "a newer one"
							   : "the one that made it");
	return check_chunks(r, why, cap);
}

static void rewind_reader(struct record_reader *r)
{
	r->at = RECORDING_HEAD;
	r->left = (struct cursor){ NULL, NULL, false };
}

struct record_reader *record_reader__open(const char *path, char *why, size_t cap)
{
	struct record_reader *r = calloc(1, sizeof(*r));
	struct stat st;
	int err;

	if (!r) {
		explain(why, cap, 0, "out of memory");
		return NULL;
	}
	r->fd = file__open_regular(path, 0, &st);
	if (r->fd < 0) {
		err = explain(why, cap, r->fd, "%s",
			      r->fd == -EACCES && !access(path, R_OK) ? "it is not a regular file"
								      : strerror(-r->fd));
	} else {
		r->size = (uint64_t)st.st_size;
		err = check_file(r, why, cap);
	}
	if (err) {
		record_reader__free(r);
		errno = -err;
		return NULL;
	}
	r->in_state = r->compacted;
	rewind_reader(r);
	return r;
}

void record_reader__free(struct record_reader *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	free(r->stored);
	free(r->bytes);
	free(r);
}

bool record_reader__complete(const struct record_reader *r)
{
	return r->complete;
}

uint64_t record_reader__unusable(const struct record_reader *r)
{
	return r->size - r->usable;
}

bool record_reader__compacted(const struct record_reader *r)
{
	return r->compacted;
}

/* ---- reading ---- */

/* Gets the bytes of the next chunk to read. Returns 1, 0 at the end, or a negative errno. */
static int next_chunk(struct record_reader *r)
{
	struct chunk ch;
	int more;

	for (;;) {
		more = r->at < r->usable ? load_chunk(r, &ch) : 0;
		if (more < 0)
			return more;
		if (!more || ch.type == CHUNK_END || (r->in_state && ch.type == CHUNK_STATE_END)) {
			if (!r->in_state)
				return 0;
			r->in_state = false;
			rewind_reader(r);
		} else if (ch.type == (r->in_state ? CHUNK_STATE : CHUNK_EVENTS)) {
			break;
		}
	}
	more = array__grow(&r->bytes, &r->bytes_cap, (size_t)ch.bytes + 1, 1);
	if (!more)
		more = chunk__inflate(&ch, r->stored, r->bytes);
	if (more)
		return more;
	r->left = (struct cursor){ r->bytes, r->bytes + ch.bytes, false };
	memset(&r->context, 0, sizeof(r->context));
	return 1;
}

static int read_record(struct record_reader *r, struct record *out)
{
	uint64_t kind, len;
	const void *bytes;

	cursor__take(&r->left, 1);
	kind = codec__take(&r->left);
	len = codec__take(&r->left);
	bytes = cursor__take(&r->left, (size_t)len);
	if (!bytes)
		return -EBADMSG;
	out->kind = kind < RECORD_KINDS ? (enum record_kind)kind : RECORD_KINDS;
	out->bytes = (struct cursor){ bytes, (const uint8_t *)bytes + len, false };
	if (kind != RECORD_EVENT)
		return 1;
	/* An event larger than any known one is of a later version, and the collector would reject
	 * it. */
	out->size = len < sizeof(r->raw.bytes) ? (size_t)len : sizeof(r->raw.bytes);
	memcpy(r->raw.bytes, bytes, out->size);
	out->event = r->raw.bytes;
	return 1;
}

int record_reader__next(struct record_reader *r, struct record *out)
{
	int more;

	*out = (struct record){ .kind = RECORD_EVENT };
	while (!cursor__left(&r->left)) {
		more = next_chunk(r);
		if (more <= 0)
			return more;
	}
	if (*r->left.p == EVENT_PACKED_NONE)
		return read_record(r, out);
	out->event = &r->event;
	out->size = event_codec__unpack(&r->context, &r->left, &r->event);
	return out->size ? 1 : -EBADMSG;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the writer's thread: takes buffers in turn, packs their contents, writes, hands them
 * back. */
#include "record/writer_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

#define CHUNK_BYTES (256u << 10) /* a chunk of this size is complete */

static int pack_entry(struct record_writer *r, const struct writer_entry *e)
{
	size_t n = 0;
	int err =
	    array__grow(&r->chunk, &r->chunk_cap, r->chunk_len + e->size + EVENT_PACKED_MAX, 1);
	uint8_t *p;

	if (err)
		return err;
	p = r->chunk + r->chunk_len;
	if (e->kind == RECORD_EVENT) {
		n = event_codec__pack(&r->context, e + 1, e->size, p);
		atomic_fetch_add_explicit(&r->events, 1, memory_order_relaxed);
	}
	if (!n) {
		*p++ = EVENT_PACKED_NONE;
		p = codec__write(p, e->kind);
		p = codec__write(p, e->size);
		memcpy(p, e + 1, e->size);
		n = (size_t)(p + e->size - (r->chunk + r->chunk_len));
	}
	r->chunk_len += n;
	return 0;
}

static void begin_chunk(struct record_writer *r)
{
	r->chunk_len = 0;
	memset(&r->context, 0, sizeof(r->context));
}

int writer_thread__write_events(struct record_writer *r)
{
	int err = 0;

	if (r->chunk_len) {
		err =
		    record_files__write(r->files, CHUNK_EVENTS, r->chunk, r->chunk_len, r->hurried);
		atomic_fetch_add(&r->plain_chunks, r->hurried);
	}
	begin_chunk(r);
	return err;
}

static int write_state_chunk(struct record_writer *r)
{
	int err = record_files__write_next(r->files, CHUNK_STATE, r->chunk, r->chunk_len);

	begin_chunk(r);
	return err;
}

/* Writes one buffer of a pending state, if there is one. The chunk is empty before and after. */
static int write_pending(struct record_writer *r)
{
	struct writer_buffer *b = r->pending;
	int err = 0;

	if (!b)
		return 0;
	for (size_t at = 0; at < b->used && !err;) {
		const struct writer_entry *e = (const struct writer_entry *)(b->data + at);

		err = pack_entry(r, e);
		at += writer_entry_bytes(e->size);
		if (!err && (r->chunk_len >= CHUNK_BYTES || at >= b->used))
			err = write_state_chunk(r);
	}
	r->pending = b->next;
	free(b);
	if (!err && !r->pending)
		err = record_files__write_next(r->files, CHUNK_STATE_END, NULL, 0);
	if (!err && !r->pending)
		err = record_files__finish_next(r->files);
	return err;
}

static int begin_next_file(struct record_writer *r, struct writer_buffer *b)
{
	int err = writer_thread__write_events(r);

	if (err)
		return err;
	r->pending = b->state;
	b->state = NULL;
	return record_files__begin_next(r->files);
}

static int write_buffer(struct record_writer *r, struct writer_buffer *b)
{
	int err = b->state ? begin_next_file(r, b) : 0;

	for (size_t at = 0; at < b->used && !err;) {
		const struct writer_entry *e = (const struct writer_entry *)(b->data + at);

		err = pack_entry(r, e);
		at += writer_entry_bytes(e->size);
		if (!err && r->chunk_len >= CHUNK_BYTES)
			err = writer_thread__write_events(r);
	}
	if (!err && (b->flush || r->pending))
		err = writer_thread__write_events(r);
	if (!err)
		err = write_pending(r);
	return err;
}

static void publish_sizes(struct record_writer *r)
{
	atomic_store(&r->bytes, record_files__bytes(r->files));
	atomic_store(&r->compactions, record_files__switches(r->files));
	if (record_files__wants_next(r->files) &&
	    r->asked != record_files__switches(r->files) + 1) {
		r->asked = record_files__switches(r->files) + 1;
		atomic_store(&r->wants_state, true);
	}
}

/* Takes the next buffer, or NULL if there is none: at the end, or while a state is pending. */
static struct writer_buffer *next_buffer(struct record_writer *r)
{
	struct writer_buffer *b;

	pthread_mutex_lock(&r->lock);
	while (!r->queue.first && !r->stop && !r->pending)
		pthread_cond_wait(&r->more, &r->lock);
	b = r->queue.first;
	if (b) {
		r->queue.first = b->next;
		if (!b->next)
			r->queue.last = NULL;
		r->hurried = r->queue.n-- > BUFFERS_HURRIED;
		pthread_cond_signal(&r->room);
	}
	pthread_mutex_unlock(&r->lock);
	return b;
}

static void return_buffer(struct record_writer *r, struct writer_buffer *b)
{
	pthread_mutex_lock(&r->lock);
	if (b->size == BUFFER_BYTES && r->nspare < BUFFERS_SPARE) {
		b->used = 0;
		b->next = r->spare;
		r->spare = b;
		r->nspare++;
		b = NULL;
	}
	pthread_mutex_unlock(&r->lock);
	free(b);
}

void *writer_thread__run(void *arg)
{
	struct record_writer *r = arg;
	struct writer_buffer *b;

	while ((b = next_buffer(r)) || r->pending) {
		int err = record_writer__error(r);

		if (!err && b)
			err = write_buffer(r, b);
		else if (!err)
			err = write_pending(r);
		if (err) {
			record_writer__fail(r, err);
			record_writer__free_buffers(r->pending);
			r->pending = NULL;
			pthread_mutex_lock(&r->lock);
			pthread_cond_broadcast(&r->room);
			pthread_mutex_unlock(&r->lock);
		}
		publish_sizes(r);
		if (b) {
			record_writer__free_buffers(b->state);
			b->state = NULL;
			return_buffer(r, b);
		}
	}
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer has two sides. The caller's side appends data to the buffer that is being filled,
 * unpacked, and hands the buffer over when it is full or is to be flushed. The thread
 * (writer_thread.c) takes buffers in turn, packs their contents into chunks, and hands the empty
 * ones back.
 *
 * A state is collected in buffers of its own, as many as it takes, and goes ahead of the buffer
 * whose records come after it. It may be large: the thread puts a piece of it into the second file
 * after each buffer of events, so that these need not wait. The reader knows that all of the state
 * comes first.
 */
#include "record/writer_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

/* ---- buffers ---- */

static struct writer_buffer *new_buffer(size_t size)
{
	struct writer_buffer *b = malloc(sizeof(*b) + size);

	if (b)
		*b = (struct writer_buffer){ .size = size };
	return b;
}

void record_writer__free_buffers(struct writer_buffer *b)
{
	struct writer_buffer *next;

	for (; b; b = next) {
		next = b->next;
		record_writer__free_buffers(b->state);
		free(b);
	}
}

static void append_buffer(struct writer_queue *q, struct writer_buffer *b)
{
	b->next = NULL;
	if (q->last)
		q->last->next = b;
	else
		q->first = b;
	q->last = b;
	q->n++;
}

void record_writer__fail(struct record_writer *r, int err)
{
	int none = 0;

	if (err)
		atomic_compare_exchange_strong(&r->error, &none, err);
}

int record_writer__error(const struct record_writer *r)
{
	return atomic_load(&r->error);
}

/* ---- the caller's side ---- */

/* Waits for the thread while too many buffers are queued. */
static void wait_for_room(struct record_writer *r)
{
	uint64_t began;

	if (r->queue.n < BUFFERS_MAX)
		return;
	began = clock__now_ns();
	while (r->queue.n >= BUFFERS_MAX && !record_writer__error(r))
		pthread_cond_wait(&r->room, &r->lock);
	r->waits++;
	r->waited_ns += clock__now_ns() - began;
}

static void hand_over(struct record_writer *r, bool flush)
{
	struct writer_buffer *b = r->filling;

	r->filling = NULL;
	b->flush = flush;
	b->state = r->ready;
	r->ready = NULL;
	pthread_mutex_lock(&r->lock);
	wait_for_room(r);
	append_buffer(&r->queue, b);
	pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
}

static struct writer_buffer *take_spare(struct record_writer *r)
{
	struct writer_buffer *b;

	pthread_mutex_lock(&r->lock);
	b = r->spare;
	if (b) {
		r->spare = b->next;
		r->nspare--;
	}
	pthread_mutex_unlock(&r->lock);
	return b;
}

static void append_entry(struct writer_buffer *b, enum record_kind kind, const void *data,
			 size_t size)
{
	struct writer_entry *e = (struct writer_entry *)(b->data + b->used);

	*e = (struct writer_entry){ (uint32_t)size, kind };
	if (size)
		memcpy(e + 1, data, size);
	b->used += writer_entry_bytes(size);
}

static void put_entry(struct record_writer *r, enum record_kind kind, const void *data, size_t size)
{
	size_t need = writer_entry_bytes(size);

	if (atomic_load_explicit(&r->error, memory_order_relaxed))
		return;
	if (r->filling && r->filling->size - r->filling->used < need)
		hand_over(r, false);
	if (!r->filling && need <= BUFFER_BYTES)
		r->filling = take_spare(r);
	if (!r->filling)
		r->filling = new_buffer(need > BUFFER_BYTES ? need : BUFFER_BYTES);
	if (r->filling)
		append_entry(r->filling, kind, data, size);
	else
		record_writer__fail(r, -ENOMEM);
}

void record_writer__event(struct record_writer *r, const void *ev, size_t size)
{
	put_entry(r, RECORD_EVENT, ev, size);
}

void record_writer__put(struct record_writer *r, enum record_kind kind, const struct strbuf *bytes)
{
	if (bytes->error || bytes->len > CHUNK_BYTES_MAX / 2)
		record_writer__fail(r, bytes->error ? bytes->error : -E2BIG);
	else
		put_entry(r, kind, bytes->data, bytes->len);
}

void record_writer__flush(struct record_writer *r)
{
	if (!r->filling && r->ready)
		r->filling = new_buffer(BUFFER_BYTES);
	if (r->filling)
		hand_over(r, true);
}

bool record_writer__wants_state(const struct record_writer *r)
{
	return atomic_load(&r->wants_state);
}

/* Earlier data goes ahead: the state includes it. */
void record_writer__begin_state(struct record_writer *r)
{
	if (r->filling)
		hand_over(r, true);
	atomic_store(&r->wants_state, false);
}

void record_writer__put_state(struct record_writer *r, enum record_kind kind,
			      const struct strbuf *bytes)
{
	struct writer_buffer *b = r->state.last;
	size_t need = writer_entry_bytes(bytes->len);

	if (bytes->error || bytes->len > CHUNK_BYTES_MAX / 2)
		record_writer__fail(r, bytes->error ? bytes->error : -E2BIG);
	if (record_writer__error(r))
		return;
	if (!b || b->size - b->used < need) {
		b = new_buffer(need > BUFFER_BYTES ? need : BUFFER_BYTES);
		if (b)
			append_buffer(&r->state, b);
	}
	if (b)
		append_entry(b, kind, bytes->data, bytes->len);
	else
		record_writer__fail(r, -ENOMEM);
}

void record_writer__end_state(struct record_writer *r)
{
	record_writer__free_buffers(r->ready);
	r->ready = r->state.first;
	r->state = (struct writer_queue){ 0 };
	record_writer__flush(r);
}

/* ---- beginning and end ---- */

struct record_writer *record_writer__create(const char *path, uint64_t limit)
{
	struct record_writer *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->more, NULL);
	pthread_cond_init(&r->room, NULL);
	r->files = record_files__open(path, limit);
	err = r->files ? -pthread_create(&r->writer, NULL, writer_thread__run, r) : -errno;
	r->writing = !err;
	if (!err)
		return r;
	record_writer__free(r);
	errno = -err;
	return NULL;
}

static void stop_thread(struct record_writer *r)
{
	if (!r->writing)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->writer, NULL);
	r->writing = false;
}

int record_writer__close(struct record_writer *r)
{
	struct strbuf sb = { 0 };
	int err;

	record_writer__flush(r);
	stop_thread(r);
	err = record_writer__error(r);
	if (!err)
		err = writer_thread__write_events(r);
	if (!err || err == -E2BIG) {
		codec__put(&sb, atomic_load(&r->events));
		codec__put(&sb, r->waits);
		codec__put(&sb, r->waited_ns);
		record_writer__fail(r, record_files__end(r->files, sb.data, sb.len));
		strbuf__free(&sb);
	}
	record_writer__fail(r, err);
	atomic_store(&r->bytes, record_files__bytes(r->files));
	return record_writer__error(r);
}

void record_writer__free(struct record_writer *r)
{
	if (!r)
		return;
	stop_thread(r);
	record_files__free(r->files);
	record_writer__free_buffers(r->filling);
	record_writer__free_buffers(r->state.first);
	record_writer__free_buffers(r->ready);
	record_writer__free_buffers(r->queue.first);
	record_writer__free_buffers(r->spare);
	record_writer__free_buffers(r->pending);
	pthread_cond_destroy(&r->room);
	pthread_cond_destroy(&r->more);
	pthread_mutex_destroy(&r->lock);
	free(r->chunk);
	free(r);
}

void record_writer__stats(struct record_writer *r, struct record_writer_stats *out)
{
	*out = (struct record_writer_stats){
		.events = atomic_load(&r->events),
		.bytes = atomic_load(&r->bytes),
		.waits = r->waits,
		.waited_ns = r->waited_ns,
		.plain_chunks = atomic_load(&r->plain_chunks),
		.compactions = atomic_load(&r->compactions),
	};
}

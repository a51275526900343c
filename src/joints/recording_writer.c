/*
 * Two sides. The giver's side appends what it is given to the buffer that is being filled, as it is, and
 * hands it over when it is full or is asked to. The writer's thread takes buffers in turn, packs what is in
 * them into chunks, and hands the empty ones back.
 *
 * A state is gathered in buffers of its own, as many as it takes, and travels in front of the buffer whose
 * records come after it. It may be large: the writer puts a piece of it into the second file after each
 * buffer of events, so that these need not wait. The reader knows that all of the state comes first.
 */
#include "joints/recording_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ground/util.h"
#include "joints/recording_events.h"
#include "joints/recording_files.h"

#define BUFFER_BYTES (1u << 20)
#define BUFFERS_MAX 64			/* that wait to be written */
#define BUFFERS_HURRIED 24		/* from here on, there is no time to deflate */
#define BUFFERS_SPARE 4
#define CHUNK_BYTES (256u << 10)	/* a chunk is complete when it has as many */

struct entry {				/* then the bytes, and padding to 8 */
	uint32_t size, kind;
};

struct buffer {
	struct buffer *next;
	struct buffer *state;		/* comes before it */
	bool flush;			/* and its chunk is complete with it */
	size_t used, size;
	_Alignas(8) uint8_t data[];
};

struct queue {
	struct buffer *first, *last;
	size_t n;
};

struct recording {
	/* the giver's */
	struct buffer *filling;
	struct queue state;		/* being gathered */
	struct buffer *ready;		/* a whole one, to travel in front of the next buffer */
	uint64_t waits, waited_ns;

	/* shared */
	pthread_mutex_t lock;
	pthread_cond_t more, room;
	struct queue queue;
	struct buffer *spare;
	size_t nspare;
	bool stop;
	atomic_int error;
	atomic_bool wants_state;
	atomic_uint_least64_t bytes, events, plain_chunks, compactions;

	/* the writer's */
	pthread_t writer;
	bool writing;
	struct recording_files *files;
	struct event_context context;
	uint8_t *chunk;
	size_t chunk_len, chunk_cap;
	struct buffer *pending;		/* of a state, not yet written */
	uint64_t asked;			/* switches of the files when a state was asked for, and one */
	bool hurried;
};

/* ---- buffers ---- */

static struct buffer *new_buffer(size_t size)
{
	struct buffer *b = malloc(sizeof(*b) + size);

	if (b)
		*b = (struct buffer){ .size = size };
	return b;
}

static void free_buffers(struct buffer *b)
{
	struct buffer *next;

	for (; b; b = next) {
		next = b->next;
		free_buffers(b->state);
		free(b);
	}
}

static void append(struct queue *q, struct buffer *b)
{
	b->next = NULL;
	if (q->last)
		q->last->next = b;
	else
		q->first = b;
	q->last = b;
	q->n++;
}

static void fail(struct recording *r, int err)
{
	int none = 0;

	if (err)
		atomic_compare_exchange_strong(&r->error, &none, err);
}

int recording__error(const struct recording *r)
{
	return atomic_load(&((struct recording *)r)->error);
}

/* ---- the giver's side ---- */

/* Waits for the writer while too much is under way. */
static void wait_for_room(struct recording *r)
{
	uint64_t began;

	if (r->queue.n < BUFFERS_MAX)
		return;
	began = util__now_ns();
	while (r->queue.n >= BUFFERS_MAX && !recording__error(r))
		pthread_cond_wait(&r->room, &r->lock);
	r->waits++;
	r->waited_ns += util__now_ns() - began;
}

static void hand_over(struct recording *r, bool flush)
{
	struct buffer *b = r->filling;

	r->filling = NULL;
	b->flush = flush;
	b->state = r->ready;
	r->ready = NULL;
	pthread_mutex_lock(&r->lock);
	wait_for_room(r);
	append(&r->queue, b);
	pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
}

static struct buffer *take_spare(struct recording *r)
{
	struct buffer *b;

	pthread_mutex_lock(&r->lock);
	b = r->spare;
	if (b) {
		r->spare = b->next;
		r->nspare--;
	}
	pthread_mutex_unlock(&r->lock);
	return b;
}

static size_t footprint(size_t size)
{
	return sizeof(struct entry) + (size + 7) / 8 * 8;
}

static void add_entry(struct buffer *b, enum record_kind kind, const void *data, size_t size)
{
	struct entry *e = (struct entry *)(b->data + b->used);

	*e = (struct entry){ (uint32_t)size, kind };
	if (size)
		memcpy(e + 1, data, size);
	b->used += footprint(size);
}

static void give(struct recording *r, enum record_kind kind, const void *data, size_t size)
{
	size_t need = footprint(size);

	if (atomic_load_explicit(&r->error, memory_order_relaxed))
		return;
	if (r->filling && r->filling->size - r->filling->used < need)
		hand_over(r, false);
	if (!r->filling && need <= BUFFER_BYTES)
		r->filling = take_spare(r);
	if (!r->filling)
		r->filling = new_buffer(need > BUFFER_BYTES ? need : BUFFER_BYTES);
	if (r->filling)
		add_entry(r->filling, kind, data, size);
	else
		fail(r, -ENOMEM);
}

void recording__event(struct recording *r, const void *ev, size_t size)
{
	give(r, RECORD_EVENT, ev, size);
}

void recording__put(struct recording *r, enum record_kind kind, const struct strbuf *bytes)
{
	if (bytes->error || bytes->len > CHUNK_BYTES_MAX / 2)
		fail(r, bytes->error ? bytes->error : -E2BIG);
	else
		give(r, kind, bytes->data, bytes->len);
}

void recording__flush(struct recording *r)
{
	if (!r->filling && r->ready)
		r->filling = new_buffer(BUFFER_BYTES);
	if (r->filling)
		hand_over(r, true);
}

bool recording__wants_state(const struct recording *r)
{
	return atomic_load(&((struct recording *)r)->wants_state);
}

/* What was given before goes ahead: it is part of the state. */
void recording__begin_state(struct recording *r)
{
	if (r->filling)
		hand_over(r, true);
	atomic_store(&r->wants_state, false);
}

void recording__put_state(struct recording *r, enum record_kind kind, const struct strbuf *bytes)
{
	struct buffer *b = r->state.last;
	size_t need = footprint(bytes->len);

	if (bytes->error || bytes->len > CHUNK_BYTES_MAX / 2)
		fail(r, bytes->error ? bytes->error : -E2BIG);
	if (recording__error(r))
		return;
	if (!b || b->size - b->used < need) {
		b = new_buffer(need > BUFFER_BYTES ? need : BUFFER_BYTES);
		if (b)
			append(&r->state, b);
	}
	if (b)
		add_entry(b, kind, bytes->data, bytes->len);
	else
		fail(r, -ENOMEM);
}

void recording__end_state(struct recording *r)
{
	free_buffers(r->ready);
	r->ready = r->state.first;
	r->state = (struct queue){ 0 };
	recording__flush(r);
}

/* ---- the writer's side ---- */

static int make_room(struct recording *r, size_t more)
{
	size_t cap = r->chunk_cap ? r->chunk_cap : CHUNK_BYTES + 4096;
	uint8_t *chunk;

	if (r->chunk_cap - r->chunk_len >= more)
		return 0;
	while (cap - r->chunk_len < more)
		cap *= 2;
	chunk = realloc(r->chunk, cap);
	if (!chunk)
		return -ENOMEM;
	r->chunk = chunk;
	r->chunk_cap = cap;
	return 0;
}

static int pack_entry(struct recording *r, const struct entry *e)
{
	size_t n = 0;
	int err = make_room(r, e->size + EVENT_PACKED_MAX);
	uint8_t *p = r->chunk + r->chunk_len;

	if (err)
		return err;
	if (e->kind == RECORD_EVENT) {
		n = events__pack(&r->context, e + 1, e->size, p);
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

static void begin_chunk(struct recording *r)
{
	r->chunk_len = 0;
	memset(&r->context, 0, sizeof(r->context));
}

static int write_events(struct recording *r)
{
	int err = 0;

	if (r->chunk_len) {
		err = recording_files__write(r->files, CHUNK_EVENTS, r->chunk, r->chunk_len, r->hurried);
		atomic_fetch_add(&r->plain_chunks, r->hurried);
	}
	begin_chunk(r);
	return err;
}

static int write_state_chunk(struct recording *r)
{
	int err = recording_files__write_next(r->files, CHUNK_STATE, r->chunk, r->chunk_len);

	begin_chunk(r);
	return err;
}

/* One buffer of a state that is being written, if there is one. The chunk is empty before and after. */
static int write_pending(struct recording *r)
{
	struct buffer *b = r->pending;
	int err = 0;

	if (!b)
		return 0;
	for (size_t at = 0; at < b->used && !err;) {
		const struct entry *e = (const struct entry *)(b->data + at);

		err = pack_entry(r, e);
		at += footprint(e->size);
		if (!err && (r->chunk_len >= CHUNK_BYTES || at >= b->used))
			err = write_state_chunk(r);
	}
	r->pending = b->next;
	free(b);
	if (!err && !r->pending)
		err = recording_files__write_next(r->files, CHUNK_STATE_END, NULL, 0);
	if (!err && !r->pending)
		err = recording_files__finish_next(r->files);
	return err;
}

static int begin_state(struct recording *r, struct buffer *b)
{
	int err = write_events(r);

	if (err)
		return err;
	r->pending = b->state;
	b->state = NULL;
	return recording_files__begin_next(r->files);
}

static int write_buffer(struct recording *r, struct buffer *b)
{
	int err = b->state ? begin_state(r, b) : 0;

	for (size_t at = 0; at < b->used && !err;) {
		const struct entry *e = (const struct entry *)(b->data + at);

		err = pack_entry(r, e);
		at += footprint(e->size);
		if (!err && r->chunk_len >= CHUNK_BYTES)
			err = write_events(r);
	}
	if (!err && (b->flush || r->pending))
		err = write_events(r);
	if (!err)
		err = write_pending(r);
	return err;
}

static void tell_sizes(struct recording *r)
{
	atomic_store(&r->bytes, recording_files__bytes(r->files));
	atomic_store(&r->compactions, recording_files__switches(r->files));
	if (recording_files__wants_next(r->files) && r->asked != recording_files__switches(r->files) + 1) {
		r->asked = recording_files__switches(r->files) + 1;
		atomic_store(&r->wants_state, true);
	}
}

/* The next buffer, or NULL when there is none: at the end, or while a state is pending. */
static struct buffer *next_buffer(struct recording *r)
{
	struct buffer *b;

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

static void give_back(struct recording *r, struct buffer *b)
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

static void *writer(void *arg)
{
	struct recording *r = arg;
	struct buffer *b;

	while ((b = next_buffer(r)) || r->pending) {
		int err = recording__error(r);

		if (!err && b)
			err = write_buffer(r, b);
		else if (!err)
			err = write_pending(r);
		if (err) {
			fail(r, err);
			free_buffers(r->pending);
			r->pending = NULL;
			pthread_mutex_lock(&r->lock);
			pthread_cond_broadcast(&r->room);
			pthread_mutex_unlock(&r->lock);
		}
		tell_sizes(r);
		if (b) {
			free_buffers(b->state);
			b->state = NULL;
			give_back(r, b);
		}
	}
	return NULL;
}

/* ---- beginning and end ---- */

struct recording *recording__create(const char *path, uint64_t limit)
{
	struct recording *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->more, NULL);
	pthread_cond_init(&r->room, NULL);
	r->files = recording_files__open(path, limit);
	err = r->files ? -pthread_create(&r->writer, NULL, writer, r) : -errno;
	r->writing = !err;
	if (!err)
		return r;
	recording__free(r);
	errno = -err;
	return NULL;
}

static void stop(struct recording *r)
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

int recording__close(struct recording *r)
{
	struct strbuf sb = { 0 };
	int err;

	recording__flush(r);
	stop(r);
	err = recording__error(r);
	if (!err)
		err = write_events(r);
	if (!err || err == -EFBIG) {
		codec__put(&sb, atomic_load(&r->events));
		codec__put(&sb, r->waits);
		codec__put(&sb, r->waited_ns);
		fail(r, recording_files__end(r->files, sb.data, sb.len));
		strbuf__free(&sb);
	}
	fail(r, err);
	atomic_store(&r->bytes, recording_files__bytes(r->files));
	return recording__error(r);
}

void recording__free(struct recording *r)
{
	if (!r)
		return;
	stop(r);
	recording_files__free(r->files);
	free_buffers(r->filling);
	free_buffers(r->state.first);
	free_buffers(r->ready);
	free_buffers(r->queue.first);
	free_buffers(r->spare);
	free_buffers(r->pending);
	pthread_cond_destroy(&r->room);
	pthread_cond_destroy(&r->more);
	pthread_mutex_destroy(&r->lock);
	free(r->chunk);
	free(r);
}

void recording__stats(struct recording *r, struct recording_stats *out)
{
	*out = (struct recording_stats){
		.events = atomic_load(&r->events),
		.bytes = atomic_load(&r->bytes),
		.waits = r->waits,
		.waited_ns = r->waited_ns,
		.plain_chunks = atomic_load(&r->plain_chunks),
		.compactions = atomic_load(&r->compactions),
	};
}

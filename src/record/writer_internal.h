/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the two sides of the writer: callers (writer.c) and the thread (writer_thread.c). */
#ifndef MEMTRACE_RECORD_WRITER_INTERNAL_H
#define MEMTRACE_RECORD_WRITER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "record/event_codec.h"
#include "record/files.h"
#include "record/writer.h"

#define BUFFER_BYTES (1u << 20)
#define BUFFERS_MAX 64	   /* maximum in the queue */
#define BUFFERS_HURRIED 24 /* from this many on, there is no time to deflate */
#define BUFFERS_SPARE 4

struct writer_entry { /* followed by the bytes, and padding to 8 */
	uint32_t size, kind;
};

struct writer_buffer {
	struct writer_buffer *next;
	struct writer_buffer *state; /* to be written before it */
	bool flush;		     /* the chunk is complete with it */
	size_t used, size;
	_Alignas(8) uint8_t data[];
};

struct writer_queue {
	struct writer_buffer *first, *last;
	size_t n;
};

struct record_writer {
	/* used by the caller */
	struct writer_buffer *filling;
	struct writer_queue state;   /* being gathered */
	struct writer_buffer *ready; /* a complete one, to go ahead of the next buffer */
	uint64_t waits, waited_ns;

	/* shared */
	pthread_mutex_t lock;
	pthread_cond_t more, room;
	struct writer_queue queue;
	struct writer_buffer *spare;
	size_t nspare;
	bool stop;
	atomic_int error;
	atomic_bool wants_state;
	atomic_uint_least64_t bytes, events, plain_chunks, compactions;

	/* used by the thread */
	pthread_t writer;
	bool writing;
	struct record_files *files;
	struct event_context context;
	uint8_t *chunk;
	size_t chunk_len, chunk_cap;
	struct writer_buffer *pending; /* buffers of a state that are not written yet */
	uint64_t asked; /* the number of file switches, plus one, when a state was asked for */
	bool hurried;
};

/* Bytes that an entry takes in its buffer. */
static inline size_t writer_entry_bytes(size_t size)
{
	return sizeof(struct writer_entry) + (size + 7) / 8 * 8;
}

/* Keeps the first failure, a negative errno; 0 is ignored. */
void record_writer__fail(struct record_writer *r, int err);
void record_writer__free_buffers(struct writer_buffer *b);

/* ---- writer_thread.c ---- */

void *writer_thread__run(void *recording); /* returns when `stop` is set and everything is
					    * written */
int writer_thread__write_events(struct record_writer *r); /* the chunk so far */

#endif

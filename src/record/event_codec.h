/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packs events into few bytes, cheaply, leaving out what they have in common with earlier ones; a
 * fast compressor then reduces the rest. An event that does not fit the scheme is not an error: it
 * is kept unpacked, in a record.
 */
#ifndef MEMTRACE_RECORD_EVENT_CODEC_H
#define MEMTRACE_RECORD_EVENT_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/event.h"
#include "util/codec.h"

#define EVENT_PACKED_MAX 96 /* maximum bytes of a packed event */
#define EVENT_STACK_SLOTS 4096

/* The state that both sides keep. Zeros at the start of each chunk, so that chunks stand alone. */
struct event_context {
	uint32_t pid;
	uint64_t time, addr;
	struct {
		uint16_t flags;
		uint8_t api;
	} last[EVENT_TYPES];		    /* of each type */
	uint64_t stacks[EVENT_STACK_SLOTS]; /* ids, by their low bits */
};

union packed_event {
	struct event ev;
	struct event_alloc alloc;
	struct event_free free;
	struct event_realloc realloc;
	struct event_map map;
};

/* Packs an event. Returns the number of bytes written, at most EVENT_PACKED_MAX; 0: events of this
 * type are not packed. */
size_t event_codec__pack(struct event_context *cx, const void *ev, size_t size, uint8_t *out);

/* The first byte of a record, where a packed event has its type; its kind, length and bytes
 * follow. */
#define EVENT_PACKED_NONE 0

/* Unpacks the next event. Returns its size, or 0 if it is damaged. */
size_t event_codec__unpack(struct event_context *cx, struct cursor *c, union packed_event *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packs events into few bytes, cheaply, leaving out what they have in common with those before, so
 * that a fast compressor finds much of the rest. An event that does not fit the scheme is not an
 * error: it is kept as it is, in a record.
 */
#ifndef MEMTRACE_RECORD_EVENT_CODEC_H
#define MEMTRACE_RECORD_EVENT_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/event.h"
#include "util/codec.h"

#define EVENT_PACKED_MAX 96 /* bytes of a packed event at most */
#define EVENT_STACK_SLOTS 4096

/* What both sides remember. Zeros at the beginning of each chunk, so that chunks stand alone. */
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

/* The number of bytes written, at most EVENT_PACKED_MAX; 0: an event of this type is not packed. */
size_t event_codec__pack(struct event_context *cx, const void *ev, size_t size, uint8_t *out);

/* The first byte of a record instead of a packed event; its kind, length and bytes follow. */
#define EVENT_PACKED_NONE 0

/* The size of the next event, or 0 where it is damaged. */
size_t event_codec__unpack(struct event_context *cx, struct cursor *c, union packed_event *out);

#endif

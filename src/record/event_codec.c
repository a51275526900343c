/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packed event is a byte that gives its type and what is left out, then the remaining fields, in
 * the order of the table below. Addresses are distances from the previous address, in units of 16
 * bytes if all of them are multiples of that: blocks are allocated near each other, and malloc
 * aligns them. Times are distances from the previous time. A stack's id is random bits: its low
 * bits choose a slot of a small table, and if that holds the id already, the slot's number is
 * enough. So no search is needed.
 */
#include "record/event_codec.h"

#include <string.h>

#define TYPE_MASK 0x0f
#define SAME_PID 0x10
#define SAME_HEAD 0x20 /* api and flags are those of the last event of its type */
#define NO_TIME 0x40
#define WHOLE_UNITS 0x80 /* addresses differ by multiples of 16 */

enum coding { NUMBER, ADDRESS, STACK_ID, TIME };

struct field {
	uint8_t offset, coding;
};

/* clang-format off */
#define FIELD(type, member, coding) { offsetof(struct type, member), coding }
/* clang-format on */
#define MAP_ROW                                                                                    \
	{                                                                                          \
		sizeof(struct event_map), 6,                                                       \
		{                                                                                  \
			FIELD(event_map, addr, ADDRESS), FIELD(event_map, len, NUMBER),            \
			    FIELD(event_map, old, ADDRESS), FIELD(event_map, old_len, NUMBER),     \
			    FIELD(event_map, stack, STACK_ID), FIELD(event_map, began, TIME)       \
		}                                                                                  \
	}

static const struct {
	uint8_t size, n;
	struct field fields[6];
} types[TYPE_MASK + 1] = {
	[EVENT_ALLOC] = { sizeof(struct event_alloc),
			  3,
			  { FIELD(event_alloc, addr, ADDRESS), FIELD(event_alloc, size, NUMBER),
			    FIELD(event_alloc, stack, STACK_ID) } },
	[EVENT_FREE] = { sizeof(struct event_free), 1, { FIELD(event_free, addr, ADDRESS) } },
	[EVENT_REALLOC] = { sizeof(struct event_realloc),
			    5,
			    { FIELD(event_realloc, old, ADDRESS),
			      FIELD(event_realloc, addr, ADDRESS),
			      FIELD(event_realloc, size, NUMBER),
			      FIELD(event_realloc, stack, STACK_ID),
			      FIELD(event_realloc, began, TIME) } },
	[EVENT_MAP] = MAP_ROW,
	[EVENT_UNMAP] = MAP_ROW,
	[EVENT_REMAP] = MAP_ROW,
	[EVENT_BRK] = MAP_ROW,
};

_Static_assert(EVENT_BRK <= TYPE_MASK, "a type that is packed fits into the first byte");

/* ---- packing ---- */

static uint64_t read_field(const void *ev, const struct field *f)
{
	uint64_t v;

	memcpy(&v, (const char *)ev + f->offset, sizeof(v));
	return v;
}

/* Returns whether each address differs from the one before it by whole units. */
static bool whole_units(const struct event_context *cx, const void *ev, unsigned int type)
{
	uint64_t at = cx->addr, bits = 0;

	for (unsigned int i = 0; i < types[type].n; i++) {
		if (types[type].fields[i].coding != ADDRESS)
			continue;
		bits |= read_field(ev, &types[type].fields[i]) - at;
		at = read_field(ev, &types[type].fields[i]);
	}
	return !(bits & 15);
}

/* Converts a distance whose low bits are zeros to units; its sign is kept. */
static uint64_t units(uint64_t distance)
{
	return (uint64_t)((int64_t)distance >> 4);
}

static uint8_t *pack_stack(struct event_context *cx, uint64_t id, uint8_t *p)
{
	uint64_t *slot = &cx->stacks[id % EVENT_STACK_SLOTS];

	if (*slot == id)
		return codec__write(p, id % EVENT_STACK_SLOTS + 1);
	*slot = id;
	*p++ = 0;
	memcpy(p, &id, sizeof(id));
	return p + sizeof(id);
}

static uint8_t *pack_field(struct event_context *cx, const struct event *ev, const struct field *f,
			   bool whole, uint8_t *p)
{
	uint64_t v = read_field(ev, f), distance;

	switch (f->coding) {
	case ADDRESS:
		distance = v - cx->addr;
		cx->addr = v;
		return codec__write(p, codec__fold(whole ? units(distance) : distance));
	case STACK_ID:
		return pack_stack(cx, v, p);
	case TIME:
		return codec__write(p, codec__fold(cx->time - v));
	default:
		return codec__write(p, v);
	}
}

size_t event_codec__pack(struct event_context *cx, const void *data, size_t size, uint8_t *out)
{
	const struct event *ev = data;
	unsigned int type = size < sizeof(*ev) || ev->type > TYPE_MASK ? 0 : ev->type;
	uint8_t *p = out + 1;
	bool whole;

	if (!types[type].size || types[type].size != size)
		return 0;
	whole = whole_units(cx, ev, type);
	*out = (uint8_t)(type | (ev->pid == cx->pid ? SAME_PID : 0) | (ev->time ? 0 : NO_TIME) |
			 (whole ? WHOLE_UNITS : 0));
	if (ev->pid != cx->pid)
		p = codec__write(p, cx->pid = ev->pid);
	if (ev->api == cx->last[type].api && ev->flags == cx->last[type].flags) {
		*out |= SAME_HEAD;
	} else {
		*p++ = cx->last[type].api = ev->api;
		p = codec__write(p, cx->last[type].flags = ev->flags);
	}
	if (ev->time) {
		p = codec__write(p, codec__fold(ev->time - cx->time));
		cx->time = ev->time;
	}
	for (unsigned int i = 0; i < types[type].n; i++)
		p = pack_field(cx, ev, &types[type].fields[i], whole, p);
	return (size_t)(p - out);
}

/* ---- unpacking ---- */

static uint64_t unpack_stack(struct event_context *cx, struct cursor *c)
{
	uint64_t slot = codec__take(c), id = 0;
	const void *bytes;

	if (slot > EVENT_STACK_SLOTS) {
		cursor__spoil(c);
		return 0;
	}
	if (slot)
		return cx->stacks[slot - 1];
	bytes = cursor__take(c, sizeof(id));
	if (bytes)
		memcpy(&id, bytes, sizeof(id));
	return cx->stacks[id % EVENT_STACK_SLOTS] = id;
}

static uint64_t unpack_field(struct event_context *cx, const struct field *f, bool whole,
			     struct cursor *c)
{
	uint64_t distance;

	switch (f->coding) {
	case ADDRESS:
		distance = codec__unfold(codec__take(c));
		return cx->addr += whole ? distance << 4 : distance;
	case STACK_ID:
		return unpack_stack(cx, c);
	case TIME:
		return cx->time - codec__unfold(codec__take(c));
	default:
		return codec__take(c);
	}
}

size_t event_codec__unpack(struct event_context *cx, struct cursor *c, union packed_event *out)
{
	const uint8_t *first = cursor__take(c, 1), *api;
	unsigned int bits = first ? *first : 0, type = bits & TYPE_MASK;

	if (!types[type].size)
		return 0;
	memset(out, 0, sizeof(*out));
	if (!(bits & SAME_PID))
		cx->pid = (uint32_t)codec__take_up_to(c, UINT32_MAX);
	if (!(bits & SAME_HEAD)) {
		api = cursor__take(c, 1);
		cx->last[type].api = api ? *api : 0;
		cx->last[type].flags = (uint16_t)codec__take_up_to(c, UINT16_MAX);
	}
	if (!(bits & NO_TIME))
		out->ev.time = cx->time += codec__unfold(codec__take(c));
	out->ev.type = (uint8_t)type;
	out->ev.api = cx->last[type].api;
	out->ev.flags = cx->last[type].flags;
	out->ev.pid = cx->pid;
	for (unsigned int i = 0; i < types[type].n; i++) {
		const struct field *f = &types[type].fields[i];
		uint64_t v = unpack_field(cx, f, bits & WHOLE_UNITS, c);

		memcpy((char *)out + f->offset, &v, sizeof(v));
	}
	return c->bad ? 0 : types[type].size;
}

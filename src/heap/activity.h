/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much a process had to do in each part of its life: how many of the blocks born then died
 * within a second, since most of what a request allocates goes with it. What is kept, by a cache or
 * by a leak, does not count. It looks at no clock: times are those it is given, in ns since the
 * run's start.
 */
#ifndef MEMTRACE_HEAP_ACTIVITY_H
#define MEMTRACE_HEAP_ACTIVITY_H

#include <stdint.h>

#define ACTIVITY_SLOTS 64
#define ACTIVITY_UNIT 20	       /* the shortest slot lasts 2^20 ns */
#define ACTIVITY_LIFE_NS 1000000000ull /* what lived for longer was no part of a request */

struct activity {
	uint64_t origin;
	uint8_t shift; /* a slot lasts 2^shift ns */
	uint64_t died[ACTIVITY_SLOTS];
};

struct activity *activity__new(uint64_t origin); /* NULL and errno; free() it */

/* Doubles the slots until `time` lies in one. */
void activity__reach(struct activity *a, uint64_t time);

/* A block died. What was born before the origin does not count. */
static inline void activity__died(struct activity *a, uint64_t birth, uint64_t now)
{
	uint64_t since = birth - a->origin;

	if (birth < a->origin || now - birth > ACTIVITY_LIFE_NS)
		return;
	if (since >> a->shift >= ACTIVITY_SLOTS)
		activity__reach(a, birth);
	a->died[(since >> a->shift) & (ACTIVITY_SLOTS - 1)]++;
}

/* What was born in [from, to) and died soon; slots count by the part that lies in it. */
double activity__between(const struct activity *a, double from, double to);

/* When it last had to do anything, to a slot; 0: never. */
uint64_t activity__last(const struct activity *a);

/* Adds the other's. */
void activity__unite(struct activity *a, const struct activity *other);

/* To and from a file (codec.h). NULL with errno EINVAL or ENOMEM for what is not sound. */
struct strbuf;
struct cursor;
void activity__save(const struct activity *a, struct strbuf *sb);
struct activity *activity__load(struct cursor *in);

#endif

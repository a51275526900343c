/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/activity.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "util/codec.h"

#define SHIFT_MAX 62

struct activity *activity__new(uint64_t origin)
{
	struct activity *a = calloc(1, sizeof(*a));

	if (a) {
		a->origin = origin;
		a->shift = ACTIVITY_UNIT;
	}
	return a;
}

static void widen_slots(struct activity *a)
{
	for (unsigned int i = 0; i < ACTIVITY_SLOTS / 2; i++)
		a->died[i] = a->died[2 * i] + a->died[2 * i + 1];
	for (unsigned int i = ACTIVITY_SLOTS / 2; i < ACTIVITY_SLOTS; i++)
		a->died[i] = 0;
	a->shift++;
}

void activity__reach(struct activity *a, uint64_t time)
{
	uint64_t since = time > a->origin ? time - a->origin : 0;

	while (since >> a->shift >= ACTIVITY_SLOTS && a->shift < SHIFT_MAX)
		widen_slots(a);
}

double activity__between(const struct activity *a, double from, double to)
{
	double width = ldexp(1, a->shift), first, last, sum = 0;

	from = fmax((from - (double)a->origin) / width, 0);
	to = fmin((to - (double)a->origin) / width, ACTIVITY_SLOTS);
	first = floor(from);
	last = ceil(to);
	for (double i = first; i < last; i++)
		sum += (double)a->died[(unsigned int)i] * (fmin(i + 1, to) - fmax(i, from));
	return sum;
}

uint64_t activity__last(const struct activity *a)
{
	for (unsigned int i = ACTIVITY_SLOTS; i-- > 0;)
		if (a->died[i])
			return a->origin + ((i + 1ull) << a->shift);
	return 0;
}

/* Goes to an earlier origin by whole slots, so that none is divided but the last one. */
static void set_origin(struct activity *a, uint64_t origin)
{
	struct activity old = *a;
	uint64_t last = old.origin + ((uint64_t)ACTIVITY_SLOTS << old.shift) - 1;

	*a = (struct activity){ .origin = origin, .shift = old.shift };
	activity__reach(a, last);
	for (unsigned int i = 0; i < ACTIVITY_SLOTS; i++) {
		uint64_t middle = old.origin + ((2ull * i + 1) << old.shift >> 1) - origin;

		a->died[(middle >> a->shift) & (ACTIVITY_SLOTS - 1)] += old.died[i];
	}
}

void activity__unite(struct activity *a, const struct activity *other)
{
	struct activity o = *other;

	if (o.origin < a->origin)
		set_origin(a, o.origin);
	else if (a->origin < o.origin)
		set_origin(&o, a->origin);
	while (a->shift < o.shift)
		widen_slots(a);
	while (o.shift < a->shift)
		widen_slots(&o);
	for (unsigned int i = 0; i < ACTIVITY_SLOTS; i++)
		a->died[i] += o.died[i];
}

void activity__save(const struct activity *a, struct strbuf *sb)
{
	codec__put(sb, a->origin);
	codec__put(sb, a->shift);
	for (unsigned int i = 0; i < ACTIVITY_SLOTS; i++)
		codec__put(sb, a->died[i]);
}

struct activity *activity__load(struct cursor *in)
{
	struct activity *a = activity__new(codec__take(in));
	uint64_t shift = codec__take(in);

	if (!a)
		return NULL;
	a->shift = (uint8_t)shift;
	for (unsigned int i = 0; i < ACTIVITY_SLOTS; i++)
		a->died[i] = codec__take(in);
	if (!in->bad && shift >= ACTIVITY_UNIT && shift <= SHIFT_MAX - 6 &&
	    a->origin < 1ull << SHIFT_MAX)
		return a;
	free(a);
	errno = EINVAL;
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time since the site's first birth is divided into at most 64 ticks; when it outgrows them,
 * the ticks become twice as long. A cohort starts at certain ticks only: at tick b while the
 * present tick is less than 4 * 2^z ticks away, where z is the number of trailing zero bits of b.
 * So only the last two odd ticks start a cohort, the last two odd multiples of 2, the last two odd
 * multiples of 4, and so on. Cohorts get wider as they age, borders only ever vanish, and which
 * borders there are follows from the present alone, so that a site may lie untouched for an hour
 * and catch up in one step. (The idea is that of an exponential histogram, Datar et al., 2002, with
 * fixed borders.)
 *
 * The lifetimes of blocks that died are counted by powers of two of the same ticks: when these
 * double, so do the classes.
 */
#include "heap/cohorts.h"

#include <errno.h>
#include <stdlib.h>

#include "heap/size_class.h"
#include "util/codec.h"

#define TIME_END (1ull << 62)

struct cohorts *cohorts__new(uint64_t origin)
{
	struct cohorts *c = aligned_alloc(64, (sizeof(*c) + 63) / 64 * 64);

	if (c)
		*c = (struct cohorts){ .origin = origin, .shift = COHORTS_UNIT, .n = 1 };
	return c;
}

static uint64_t since_origin(const struct cohorts *c, uint64_t time)
{
	uint64_t since = time > c->origin ? time - c->origin : 0;

	return since < TIME_END ? since : TIME_END;
}

static bool is_border(unsigned int tick, unsigned int present)
{
	return !tick || present - tick < 4u << __builtin_ctz(tick);
}

static uint32_t add_saturated(uint32_t a, uint32_t b)
{
	return a + b < a ? UINT32_MAX : a + b;
}

/* The greater of the two; the second is in ns. */
static uint32_t later_units(uint32_t units, uint64_t ns)
{
	ns >>= COHORTS_UNIT;
	if (ns <= units)
		return units;
	return ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

static float lesser(float a, float b)
{
	return a < b ? a : b;
}

static float greater(float a, float b)
{
	return a > b ? a : b;
}

/* Keeps the cohorts whose starts are borders, and adds any other to the one before it. */
static void merge_cohorts(struct cohorts *c)
{
	unsigned int n = 1;

	for (unsigned int i = 1; i < c->n; i++) {
		const struct cohort from = c->cohort[i];
		struct cohort *into = &c->cohort[n - 1];

		if (c->start[i] != c->start[n - 1] && is_border(c->start[i], c->tick)) {
			c->start[n] = c->start[i];
			c->cohort[n++] = from;
			continue;
		}
		into->alive_bytes += from.alive_bytes;
		into->born = add_saturated(into->born, from.born);
		into->alive += from.alive;
		into->least = lesser(into->least, from.least);
		into->most = greater(into->most, from.most);
	}
	c->n = (uint8_t)n;
}

static void double_ticks(struct cohorts *c)
{
	c->shift++;
	c->tick /= 2;
	for (unsigned int i = 0; i < c->n; i++)
		c->start[i] /= 2;
	merge_cohorts(c);
	c->lives[0] = add_saturated(c->lives[0], c->lives[1]);
	for (unsigned int i = 1; i + 1 < COHORTS_LIVES; i++)
		c->lives[i] = c->lives[i + 1];
	c->lives[COHORTS_LIVES - 1] = 0;
}

static void store_extremes(struct cohorts *c)
{
	c->cohort[c->n - 1].least = c->least;
	c->cohort[c->n - 1].most = c->most;
}

static __attribute__((noinline)) void next_ticks(struct cohorts *c, uint64_t since)
{
	unsigned int last;

	store_extremes(c);
	while (since >> c->shift >= COHORTS_TICKS)
		double_ticks(c);
	last = c->tick;
	c->tick = (uint8_t)(since >> c->shift);
	merge_cohorts(c);
	for (unsigned int tick = last + 1; tick <= c->tick; tick++) {
		if (!is_border(tick, c->tick))
			continue;
		c->start[c->n] = (uint8_t)tick;
		c->cohort[c->n++] = (struct cohort){
			.least = (float)c->bytes,
			.most = (float)c->bytes,
		};
	}
	c->least = c->cohort[c->n - 1].least;
	c->most = c->cohort[c->n - 1].most;
}

static void advance(struct cohorts *c, uint64_t now)
{
	uint64_t since = since_origin(c, now);

	if (since >> c->shift > c->tick)
		next_ticks(c, since);
}

void cohorts__advance(struct cohorts *c, uint64_t now)
{
	advance(c, now);
	store_extremes(c);
}

static struct cohort *cohort_of(struct cohorts *c, uint64_t birth)
{
	uint64_t tick = since_origin(c, birth) >> c->shift;
	unsigned int i = c->n - 1u;

	while (c->start[i] > tick)
		i--;
	return &c->cohort[i];
}

/* What the site holds changed; so may the least and the most of the present cohort. */
static void change_held(struct cohorts *c, int64_t change)
{
	c->bytes += (uint64_t)change;
	c->least = lesser(c->least, (float)c->bytes);
	c->most = greater(c->most, (float)c->bytes);
}

void cohorts__came(struct cohorts *c, uint64_t now, uint64_t birth, uint64_t bytes)
{
	struct cohort *co;

	advance(c, now);
	co = cohort_of(c, birth);
	co->alive_bytes += bytes;
	co->alive++;
	co->born = add_saturated(co->born, 1);
	c->sizes |= size_class__bit(bytes);
	c->last = later_units(c->last, since_origin(c, now));
	change_held(c, (int64_t)bytes);
}

static struct cohort *take_out(struct cohorts *c, uint64_t now, uint64_t birth, uint64_t bytes)
{
	struct cohort *co;

	advance(c, now);
	co = cohort_of(c, birth);
	co->alive_bytes -= bytes;
	co->alive--;
	change_held(c, -(int64_t)bytes);
	return co;
}

static void count_lives(struct cohorts *c, uint64_t life, uint32_t blocks)
{
	uint64_t ticks = life >> c->shift;
	unsigned int class = ticks ? 64u - (unsigned int)__builtin_clzll(ticks) : 0;

	/* A block that a realloc brought may be older than the site's first birth. */
	if (class >= COHORTS_LIVES)
		class = COHORTS_LIVES - 1;
	c->lives[class] = add_saturated(c->lives[class], blocks);
	c->longest = later_units(c->longest, life);
}

void cohorts__died(struct cohorts *c, uint64_t now, uint64_t birth, uint64_t bytes)
{
	take_out(c, now, birth, bytes);
	count_lives(c, now > birth ? now - birth : 0, 1);
}

void cohorts__left(struct cohorts *c, uint64_t now, uint64_t birth, uint64_t bytes)
{
	struct cohort *co = take_out(c, now, birth, bytes);

	if (co->born > co->alive)
		co->born--;
}

void cohorts__resized(struct cohorts *c, uint64_t now, uint64_t birth, int64_t change)
{
	advance(c, now);
	cohort_of(c, birth)->alive_bytes += (uint64_t)change;
	if (change > 0)
		c->last = later_units(c->last, since_origin(c, now));
	change_held(c, change);
}

void cohorts__became(struct cohorts *c, uint64_t now, uint64_t birth, uint64_t bytes,
		     uint64_t new_birth, uint64_t new_bytes)
{
	struct cohort *from, *to;

	advance(c, now);
	from = cohort_of(c, birth);
	to = cohort_of(c, new_birth);
	from->alive_bytes -= bytes;
	to->alive_bytes += new_bytes;
	c->sizes |= size_class__bit(new_bytes);
	if (from != to) {
		from->alive--;
		from->born -= from->born > from->alive;
		to->alive++;
		to->born = add_saturated(to->born, 1);
	}
	if (new_bytes > bytes)
		c->last = later_units(c->last, since_origin(c, now));
	change_held(c, (int64_t)(new_bytes - bytes));
}

/* ---- several sites as one ---- */

/* The time in the middle of a cohort, for a birth whose time is not known better. */
static uint64_t middle(const struct cohorts *c, unsigned int i)
{
	uint64_t end = i + 1u < c->n ? c->start[i + 1] : c->tick + 1u;

	return c->origin + ((c->start[i] + end) << c->shift) / 2;
}

/* What the site held at `time`: the least and the most of the cohort it lies in; 0 before the
 * first. */
static void held(const struct cohorts *c, uint64_t time, float *least, float *most)
{
	unsigned int i = c->n - 1u;

	*least = *most = 0;
	if (time < c->origin)
		return;
	while (c->start[i] > since_origin(c, time) >> c->shift)
		i--;
	*least = c->cohort[i].least;
	*most = c->cohort[i].most;
}

/* Makes the ticks count from an earlier origin. */
static void set_origin(struct cohorts *c, uint64_t origin)
{
	uint64_t now = c->origin + ((uint64_t)c->tick << c->shift);
	struct cohorts old = *c;

	*c = (struct cohorts){ .origin = origin,
			       .shift = old.shift,
			       .n = 1,
			       .bytes = old.bytes,
			       .sizes = old.sizes,
			       .longest = old.longest };
	c->last = later_units(0, old.origin - origin + ((uint64_t)old.last << COHORTS_UNIT));
	for (unsigned int i = 0; i < COHORTS_LIVES; i++)
		c->lives[i] = old.lives[i];
	cohorts__advance(c, now);
	for (unsigned int i = 0; i < c->n; i++)
		held(&old, middle(c, i), &c->cohort[i].least, &c->cohort[i].most);
	c->least = c->cohort[c->n - 1].least;
	c->most = c->cohort[c->n - 1].most;
	for (unsigned int i = 0; i < old.n; i++) {
		struct cohort *co = cohort_of(c, middle(&old, i));

		co->alive_bytes += old.cohort[i].alive_bytes;
		co->alive += old.cohort[i].alive;
		co->born = add_saturated(co->born, old.cohort[i].born);
	}
}

void cohorts__unite(struct cohorts *c, const struct cohorts *other)
{
	struct cohorts o = *other;
	float least, most;

	store_extremes(c);
	store_extremes(&o);
	if (o.origin < c->origin)
		set_origin(c, o.origin);
	cohorts__advance(c, o.origin + ((uint64_t)o.tick << o.shift));
	cohorts__advance(&o, c->origin + ((uint64_t)c->tick << c->shift));
	while (o.shift < c->shift)
		double_ticks(&o);
	while (c->shift < o.shift)
		double_ticks(c);
	for (unsigned int i = 0; i < c->n; i++) {
		held(&o, middle(c, i), &least, &most);
		c->cohort[i].least += least;
		c->cohort[i].most += most;
	}
	for (unsigned int i = 0; i < o.n; i++) {
		struct cohort *co = cohort_of(c, middle(&o, i));

		co->alive_bytes += o.cohort[i].alive_bytes;
		co->alive += o.cohort[i].alive;
		co->born = add_saturated(co->born, o.cohort[i].born);
	}
	for (unsigned int i = 0; i < COHORTS_LIVES; i++)
		c->lives[i] = add_saturated(c->lives[i], o.lives[i]);
	c->bytes += o.bytes;
	c->sizes |= o.sizes;
	c->longest = c->longest > o.longest ? c->longest : o.longest;
	c->last = later_units(c->last, o.origin - c->origin + ((uint64_t)o.last << COHORTS_UNIT));
	c->least = c->cohort[c->n - 1].least;
	c->most = c->cohort[c->n - 1].most;
}

void cohorts__end(struct cohorts *c, uint64_t now)
{
	advance(c, now);
	for (unsigned int i = 0; i < c->n; i++) {
		struct cohort *co = &c->cohort[i];
		uint64_t birth = middle(c, i);

		if (co->alive)
			count_lives(c, now > birth ? now - birth : 0, co->alive);
		co->alive = 0;
		co->alive_bytes = 0;
	}
	change_held(c, -(int64_t)c->bytes);
}

/* ---- files ---- */

void cohorts__save(const struct cohorts *c, struct strbuf *sb)
{
	codec__put(sb, c->n);
	codec__put(sb, c->shift);
	codec__put(sb, c->tick);
	codec__put(sb, c->origin);
	codec__put(sb, c->bytes);
	codec__put(sb, c->longest);
	codec__put(sb, c->last);
	codec__put_double(sb, c->least);
	codec__put_double(sb, c->most);
	for (unsigned int i = 0; i < COHORTS_LIVES; i++)
		codec__put(sb, c->lives[i]);
	for (unsigned int i = 0; i < c->n; i++) {
		codec__put(sb, c->start[i]);
		codec__put(sb, c->cohort[i].alive_bytes);
		codec__put(sb, c->cohort[i].born);
		codec__put(sb, c->cohort[i].alive);
		codec__put_double(sb, c->cohort[i].least);
		codec__put_double(sb, c->cohort[i].most);
	}
}

static bool is_sound(const struct cohorts *c)
{
	if (c->shift < COHORTS_UNIT || c->shift > 62 || c->tick >= COHORTS_TICKS || c->start[0])
		return false;
	for (unsigned int i = 1; i < c->n; i++)
		if (c->start[i] <= c->start[i - 1] || c->start[i] > c->tick ||
		    !is_border(c->start[i], c->tick))
			return false;
	return true;
}

struct cohorts *cohorts__load(struct cursor *in)
{
	struct cohorts *c = cohorts__new(0);
	uint64_t n = codec__take(in);

	if (!c)
		return NULL;
	c->sizes = SIZE_CLASSES_ALL;
	c->n = (uint8_t)(n <= COHORTS_MAX ? n : 0);
	c->shift = (uint8_t)codec__take(in);
	c->tick = (uint8_t)codec__take(in);
	c->origin = codec__take(in);
	c->bytes = codec__take(in);
	c->longest = (uint32_t)codec__take(in);
	c->last = (uint32_t)codec__take(in);
	c->least = (float)codec__take_double(in);
	c->most = (float)codec__take_double(in);
	for (unsigned int i = 0; i < COHORTS_LIVES; i++)
		c->lives[i] = (uint32_t)codec__take(in);
	for (unsigned int i = 0; i < c->n; i++) {
		c->start[i] = (uint8_t)codec__take(in);
		c->cohort[i].alive_bytes = codec__take(in);
		c->cohort[i].born = (uint32_t)codec__take(in);
		c->cohort[i].alive = (uint32_t)codec__take(in);
		c->cohort[i].least = (float)codec__take_double(in);
		c->cohort[i].most = (float)codec__take_double(in);
	}
	if (c->n && !in->bad && is_sound(c))
		return c;
	free(c);
	errno = EINVAL;
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A leak is told by three things: blocks live far longer than any that ever died here; such blocks
 * keep coming; and deaths do not catch up with them.
 *
 * For an age of 1, 2, 4, 8 or 16 ticks, suppose that blocks of the site die younger than that or
 * never. Then few deaths came later, and what was born twice that long ago and lives is "overdue".
 * It is a leak if, in a stretch of time that reaches up to there and is itself at least twice that
 * long and a quarter of the run,
 *   - enough overdue blocks were born, many times the deaths that came later than the age;
 *   - they were born all along, not markedly fewer towards its end (a cache that fills up);
 *   - before the stretch there were hardly any (it began to leak) or it was a burst (it loaded
 *     something first); a stretch is no way to overlook that births slowly cease;
 *   - what the site holds grew accordingly (a cache at its bound loses an old block for a new one);
 *   - in its later half they are not matched by frees of blocks older than the tracing (the same
 *     cache, first seen when it was full);
 *   - where hardly a block ever died, they are more than a log or a small table takes until it is
 * full, and do not come ever more slowly, as into a cache that is hit the more, the fuller it is.
 * So a sawtooth proves nothing until it lasts some four times as long as the longest before it.
 *
 * What fails for one of the last reasons, or holds more at its lowest than it did at its highest,
 * is growing. The rest is told apart by when births ended and by how many of the old blocks live.
 */
#include "heap/judge.h"

#include <errno.h>
#include <math.h>

#include "util/codec.h"

#define AGES 5	       /* 1, 2, 4, 8, 16 ticks */
#define LATE_DEATHS 16 /* overdue blocks for each death that came late */
#define DECLINE 0.6    /* later births against earlier ones: fewer means ceasing */
#define TAPER 0.8      /* the same of thirds, where it falls all along and hardly a block dies */
#define STEP 4	       /* so many times more, or less, is not a trend but an event */
#define SHARE_MAX_NS 600000000000ull
#define STARTUP_MAX_NS 120000000000ull
#define GROWTH 1.05
#define CHURN_SURVIVAL 0.05

/* Cohorts [first, last] as one. */
struct stretch {
	double blocks, bytes, born;
	double ticks;
	unsigned int occupied; /* cohorts with anything alive */
};

static unsigned int end_of(const struct cohorts *c, unsigned int i)
{
	return i + 1u < c->n ? c->start[i + 1] : c->tick + 1u;
}

static struct stretch stretch(const struct cohorts *c, unsigned int first, unsigned int last)
{
	struct stretch s = { .ticks = end_of(c, last) - c->start[first] };

	for (unsigned int i = first; i <= last; i++) {
		s.blocks += c->cohort[i].alive;
		s.bytes += (double)c->cohort[i].alive_bytes;
		s.born += c->cohort[i].born;
		s.occupied += c->cohort[i].alive != 0;
	}
	return s;
}

/* The part of cohort i that lies in [from, to). */
static double part_between(const struct cohorts *c, unsigned int i, double from, double to)
{
	double low = fmax(c->start[i], from), high = fmin(end_of(c, i), to);

	return high > low ? (high - low) / (end_of(c, i) - c->start[i]) : 0;
}

/* Blocks alive that were born in [from, to). */
static double alive_between(const struct cohorts *c, double from, double to)
{
	double sum = 0;

	for (unsigned int i = 0; i < c->n; i++)
		sum += c->cohort[i].alive * part_between(c, i, from, to);
	return sum;
}

static double born_between(const struct cohorts *c, double from, double to)
{
	double sum = 0;

	for (unsigned int i = 0; i < c->n; i++)
		sum += c->cohort[i].born * part_between(c, i, from, to);
	return sum;
}

static double least_since(const struct cohorts *c, double from)
{
	double least = INFINITY;

	for (unsigned int i = 0; i < c->n; i++)
		if (end_of(c, i) > from)
			least = fmin(least, c->cohort[i].least);
	return least;
}

static double seconds(const struct cohorts *c, double ticks)
{
	return ticks * (double)(1ull << c->shift) / 1e9;
}

/* ---- leaks ---- */

/* What a stretch must last at least, in ticks. */
static double least_ticks(const struct cohorts *c, const struct judge_facts *f)
{
	uint64_t run = f->now > f->began ? f->now - f->began : 0, share = run / 4;

	if (share > SHARE_MAX_NS)
		share = SHARE_MAX_NS;
	if (share < JUDGE_LEAST_NS)
		share = JUDGE_LEAST_NS;
	return (double)share / (double)(1ull << c->shift);
}

/* How many times more of what lives was born, by time, before the stretch than in it. */
static double before(const struct cohorts *c, unsigned int first, const struct stretch *s)
{
	struct stretch b;

	if (!first)
		return 0;
	b = stretch(c, 0, first - 1);
	return b.blocks / b.ticks / (s->blocks / s->ticks);
}

/* What lies before the stretch is no part of the same trend. */
static bool begins_anew(const struct cohorts *c, unsigned int first, const struct stretch *s)
{
	double times = before(c, first, s);

	return times * STEP <= 1 || (times >= STEP && s->ticks * 2 >= c->tick);
}

/*
 * Whether births cease: the later half is poorer than the earlier. Small numbers have the benefit
 * of chance, but not behind a burst: that might be the first part of the same decline. Where most
 * blocks die, births tell how much the program had to do: with less of that, fewer stay.
 */
static bool ceases(const struct cohorts *c, unsigned int first, const struct stretch *s)
{
	double start = c->start[first], half = start + s->ticks / 2, end = start + s->ticks;
	double earlier = alive_between(c, start, half), later = alive_between(c, half, end);
	double chance = before(c, first, s) < 1 ? 2 * sqrt(later) : 0;
	double load = born_between(c, half, end) / born_between(c, start, half);

	if (s->blocks * STEP < s->born && load < 1)
		earlier *= load;
	if (alive_between(c, end - s->ticks / 3, end) <= 0)
		return true;
	return later + chance < earlier * DECLINE;
}

/* Hardly any of its blocks ever died. */
static bool hardly_dies(const struct cohorts *c, const struct stretch *s)
{
	uint64_t deaths = 0;

	for (unsigned int i = 0; i < COHORTS_LIVES; i++)
		deaths += c->lives[i];
	return (double)deaths * LATE_DEATHS <= s->blocks;
}

/*
 * A cache is hit the more, the more is in it: each third of the stretch has fewer births than the
 * one before, by more than chance.
 */
static bool tapers(const struct cohorts *c, unsigned int first, const struct stretch *s)
{
	double start = c->start[first], third = s->ticks / 3;
	double a = alive_between(c, start, start + third);
	double b = alive_between(c, start + third, start + 2 * third);
	double d = alive_between(c, start + 2 * third, start + s->ticks);

	return a > b && b > d && d < a * TAPER && a - d > 3 * sqrt(a + d);
}

/* Where the survivors are much of what the site holds, it must hold more than when they began to
 * come. */
static bool replaces(const struct cohorts *c, unsigned int first, const struct stretch *s)
{
	double late = c->start[first] + s->ticks * 0.75;
	double grown = least_since(c, late) - c->cohort[first].least;

	return s->bytes * 4 >= (double)c->bytes && grown * 2 < s->bytes;
}

/* Whether the later half might just replace what was freed since and is older than the tracing. */
static bool matched_by_older(const struct cohorts *c, unsigned int first, const struct stretch *s,
			     const struct judge_facts *f)
{
	double start = c->start[first], half = start + s->ticks / 2;
	uint64_t from = c->origin + (uint64_t)(half * (double)(1ull << c->shift)), end;
	const struct cohorts *o = f->older;
	double frees = 0;

	for (unsigned int i = 0; o && i < o->n; i++) {
		end = o->origin + ((uint64_t)end_of(o, i) << o->shift);
		if (end > from)
			frees += o->cohort[i].born;
	}
	return frees * 2 > alive_between(c, half, start + s->ticks);
}

/* Nothing shows that its blocks are meant to die, or its first just did; and a log may take as
 * many. */
static bool is_little(const struct stretch *s)
{
	return s->blocks < JUDGE_ALONE_BLOCKS &&
	       (s->blocks < JUDGE_ALONE_LARGE || s->bytes < JUDGE_ALONE_BYTES);
}

static enum doubt doubt(const struct cohorts *c, const struct judge_facts *f, unsigned int first,
			const struct stretch *s)
{
	bool alone = hardly_dies(c, s);

	if (ceases(c, first, s) || (alone && tapers(c, first, s)))
		return DOUBT_SLOWS;
	if (matched_by_older(c, first, s, f))
		return DOUBT_OLDER;
	if (f->now - c->origin < JUDGE_LEAK_NS)
		return DOUBT_YOUNG;
	return alone && is_little(s) ? DOUBT_FEW : DOUBT_NONE;
}

/* Whether the blocks born in cohorts [first, last] and alive make a leak, or at least growth. */
static enum verdict judge_stretch(const struct cohorts *c, const struct judge_facts *f,
				  unsigned int first, const struct stretch *s, enum doubt *why)
{
	double end = c->start[first] + s->ticks;

	if (s->blocks < JUDGE_LEAST_BLOCKS || s->occupied < JUDGE_LEAST_COHORTS ||
	    s->ticks < least_ticks(c, f) || !begins_anew(c, first, s) || replaces(c, first, s) ||
	    alive_between(c, end - s->ticks / 2, end) * STEP < s->blocks)
		return VERDICT_UNKNOWN;
	*why = doubt(c, f, first, s);
	return *why ? VERDICT_GROWING : VERDICT_LEAK;
}

/*
 * The stretch from cohort `first` up to what is overdue by the least age after which few died.
 * False: there is none.
 */
static bool overdue(const struct cohorts *c, unsigned int first, struct stretch *s)
{
	double late = 0;

	for (unsigned int i = 1; i < COHORTS_LIVES; i++)
		late += c->lives[i];
	for (unsigned int k = 0; k < AGES; k++, late -= c->lives[k]) {
		unsigned int age = 1u << k, end = c->n;

		while (end > first && c->tick < end_of(c, end - 1) + 2 * age)
			end--;
		if (end == first)
			return false;
		*s = stretch(c, first, end - 1);
		if (late * LATE_DEATHS <= s->blocks)
			return s->ticks >= 2 * age;
	}
	return false;
}

/* The best that any stretch proves. A stretch does not begin with a time before its trend. */
static void find_leak(const struct cohorts *c, const struct judge_facts *f, struct judgement *j)
{
	struct stretch s, head;
	enum verdict verdict;
	enum doubt why;

	for (unsigned int first = 0; first < c->n && j->verdict != VERDICT_LEAK; first++) {
		if (!overdue(c, first, &s))
			continue;
		head = stretch(c, first, first);
		if (head.blocks * STEP * s.ticks < s.blocks * head.ticks)
			continue;
		verdict = judge_stretch(c, f, first, &s, &why);
		if (verdict <= j->verdict)
			continue;
		j->verdict = verdict;
		j->doubt = why;
		j->rate = s.bytes / seconds(c, s.ticks);
		j->survival = s.born > 0 ? s.blocks / s.born : 0;
		j->leaking = verdict == VERDICT_LEAK
				 ? f->now - c->origin - ((uint64_t)c->start[first] << c->shift)
				 : 0;
	}
}

/* ---- the rest ---- */

/*
 * Whether in the later half there was a step up for good: what the site held at its least after
 * some cohort is more than at its most before it, by far more than what it held differed before.
 * The first eighth does not count.
 */
static bool steps_up(const struct cohorts *c, double *rate)
{
	double most = 0, least = INFINITY, after, step;

	for (unsigned int i = 0; i + 1u < c->n && (end_of(c, i) + 2) * 16 < c->tick * 17; i++) {
		after = least_since(c, end_of(c, i));
		step = after - most;
		if (i && end_of(c, i) * 2 > c->tick && after > most * GROWTH &&
		    step * 2 > most - least) {
			*rate = step / seconds(c, c->tick * 0.5);
			return true;
		}
		if (end_of(c, i) * 8 > c->tick) {
			most = fmax(most, c->cohort[i].most);
			least = fmin(least, c->cohort[i].least);
		}
	}
	return false;
}

/* The same without a step: at its least in the last quarter it held more than at its most in the
 * first half. */
static bool climbs(const struct cohorts *c, double *rate)
{
	double most = 0, least = least_since(c, c->tick * 0.75);

	for (unsigned int i = 0; i < c->n && end_of(c, i) * 2 <= c->tick; i++)
		if (end_of(c, i) * 8 > c->tick)
			most = fmax(most, c->cohort[i].most);
	*rate = (least - most) / seconds(c, c->tick * 0.375);
	return most > 0 && isfinite(least) && least > most * GROWTH;
}

static uint64_t last_birth(const struct cohorts *c)
{
	return c->origin + ((uint64_t)c->last << COHORTS_UNIT);
}

/* Nothing came for half the time; startup, if all came in the first quarter, and the first
 * minutes. */
static enum verdict quiet(uint64_t last, const struct judge_facts *f)
{
	uint64_t run = f->now > f->began ? f->now - f->began : 0;
	uint64_t since = f->now > last ? f->now - last : 0;

	if (since < JUDGE_LEAST_NS || since < run / 2)
		return VERDICT_UNKNOWN;
	if (since >= run / 4 * 3 && run - since <= STARTUP_MAX_NS)
		return VERDICT_STARTUP;
	return VERDICT_PLATEAU;
}

static void tell_apart(const struct cohorts *c, const struct judge_facts *f, struct judgement *j)
{
	struct stretch all = stretch(c, 0, c->n - 1u);
	double old = alive_between(c, 0, c->tick * 0.5), rate;

	if (steps_up(c, &rate) || climbs(c, &rate)) {
		j->verdict = VERDICT_GROWING;
		j->rate = rate;
		return;
	}
	j->verdict = c->bytes || all.blocks > 0 ? quiet(last_birth(c), f) : VERDICT_UNKNOWN;
	if (j->verdict != VERDICT_UNKNOWN || all.born < JUDGE_LEAST_BLOCKS)
		return;
	j->verdict =
	    old <= all.blocks / 4 && j->survival < CHURN_SURVIVAL ? VERDICT_CHURN : VERDICT_PLATEAU;
}

/* Of the blocks that were born in the older half of the time. */
static double survival(const struct cohorts *c)
{
	double born = 0, alive = 0;

	for (unsigned int i = 0; i < c->n && (!i || end_of(c, i) * 2 <= c->tick); i++) {
		born += c->cohort[i].born;
		alive += c->cohort[i].alive;
	}
	return born > 0 ? alive / born : 0;
}

struct judgement judge__site(const struct cohorts *cohorts, const struct judge_facts *facts)
{
	struct cohorts c = *cohorts;
	struct judgement j = { .longest = (uint64_t)c.longest << COHORTS_UNIT };

	cohorts__advance(&c, facts->now);
	j.window = facts->now > c.origin ? facts->now - c.origin : 0;
	j.survival = survival(&c);
	if (j.window < JUDGE_LEAST_NS)
		return j;
	find_leak(&c, facts, &j);
	if (j.verdict == VERDICT_UNKNOWN)
		tell_apart(&c, facts, &j);
	return j;
}

struct judgement judge__single(uint64_t birth, const struct judge_facts *facts)
{
	return (struct judgement){
		.verdict = quiet(birth, facts),
		.survival = 1,
		.window = facts->now > birth ? facts->now - birth : 0,
	};
}

void judge__save(const struct judgement *j, struct strbuf *sb)
{
	codec__put(sb, j->verdict);
	codec__put(sb, j->doubt);
	codec__put_double(sb, j->rate);
	codec__put_double(sb, j->survival);
	codec__put(sb, j->window);
	codec__put(sb, j->longest);
	codec__put(sb, j->leaking);
}

int judge__load(struct cursor *in, struct judgement *j)
{
	uint64_t verdict = codec__take(in), doubt = codec__take(in);

	*j = (struct judgement){
		.verdict = (enum verdict)(verdict < VERDICTS ? verdict : 0),
		.doubt = (enum doubt)(doubt < DOUBTS ? doubt : 0),
	};
	j->rate = codec__take_double(in);
	j->survival = codec__take_double(in);
	j->window = codec__take(in);
	j->longest = codec__take(in);
	j->leaking = codec__take(in);
	return in->bad || verdict >= VERDICTS || doubt >= DOUBTS ? -EINVAL : 0;
}

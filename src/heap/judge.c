/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three things make a leak: blocks live far longer than any that ever died at the site; such blocks
 * keep coming; and deaths do not catch up with them.
 *
 * For an age of 1, 2, 4, 8 or 16 ticks, suppose that blocks of the site either die younger than
 * that or never. Then few blocks died later than that age, and a live block born twice that long
 * ago is "overdue". The site leaks if there is a stretch of time that ends where blocks become
 * overdue, lasts at least twice the age and a quarter of the run, and for which all of this holds:
 *   - Enough overdue blocks were born in it, many times the number of late deaths.
 *   - They were born throughout, not markedly fewer towards its end (as in a cache that fills up)
 *     than the process had less to do.
 *   - Before it, hardly any were born (the leak began then), or a burst was (the program loaded
 *     something first). Otherwise choosing a stretch could hide that births slowly cease.
 *   - What the site holds grew accordingly (a cache at its limit drops an old block for each new
 *     one).
 *   - In its later half, births are not matched by frees of blocks older than the tracing that may
 *     have been the site's (the same cache, already full when it was first seen).
 *   - Where hardly any block ever died, there are more of them than a log or a small table holds
 *     when full, and they do not come ever more slowly, as into a cache whose hit rate rises as it
 *     fills.
 * What the process has to do is measured by what else it allocates and soon frees (activity.h). A
 * decline counts for as much as it exceeds that of the work: with fewer requests, fewer blocks are
 * lost. Where nothing else is known, any decline counts.
 *
 * So a sawtooth proves nothing until it has lasted some four times as long as its longest tooth.
 *
 * A site that fails one of the last conditions, or whose minimum has risen above its earlier
 * maximum, is growing. The other verdicts follow from when births ended and from how many of the
 * old blocks are live.
 */
#include "heap/judge.h"

#include <errno.h>
#include <math.h>

#include "heap/stretch.h"
#include "util/codec.h"

#define AGES 5	       /* 1, 2, 4, 8, 16 ticks */
#define LATE_DEATHS 16 /* overdue blocks to each late death */
#define DECLINE 0.6    /* later births to earlier ones: below it, births cease */
#define TAPER 0.8      /* the last third to the first, where births fall throughout and few die */
#define STEP 4	       /* a ratio that marks an event rather than a trend */
#define SHARE_MAX_NS 600000000000ull
#define STARTUP_MAX_NS 120000000000ull
#define GROWTH 1.05
#define MORE 1.2 /* times as much as before: no plateau */
#define CHURN_SURVIVAL 0.05
#define SETTLED_BLOCKS 64

/* What a verdict rests on besides the site's own cohorts. */
struct evidence {
	struct judge_facts given;
	struct work work; /* once it was asked for */
	bool has_work;
};

static const struct work *work_of(const struct cohorts *c, struct evidence *f)
{
	if (!f->has_work)
		f->work = stretch__work_of(c, f->given.work);
	f->has_work = true;
	return &f->work;
}

/* ---- leaks ---- */

/* How long a stretch must be, in ticks. */
static double least_ticks(const struct cohorts *c, struct evidence *f)
{
	uint64_t run = f->given.now > f->given.began ? f->given.now - f->given.began : 0,
		 share = run / 4;

	if (share > SHARE_MAX_NS)
		share = SHARE_MAX_NS;
	if (share < JUDGE_LEAST_NS)
		share = JUDGE_LEAST_NS;
	return (double)share / (double)(1ull << c->shift);
}

/* The rate at which live blocks were born before the stretch, relative to that in it. */
static double rate_before(const struct cohorts *c, unsigned int first, const struct stretch *s)
{
	struct stretch b;

	if (!first)
		return 0;
	b = stretch__of(c, 0, first - 1);
	return b.blocks / b.ticks / (s->blocks / s->ticks);
}

/*
 * What lies before the stretch is no part of the same trend: there was hardly anything, or it was a
 * burst, and not just because there was more to do.
 */
static bool begins_anew(const struct cohorts *c, struct evidence *f, unsigned int first,
			const struct stretch *s)
{
	double times = rate_before(c, first, s), start = c->start[first];
	double per_work;

	if (times * STEP <= 1)
		return true;
	if (times < STEP || s->ticks * 2 < c->tick)
		return false;
	per_work =
	    times *
	    fmin(1, stretch__trend(stretch__work(c, work_of(c, f), 0, start) * s->ticks / start,
				   stretch__work(c, work_of(c, f), start, start + s->ticks)));
	return per_work >= STEP;
}

/* How much less there was to do in the later half; 1: not less. */
static double fall_of_work(const struct cohorts *c, struct evidence *f, unsigned int first,
			   const struct stretch *s)
{
	double start = c->start[first], half = start + s->ticks / 2, end = start + s->ticks;

	return fmin(1, stretch__trend(stretch__work(c, work_of(c, f), start, half),
				      stretch__work(c, work_of(c, f), half, end)));
}

/*
 * Whether births cease: the later half is poorer than the earlier, by more than there was less to
 * do. Small numbers have the benefit of chance, but not behind a burst: that might be the first
 * part of the same decline. Where most blocks die, the site's own births tell what there was to do.
 */
static bool births_cease(const struct cohorts *c, struct evidence *f, unsigned int first,
			 const struct stretch *s)
{
	double start = c->start[first], half = start + s->ticks / 2, end = start + s->ticks;
	double earlier = stretch__alive(c, start, half), later = stretch__alive(c, half, end);
	double chance = rate_before(c, first, s) < 1 ? 2 * sqrt(later) : 0;
	double load = fall_of_work(c, f, first, s);

	if (s->blocks * STEP < s->born)
		load = fmin(load, stretch__born(c, half, end) / stretch__born(c, start, half));
	if (stretch__alive(c, end - s->ticks / 3, end) <= 0)
		return true;
	return later + chance < earlier * load * DECLINE;
}

/* Whether hardly any block ever died. */
static bool hardly_dies(const struct cohorts *c, const struct stretch *s)
{
	uint64_t deaths = 0;

	for (unsigned int i = 0; i < COHORTS_LIVES; i++)
		deaths += c->lives[i];
	return (double)deaths * LATE_DEATHS <= s->blocks;
}

struct thirds {
	double a, b, c;
};

static struct thirds births_in_thirds(const struct cohorts *c, double from, double first,
				      double second, double to)
{
	return (struct thirds){ stretch__alive(c, from, first), stretch__alive(c, first, second),
				stretch__alive(c, second, to) };
}

static bool thirds_fall(const struct thirds *t)
{
	return t->a > t->b && t->b > t->c && t->c < t->a * TAPER &&
	       t->a - t->c > 3 * sqrt(t->a + t->c);
}

static bool thirds_are_steady(const struct thirds *t)
{
	double most = fmax(t->a, fmax(t->b, t->c)), least = fmin(t->a, fmin(t->b, t->c));

	return least > most * TAPER || most - least < 3 * sqrt(most + least);
}

/*
 * A cache is hit the more, the more is in it: in each third of the work there are fewer births than
 * in the one before, by more than chance. What comes by the clock falls off against work that
 * rises, and is no such thing.
 */
static bool births_taper(const struct cohorts *c, struct evidence *f, unsigned int first,
			 const struct stretch *s)
{
	double from = c->start[first], to = from + s->ticks, third = s->ticks / 3;
	double one = stretch__when_done(c, work_of(c, f), from, to, 1.0 / 3),
	       two = stretch__when_done(c, work_of(c, f), from, to, 2.0 / 3);
	struct thirds by_work = births_in_thirds(c, from, one, two, to);
	struct thirds by_clock = births_in_thirds(c, from, from + third, to - third, to);

	if (!thirds_fall(&by_work))
		return false;
	return thirds_fall(&by_clock) || !thirds_are_steady(&by_clock);
}

/* Whether survivors replace other blocks: they are much of what the site holds, but it does not
 * hold accordingly more than when they began to come. */
static bool replaces(const struct cohorts *c, unsigned int first, const struct stretch *s)
{
	double late = c->start[first] + s->ticks * 0.75;
	double grown = stretch__least_since(c, late) - c->cohort[first].least;

	return s->bytes * 4 >= (double)c->bytes && grown * 2 < s->bytes;
}

/* Whether the later half might just replace blocks of the site that are older than the tracing and
 * were freed since. */
static bool matched_by_older(const struct cohorts *c, unsigned int first, const struct stretch *s,
			     struct evidence *f)
{
	double start = c->start[first], half = start + s->ticks / 2;
	uint64_t from = c->origin + (uint64_t)(half * (double)(1ull << c->shift));

	return f->given.older &&
	       older_frees__at_most(f->given.older, f->given.now, from, c->sizes) * 2 >
		   stretch__alive(c, half, start + s->ticks);
}

/* Too little to be called a leak where hardly a block died: a log may hold as many. */
static bool is_little(const struct stretch *s)
{
	return s->blocks < JUDGE_ALONE_BLOCKS &&
	       (s->blocks < JUDGE_ALONE_LARGE || s->bytes < JUDGE_ALONE_BYTES);
}

/*
 * Whether what was observed for a short time is enough: the process is past its start, most of the
 * site's blocks die young, and a steady share of them, which is many, survives.
 */
static bool is_settled(const struct cohorts *c, const struct evidence *f, unsigned int first,
		       const struct stretch *s)
{
	return f->given.age >= JUDGE_SETTLED_AGE_NS &&
	       f->given.now - c->origin >= JUDGE_SETTLED_LEAK_NS && s->blocks >= SETTLED_BLOCKS &&
	       s->blocks * 2 <= s->born && stretch__share_is_steady(c, c->start[first], s);
}

static enum doubt find_doubt(const struct cohorts *c, struct evidence *f, unsigned int first,
			     const struct stretch *s)
{
	bool alone = hardly_dies(c, s);

	if (births_cease(c, f, first, s) || (alone && births_taper(c, f, first, s)))
		return DOUBT_SLOWS;
	if (matched_by_older(c, first, s, f))
		return DOUBT_OLDER;
	if (f->given.now - c->origin < JUDGE_LEAK_NS && !is_settled(c, f, first, s))
		return DOUBT_YOUNG;
	return alone && is_little(s) ? DOUBT_FEW : DOUBT_NONE;
}

/* Whether the live blocks of a stretch are a leak, or at least growth. */
static enum verdict judge_stretch(const struct cohorts *c, struct evidence *f, unsigned int first,
				  const struct stretch *s, enum doubt *why)
{
	double end = c->start[first] + s->ticks;
	double later = stretch__alive(c, end - s->ticks / 2, end);

	if (s->blocks < JUDGE_LEAST_BLOCKS || s->occupied < JUDGE_LEAST_COHORTS ||
	    s->ticks < least_ticks(c, f) || !begins_anew(c, f, first, s) || replaces(c, first, s) ||
	    later * (STEP - 1) < (s->blocks - later) * fall_of_work(c, f, first, s))
		return VERDICT_UNKNOWN;
	*why = find_doubt(c, f, first, s);
	return *why ? VERDICT_GROWING : VERDICT_LEAK;
}

/*
 * Finds the stretch from cohort `first` to the last one that is overdue, by the lowest age after
 * which few blocks died. False where there is none.
 */
static bool overdue_stretch(const struct cohorts *c, unsigned int first, struct stretch *s)
{
	double late = 0;

	for (unsigned int i = 1; i < COHORTS_LIVES; i++)
		late += c->lives[i];
	for (unsigned int k = 0; k < AGES; k++, late -= c->lives[k]) {
		unsigned int age = 1u << k, end = c->n;

		while (end > first && c->tick < stretch__cohort_end(c, end - 1) + 2 * age)
			end--;
		if (end == first)
			return false;
		*s = stretch__of(c, first, end - 1);
		if (late * LATE_DEATHS <= s->blocks)
			return s->ticks >= 2 * age;
	}
	return false;
}

/* The strongest verdict that any stretch supports. A stretch must not begin before its trend. */
static void find_leak(const struct cohorts *c, struct evidence *f, struct judgement *j)
{
	struct stretch s, head;
	enum verdict verdict;
	enum doubt why;

	for (unsigned int first = 0; first < c->n && j->verdict != VERDICT_LEAK; first++) {
		if (!overdue_stretch(c, first, &s))
			continue;
		head = stretch__of(c, first, first);
		if (head.blocks * STEP * s.ticks < s.blocks * head.ticks)
			continue;
		verdict = judge_stretch(c, f, first, &s, &why);
		if (verdict <= j->verdict)
			continue;
		j->verdict = verdict;
		j->doubt = why;
		j->rate = s.bytes / stretch__seconds(c, s.ticks);
		j->survival = s.born > 0 ? s.blocks / s.born : 0;
		j->leaking = verdict == VERDICT_LEAK ? f->given.now - c->origin -
							   ((uint64_t)c->start[first] << c->shift)
						     : 0;
	}
}

/* ---- the rest ---- */

/*
 * Whether there was a lasting step up in the later half: after some cohort, the minimum of what the
 * site held exceeds the maximum before it, by more than half the earlier variation. The first
 * eighth of the time does not count.
 */
static bool steps_up(const struct cohorts *c, double *rate)
{
	double most = 0, least = INFINITY, after, step;

	for (unsigned int i = 0;
	     i + 1u < c->n && (stretch__cohort_end(c, i) + 2) * 16 < c->tick * 17; i++) {
		after = stretch__least_since(c, stretch__cohort_end(c, i));
		step = after - most;
		if (i && stretch__cohort_end(c, i) * 2 > c->tick && after > most * GROWTH &&
		    step * 2 > most - least) {
			*rate = step / stretch__seconds(c, c->tick * 0.5);
			return true;
		}
		if (stretch__cohort_end(c, i) * 8 > c->tick) {
			most = fmax(most, c->cohort[i].most);
			least = fmin(least, c->cohort[i].least);
		}
	}
	return false;
}

/* The same without a step: the minimum in the last quarter exceeds the maximum in the first half.
 */
static bool climbs(const struct cohorts *c, double *rate)
{
	double most = 0, least = stretch__least_since(c, c->tick * 0.75);

	for (unsigned int i = 0; i < c->n && stretch__cohort_end(c, i) * 2 <= c->tick; i++)
		if (stretch__cohort_end(c, i) * 8 > c->tick)
			most = fmax(most, c->cohort[i].most);
	*rate = (least - most) / stretch__seconds(c, c->tick * 0.375);
	return most > 0 && isfinite(least) && least > most * GROWTH;
}

/* No births for half the time: a plateau, or startup if all came in the first quarter of the run
 * and within its first minutes. */
static enum verdict judge_quiet(uint64_t last, const struct judge_facts *f)
{
	uint64_t run = f->now > f->began ? f->now - f->began : 0;
	uint64_t since = f->now > last ? f->now - last : 0;

	if (since < JUDGE_LEAST_NS || since < run / 2)
		return VERDICT_UNKNOWN;
	if (since >= run / 4 * 3 && run - since <= STARTUP_MAX_NS)
		return VERDICT_STARTUP;
	return VERDICT_PLATEAU;
}

/* Whether it holds more than before the last quarter of the time: of late, perhaps by chance. */
static bool holds_more(const struct cohorts *c)
{
	double most = 0;

	for (unsigned int i = 0; i < c->n && stretch__cohort_end(c, i) <= c->tick * 0.75; i++)
		most = fmax(most, c->cohort[i].most);
	return (double)c->bytes > most * MORE;
}

static void judge_rest(const struct cohorts *c, const struct judge_facts *f, struct judgement *j)
{
	struct stretch all = stretch__of(c, 0, c->n - 1u);
	double old = stretch__alive(c, 0, c->tick * 0.5), rate;

	if (steps_up(c, &rate) || climbs(c, &rate)) {
		j->verdict = VERDICT_GROWING;
		j->rate = rate;
		return;
	}
	j->verdict =
	    c->bytes || all.blocks > 0 ? judge_quiet(cohorts__last(c), f) : VERDICT_UNKNOWN;
	if (j->verdict != VERDICT_UNKNOWN || all.born < JUDGE_LEAST_BLOCKS)
		return;
	if (old <= all.blocks / 4 && j->survival < CHURN_SURVIVAL)
		j->verdict = VERDICT_CHURN;
	else if (!holds_more(c))
		j->verdict = VERDICT_PLATEAU;
}

/* The fraction still live of the blocks born in the older half of the time. */
static double survival(const struct cohorts *c)
{
	double born = 0, alive = 0;

	for (unsigned int i = 0; i < c->n && (!i || stretch__cohort_end(c, i) * 2 <= c->tick);
	     i++) {
		born += c->cohort[i].born;
		alive += c->cohort[i].alive;
	}
	return born > 0 ? alive / born : 0;
}

static struct judgement judge_now(const struct cohorts *cohorts, const struct judge_facts *facts)
{
	struct evidence evidence = { .given = *facts };
	struct cohorts c = *cohorts;
	struct judgement j = { .longest = (uint64_t)c.longest << COHORTS_UNIT };

	cohorts__advance(&c, facts->now);
	j.window = facts->now > c.origin ? facts->now - c.origin : 0;
	j.survival = survival(&c);
	if (j.window < JUDGE_LEAST_NS)
		return j;
	find_leak(&c, &evidence, &j);
	if (j.verdict == VERDICT_UNKNOWN)
		judge_rest(&c, facts, &j);
	return j;
}

/*
 * A leak stays one when the process has no more to do: where that had enough to do before, the
 * verdict is that of its last work. What it loaded while it started is another matter.
 */
struct judgement judge__site(const struct cohorts *cohorts, const struct judge_facts *facts)
{
	uint64_t present = cohorts->origin + ((uint64_t)cohorts->tick << cohorts->shift);
	struct judgement j = judge_now(cohorts, facts), busy;
	struct judge_facts then = *facts;

	then.now = facts->work ? activity__last(facts->work) : 0;
	if (j.verdict == VERDICT_LEAK || then.now < present ||
	    then.now < facts->began + STARTUP_MAX_NS || then.now + JUDGE_LEAST_NS > facts->now)
		return j;
	busy = judge_now(cohorts, &then);
	if (busy.verdict != VERDICT_LEAK)
		return j;
	busy.window = j.window;
	return busy;
}

struct judgement judge__single(uint64_t birth, const struct judge_facts *facts)
{
	return (struct judgement){
		.verdict = judge_quiet(birth, facts),
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/stretch.h"

#include <math.h>

/* Less work than this says nothing about its trend. */
#define WORK_LEAST 64

unsigned int stretch__cohort_end(const struct cohorts *c, unsigned int i)
{
	return i + 1u < c->n ? c->start[i + 1] : c->tick + 1u;
}

struct stretch stretch__of(const struct cohorts *c, unsigned int first, unsigned int last)
{
	struct stretch s = { .ticks = stretch__cohort_end(c, last) - c->start[first] };

	for (unsigned int i = first; i <= last; i++) {
		s.blocks += c->cohort[i].alive;
		s.bytes += (double)c->cohort[i].alive_bytes;
		s.born += c->cohort[i].born;
		s.occupied += c->cohort[i].alive != 0;
	}
	return s;
}

/* The fraction of cohort i that lies in [from, to). */
static double part_between(const struct cohorts *c, unsigned int i, double from, double to)
{
	unsigned int end = stretch__cohort_end(c, i);
	double low = fmax(c->start[i], from), high = fmin(end, to);

	return high > low ? (high - low) / (end - c->start[i]) : 0;
}

double stretch__alive(const struct cohorts *c, double from, double to)
{
	double sum = 0;

	for (unsigned int i = 0; i < c->n; i++)
		sum += c->cohort[i].alive * part_between(c, i, from, to);
	return sum;
}

double stretch__born(const struct cohorts *c, double from, double to)
{
	double sum = 0;

	for (unsigned int i = 0; i < c->n; i++)
		sum += c->cohort[i].born * part_between(c, i, from, to);
	return sum;
}

double stretch__least_since(const struct cohorts *c, double from)
{
	double least = INFINITY;

	for (unsigned int i = 0; i < c->n; i++)
		if (stretch__cohort_end(c, i) > from)
			least = fmin(least, c->cohort[i].least);
	return least;
}

bool stretch__share_is_steady(const struct cohorts *c, double from, const struct stretch *s)
{
	double third = s->ticks / 3, share = s->blocks / s->born;

	for (int i = 0; i < 3; i++, from += third) {
		double born = stretch__born(c, from, from + third) * share;
		double off = fabs(stretch__alive(c, from, from + third) - born);

		if (born <= 0 || (off > born * 0.2 && off > 3 * sqrt(born)))
			return false;
	}
	return true;
}

double stretch__seconds(const struct cohorts *c, double ticks)
{
	return ticks * (double)(1ull << c->shift) / 1e9;
}

/* ---- work ---- */

/* The fraction of the site's own deaths that count as work of the process. */
static double own_share(const struct cohorts *c)
{
	double soon = 0, all = 0, life;

	for (unsigned int i = 0; i < COHORTS_LIVES; i++) {
		life = ldexp(1, c->shift + (int)i);
		all += c->lives[i];
		soon += c->lives[i] * fmin(1, 2 * (double)ACTIVITY_LIFE_NS / life);
	}
	return all > 0 ? soon / all : 0;
}

struct work stretch__work_of(const struct cohorts *c, const struct activity *a)
{
	double tick = ldexp(1, c->shift), origin = (double)c->origin, own = own_share(c), all;
	struct work w = { 0 };

	for (unsigned int i = 0; a && i < c->n; i++) {
		all = activity__between(a, origin + c->start[i] * tick,
					origin + stretch__cohort_end(c, i) * tick);
		w.in[i] = fmax(all - own * (c->cohort[i].born - c->cohort[i].alive), 0);
	}
	return w;
}

double stretch__work(const struct cohorts *c, const struct work *w, double from, double to)
{
	double sum = 0;

	for (unsigned int i = 0; i < c->n; i++)
		sum += w->in[i] * part_between(c, i, from, to);
	return sum;
}

double stretch__trend(double earlier, double later)
{
	if (earlier + later < WORK_LEAST)
		return 1;
	return (later + 2 * sqrt(later) + 1) / fmax(earlier, 1);
}

double stretch__when_done(const struct cohorts *c, const struct work *w, double from, double to,
			  double share)
{
	double all = stretch__work(c, w, from, to), left = all * share, part;

	if (all < WORK_LEAST)
		return from + (to - from) * share;
	for (unsigned int i = 0; i < c->n; i++) {
		double low = fmax(from, c->start[i]), high = fmin(to, stretch__cohort_end(c, i));

		part = high > low ? stretch__work(c, w, low, high) : 0;
		if (part > 0 && part >= left)
			return low + (high - low) * left / part;
		left -= part;
	}
	return to;
}

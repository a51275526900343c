/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs made of call sites that are known to leak or not, run in simulated time through the real
 * collector: each site is an agent that is asked every hundredth of a second what it allocates and
 * frees. All chance comes from a seed.
 */
#ifndef SIMULATION_H
#define SIMULATION_H

#include <math.h>

#include "events.h"
#include "heap/size_class.h"

#define STEP_NS (10 * MS)
#define STEP_S 0.01
#define AGENTS_MAX 64

struct held { /* a block that an agent holds */
	uint64_t addr, size;
	double until; /* s; when it is freed; INFINITY: never */
	uint32_t key;
};

struct agent {
	const char *name;
	void (*step)(struct agent *a, double t);
	bool leaks;				/* what is true of it */
	double rate, size, life, period, share; /* what they mean is the step's affair */
	double phase;
	uint32_t bound;
	/* The simulator's: */
	uint64_t stack, x;
	struct held *held;
	size_t n, cap;
	size_t lasting;	   /* so many of the first of `held` are never freed by free_due */
	uint32_t *slot_of; /* by key: a held block's index + 1 */
	double due, mark, at;
	uint64_t growth_from; /* bytes that it held half way */
};

struct sim {
	struct collector *c;
	struct agent *agents;
	size_t n;
	uint64_t next_addr;
	/* Freed addresses are given to the next request of the same class, as an allocator does. */
	bool reuses;
	struct free_list {
		uint64_t *at;
		size_t n, cap;
	} free[SIZE_CLASSES];
	bool unseen; /* the program runs, but is not traced yet */
};

static struct sim sim;

/* ---- chance ---- */

static inline uint64_t random_bits(struct agent *a)
{
	a->x ^= a->x << 13;
	a->x ^= a->x >> 7;
	a->x ^= a->x << 17;
	return a->x;
}

static inline double uniform(struct agent *a)
{
	return ((double)(random_bits(a) >> 11) + 0.5) / 0x1p53;
}

static inline double exponential(struct agent *a, double mean)
{
	return -mean * log(uniform(a));
}

/* How many of something that happens `rate` times a second happen in this step. */
static inline unsigned int happen(struct agent *a, double rate)
{
	double left = rate * STEP_S;
	unsigned int n = 0;

	if (left > 20)
		return (unsigned int)(left + uniform(a));
	for (left -= exponential(a, 1); left > 0; left -= exponential(a, 1))
		n++;
	return n;
}

/* ---- what agents do ---- */

static inline void sim_event(struct collector *c, void *ev, size_t size)
{
	if (!sim.unseen)
		CHECK_EQ(collector__event(c, ev, size), 0);
}

static inline uint64_t some_address(uint64_t size)
{
	struct free_list *f = &sim.free[size_class__of(size)];
	uint64_t addr = sim.next_addr;

	if (f->n)
		return f->at[--f->n];
	sim.next_addr += 16 + (size + 15) / 16 * 16;
	return addr;
}

static inline void give_back(uint64_t addr, uint64_t size)
{
	struct free_list *f = &sim.free[size_class__of(size)];

	if (!sim.reuses)
		return;
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 64;
		f->at = realloc(f->at, f->cap * sizeof(*f->at));
	}
	f->at[f->n++] = addr;
}

static inline struct held *sim_alloc(struct agent *a, uint64_t size, double until)
{
	struct event_alloc ev = {
		{ .type = EVENT_ALLOC, .api = malloc_row, .pid = PID, .time = now },
		some_address(size),
		size,
		a->stack
	};

	if (a->n == a->cap) {
		a->cap = a->cap ? a->cap * 2 : 64;
		a->held = realloc(a->held, a->cap * sizeof(*a->held));
	}
	sim_event(sim.c, &ev, sizeof(ev));
	a->held[a->n] = (struct held){ ev.addr, size, until, 0 };
	return &a->held[a->n++];
}

static inline void sim_free(struct agent *a, size_t i)
{
	struct event_free ev = { { .type = EVENT_FREE, .pid = PID }, a->held[i].addr };

	sim_event(sim.c, &ev, sizeof(ev));
	give_back(a->held[i].addr, a->held[i].size);
	a->held[i] = a->held[--a->n];
	if (a->lasting > i)
		a->lasting = i;
}

static inline void sim_realloc(struct agent *a, size_t i, uint64_t size, uint64_t stack)
{
	struct event_realloc ev = {
		{ .type = EVENT_REALLOC, .api = malloc_row, .pid = PID, .time = now },
		a->held[i].addr,
		some_address(size),
		size,
		stack,
		now
	};

	sim_event(sim.c, &ev, sizeof(ev));
	give_back(a->held[i].addr, a->held[i].size);
	a->held[i].addr = ev.addr;
	a->held[i].size = size;
}

static inline void free_due(struct agent *a, double t)
{
	while (a->lasting < a->n && a->held[a->lasting].until == INFINITY)
		a->lasting++;
	for (size_t i = a->n; i-- > a->lasting;)
		if (a->held[i].until <= t)
			sim_free(a, i);
}

static inline void free_all(struct agent *a)
{
	while (a->n)
		sim_free(a, a->n - 1);
}

/* Mostly one size, as at one place in a program. */
static inline uint64_t some_size(struct agent *a)
{
	return (uint64_t)(a->size * (0.5 + uniform(a)));
}

/* A key of the first `n`, some far more often than others (Zipf's law, roughly). */
static inline uint32_t zipf(struct agent *a, uint32_t n)
{
	return (uint32_t)(exp(uniform(a) * log(n)) - 1);
}

/* ---- running ---- */

static inline void sim_begin(struct agent *agents, size_t n, uint64_t seed)
{
	sim = (struct sim){ .c = plain(), .agents = agents, .n = n, .next_addr = 0x10000 };
	for (size_t i = 0; i < n; i++) {
		agents[i].stack = i + 1;
		agents[i].x = (seed + 1) * 0x9e3779b97f4a7c15 ^ (i + 1) * 0xbf58476d1ce4e5b9;
		for (int k = 0; k < 8; k++)
			random_bits(&agents[i]);
	}
}

static inline double sim_seconds(void)
{
	return (double)(now - START) / 1e9;
}

static inline void sim_until(double t)
{
	while (sim_seconds() < t) {
		now += STEP_NS;
		for (size_t i = 0; i < sim.n; i++)
			sim.agents[i].step(&sim.agents[i], sim_seconds());
	}
}

/* Goes on to time t untraced, and is attached to then. */
static inline void sim_attach_at(double t)
{
	struct process_facts facts = { .pid = PID };

	sim.unseen = true;
	sim_until(t);
	sim.unseen = false;
	facts.first_seen = now;
	facts.age = (uint64_t)(t * 1e9);
	CHECK_EQ(collector__set_process(sim.c, &facts), 0);
}

static inline void sim_end(void)
{
	for (size_t i = 0; i < sim.n; i++) {
		free(sim.agents[i].held);
		free(sim.agents[i].slot_of);
	}
	for (size_t i = 0; i < SIZE_CLASSES; i++)
		free(sim.free[i].at);
	collector__free(sim.c);
}

static inline struct snapshot sim_ask(enum sort_key sort)
{
	struct query q = { .sort = sort, .top = 0, .heap = true, .map = true, .now = now };
	struct snapshot s;

	CHECK_EQ(collector__snapshot(sim.c, &q, &s), 0);
	return s;
}

static inline size_t rank_of(const struct snapshot *s, uint64_t stack)
{
	for (size_t i = 0; i < s->nsites; i++)
		if (s->sites[i].stack == stack)
			return i + 1;
	return 0;
}

/* ---- agents ---- */

/* When a block dies that was born at t: never, for a share of them. */
static inline double until(struct agent *a, double t, double share)
{
	return uniform(a) < share ? INFINITY : t + exponential(a, a->life);
}

/* Blocks live for `life` on average, but a `share` of them for ever. */
static inline void leaking_churn(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, some_size(a), until(a, t, t >= a->phase ? a->share : 0));
	free_due(a, t);
}

/* Keys are asked for at random; each is kept once it was. */
static inline void filling_cache(struct agent *a, double t)
{
	uint32_t key;

	(void)t;
	if (!a->slot_of)
		a->slot_of = calloc(a->bound, sizeof(*a->slot_of));
	for (unsigned int n = happen(a, a->rate); n > 0; n--) {
		key = (uint32_t)(random_bits(a) % a->bound);
		if (!a->slot_of[key]++)
			sim_alloc(a, some_size(a), INFINITY);
	}
}

/* Every request is a miss, and kept until there is no more room. */
static inline void bounded_table(struct agent *a, double t)
{
	(void)t;
	for (unsigned int n = happen(a, a->rate); n > 0 && a->n < a->bound; n--)
		sim_alloc(a, some_size(a), INFINITY);
}

/* The least recently used of `bound` gives way; 20 times as many keys. */
static inline void lru_cache(struct agent *a, double t)
{
	uint32_t keys = a->bound * 20, key;
	size_t oldest, i;

	if (!a->slot_of)
		a->slot_of = calloc(keys, sizeof(*a->slot_of));
	for (unsigned int n = happen(a, a->rate); n > 0; n--) {
		key = zipf(a, keys);
		if (a->slot_of[key]) {
			a->held[a->slot_of[key] - 1].until = t; /* last used */
			continue;
		}
		if (a->n == a->bound) {
			for (oldest = 0, i = 1; i < a->n; i++)
				if (a->held[i].until < a->held[oldest].until)
					oldest = i;
			a->slot_of[a->held[oldest].key] = 0;
			sim_free(a, oldest);
			if (oldest < a->n)
				a->slot_of[a->held[oldest].key] = (uint32_t)oldest + 1;
		}
		*sim_alloc(a, some_size(a), t) =
		    (struct held){ a->held[a->n - 1].addr, a->held[a->n - 1].size, t, key };
		a->slot_of[key] = (uint32_t)a->n;
	}
}

/* One vector, pushed to `rate` times a second, doubled when it is full. */
static inline void growing_vector(struct agent *a, double t)
{
	double used = t * a->rate * a->size;

	if (!a->n)
		sim_alloc(a, 64, INFINITY);
	while ((double)a->held[0].size < used)
		sim_realloc(a, 0, a->held[0].size * 2, a->stack);
}

/* `bound` blocks while the program starts, for `life` seconds. */
static inline void startup_load(struct agent *a, double t)
{
	while (t < a->life && (double)a->n < a->bound * t / a->life)
		sim_alloc(a, some_size(a), INFINITY);
}

/* Every `period` it works for a `share` of it, and frees all at the end. */
static inline void batch_job(struct agent *a, double t)
{
	double in = fmod(t + a->phase, a->period) / a->period;

	if (in > a->share) {
		free_all(a);
		return;
	}
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, some_size(a), INFINITY);
}

/* Collects, and lets go of all after a time that is about `period`, but differs. */
static inline void sawtooth(struct agent *a, double t)
{
	if (!a->due)
		a->due = a->period * (0.7 + 0.6 * uniform(a)) - a->phase;
	if (t >= a->due) {
		free_all(a);
		a->due = t + a->period * (0.7 + 0.6 * uniform(a));
	}
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, some_size(a), INFINITY);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts on single sites: what a judgement says, and what it rests on. */
#include "verdicts.h"

TEST(numbers_of_a_leak)
{
	struct agent a = { "leak",	leaking_churn, true,	     .rate = 50,
			   .size = 100, .life = 0.5,   .share = 0.5, .phase = 100 };
	struct judgement j;

	sim_begin(&a, 1, 5);
	sim_until(200);
	j = of_stack(1);
	CHECK_EQ(j.verdict, VERDICT_LEAK);
	CHECK(j.rate > 2000 && j.rate < 3000); /* 25 blocks of 100 bytes */
	CHECK(j.survival > 0.45 && j.survival < 0.55);
	CHECK(j.leaking > 90e9 && j.leaking < 110e9);
	CHECK(j.window > 199e9 && j.window <= 200e9);
	CHECK(j.longest > 2e9 && j.longest < 8e9);
	sim_end();
}

TEST(too_little_evidence)
{
	struct agent a = { "leak", leaking_churn, true, .rate = 100, .size = 100, .share = 1 };
	struct agent few = { "few", bounded_table, false, .rate = 0.5, .size = 100, .bound = 7 };

	sim_begin(&a, 1, 1);
	sim_until(3.9);
	CHECK_EQ(of_stack(1).verdict, VERDICT_UNKNOWN);
	sim_until(9);
	CHECK_EQ(of_stack(1).verdict, VERDICT_GROWING); /* nothing was ever freed here */
	CHECK_EQ(of_stack(1).doubt, DOUBT_YOUNG);
	sim_until(12);
	CHECK_EQ(of_stack(1).verdict, VERDICT_LEAK);
	sim_end();
	sim_begin(&few, 1, 1);
	for (double t = 2; t < 60; t += 2) {
		sim_until(t);
		CHECK(of_stack(1).verdict != VERDICT_LEAK);
	}
	sim_end();
}

/*
 * As redis fills its log of slow commands, and postgres its table of open files: a few blocks at a
 * time, none of which dies before the bound. The same without a bound is a leak.
 */
static void log_in_groups(struct agent *a, double t)
{
	for (unsigned int blocks = 3 * happen(a, a->rate); blocks > 0; blocks--) {
		size_t oldest = 0;

		for (size_t i = 0; i < a->n; i++)
			if (a->held[i].addr < a->held[oldest].addr)
				oldest = i;
		if (a->bound && a->n >= a->bound)
			sim_free(a, oldest);
		sim_alloc(a, (uint64_t)a->size, t + 1e9);
	}
}

TEST(what_fills_slowly_and_never_dies)
{
	for (uint64_t seed = 1; seed <= small_runs(3); seed++) {
		struct agent agents[] = {
			{ "slow log", log_in_groups, .rate = 0.5, .size = 30, .bound = 384 },
			{ "open files", log_in_groups, .rate = 0.1, .size = 13, .bound = 128 },
			{ "leak", log_in_groups, true, .rate = 2, .size = 30 },
			{ "leak of large blocks", log_in_groups, true, .rate = 0.2, .size = 5000 },
		};

		sim_begin(agents, 4, seed);
		for (double t = 5; t < 300; t += 5) {
			sim_until(t);
			CHECK(of_stack(1).verdict != VERDICT_LEAK);
			CHECK(of_stack(2).verdict != VERDICT_LEAK);
			if (t == 100)
				CHECK_EQ(of_stack(1).doubt, DOUBT_FEW);
		}
		CHECK_EQ(of_stack(3).verdict, VERDICT_LEAK);
		CHECK_EQ(of_stack(4).verdict, VERDICT_LEAK);
		sim_end();
	}
}

/* A leak of one call in 500, in a program that has less and less to do. */
static void leaking_less(struct agent *a, double t)
{
	a->due = a->rate * exp(-t / a->period);
	free_due(a, t);
	for (unsigned int n = happen(a, a->due); n > 0; n--)
		sim_alloc(a, 100, uniform(a) < a->share ? INFINITY : t + 0.01);
}

/* Few keys are asked for often and many seldom: the fuller the cache, the fewer are new. */
static void cache_of_uneven_keys(struct agent *a, double t)
{
	const uint32_t keys = 20000;
	uint32_t key;

	(void)t;
	if (!a->slot_of)
		a->slot_of = calloc(keys, sizeof(*a->slot_of));
	for (unsigned int n = happen(a, a->rate); n > 0; n--) {
		key = (uint32_t)exponential(a, a->bound);
		if (key < keys && !a->slot_of[key]++)
			sim_alloc(a, some_size(a), INFINITY);
	}
}

TEST(a_cache_that_is_hit_ever_more)
{
	for (uint64_t seed = 1; seed <= small_runs(8); seed++) {
		struct agent agents[] = {
			{ "cache", cache_of_uneven_keys, false, .rate = 26, .size = 670,
			  .bound = 2000 },
			{ "leak", leaking_churn, true, .rate = 12, .size = 670, .share = 1 },
		};

		sim_begin(agents, ARRAY_SIZE(agents), seed);
		for (int t = 40; t <= RUN_S; t += 10) {
			sim_until(t);
			CHECK_EQ(of_stack(2).verdict, VERDICT_LEAK);
			if (t < 120)
				continue;
			CHECK_EQ(of_stack(1).verdict, VERDICT_GROWING);
			CHECK_EQ(of_stack(1).doubt, DOUBT_SLOWS);
		}
		sim_end();
	}
}

TEST(a_leak_under_falling_load)
{
	struct agent a = { "leak", leaking_less, true, .rate = 2000, .period = 70, .share = 0.002 };

	sim_begin(&a, 1, 1);
	sim_until(150);
	CHECK_EQ(of_stack(1).verdict, VERDICT_LEAK);
	sim_end();
}

/* A cache that was full when the tracing began: each new block takes the place of one not known. */
static void full_cache(struct agent *a, double t)
{
	struct event_free ev = { { .type = EVENT_FREE, .pid = PID }, 0 };

	for (unsigned int n = happen(a, a->rate); n > 0; n--) {
		ev.addr = 0x700000000000 + (uint64_t)(a->mark++) * 64;
		sim_event(sim.c, &ev, sizeof(ev));
		sim_alloc(a, 100, t + 1000);
	}
}

TEST(blocks_that_replace_older_ones)
{
	struct agent a = { "full cache", full_cache, false, .rate = 20, .size = 100 };

	sim_begin(&a, 1, 1);
	for (double t = 20; t <= 200; t += 20) {
		sim_until(t);
		CHECK_EQ(of_stack(1).verdict, VERDICT_GROWING);
		CHECK_EQ(of_stack(1).doubt, DOUBT_OLDER);
	}
	sim_end();
}

/*
 * Caches that were full when the tracing began, each block of which lives for `life`, beside
 * requests of all sizes and leaks. That of `same` allocates blocks of the leak's size.
 */
static void long_lives(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, (uint64_t)a->size, t + a->life);
	free_due(a, t);
}

static void requests_of_all_sizes(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, (uint64_t)(16 + a->size * uniform(a)), t + 0.03);
	free_due(a, t);
}

static void leak_of_one_size(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, (uint64_t)a->size, until(a, t, a->share));
	free_due(a, t);
}

TEST(older_blocks_of_other_sizes_are_no_evidence)
{
	for (uint64_t seed = 1; seed <= small_runs(8); seed++) {
		struct agent agents[] = {
			{ "cache", long_lives, false, .rate = 20, .size = 300, .life = 300 },
			{ "sessions", long_lives, false, .rate = 5, .size = 800, .life = 120 },
			{ "requests", requests_of_all_sizes, false, .rate = 200, .size = 1000 },
			{ "leak", leak_of_one_size, true, .rate = 40, .size = 100, .share = 1 },
			{ "slow leak", leak_of_one_size, true, .rate = 100, .size = 180,
			  .life = 0.1, .share = 0.02 },
			{ "leak of a cache's size", leak_of_one_size, true, .rate = 10, .size = 300,
			  .share = 1 },
		};

		sim_begin(agents, ARRAY_SIZE(agents), seed);
		sim.reuses = true;
		sim_attach_at(400);
		for (double t = 430; t <= 500; t += 10) {
			sim_until(t);
			for (uint64_t i = 1; i <= 2; i++) {
				CHECK_EQ(of_stack(i).verdict, VERDICT_GROWING);
				CHECK_EQ(of_stack(i).doubt, DOUBT_OLDER);
			}
			CHECK_EQ(of_stack(3).verdict, VERDICT_CHURN);
			CHECK_EQ(of_stack(4).verdict, VERDICT_LEAK);
			/* As far as can be known. */
			CHECK_EQ(of_stack(6).doubt, DOUBT_OLDER);
		}
		CHECK_EQ(of_stack(5).verdict, VERDICT_LEAK);
		sim_end();
	}
}

/* What would be a leak but for the frees of older blocks is more suspect than a cache that fills
 * up, faster. */
TEST(the_doubted_come_before_what_slows)
{
	struct agent agents[] = {
		{ "cache", cache_of_uneven_keys, false, .rate = 60, .size = 670, .bound = 2000 },
		{ "full cache", full_cache, false, .rate = 5, .size = 100 },
		{ "leak", leaking_churn, true, .rate = 20, .size = 64, .life = 0.3, .share = 0.02 },
		{ "clear leak", leaking_churn, true, .rate = 300, .size = 20, .life = 0.1,
		  .share = 0.2 },
	};
	struct snapshot s;

	sim_begin(agents, ARRAY_SIZE(agents), 3);
	sim_until(200);
	CHECK_EQ(of_stack(1).doubt, DOUBT_SLOWS);
	CHECK_EQ(of_stack(3).verdict, VERDICT_GROWING);
	CHECK_EQ(of_stack(3).doubt, DOUBT_OLDER);
	CHECK_EQ(of_stack(4).verdict, VERDICT_LEAK);
	CHECK_EQ(of_stack(4).doubt, DOUBT_NONE);
	s = sim_ask(SORT_LEAK);
	CHECK_EQ(rank_of(&s, 4), 1);
	CHECK_EQ(rank_of(&s, 2), 2);
	CHECK_EQ(rank_of(&s, 3), 3);
	CHECK_EQ(rank_of(&s, 1), 4);
	snapshot__free(&s);
	sim_end();
}

/* A buffer is made at one place and grown at two others, then forgotten: the last one holds it. */
static void leaky_buffers(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, 50, t + 0.5);
	for (size_t i = a->n; i-- > 0;) {
		if (a->held[i].until > t)
			continue;
		sim_realloc(a, i, 100 + a->held[i].size, a->held[i].size < 100 ? 2 : 3);
		a->held[i].until = a->held[i].size < 240 ? t + 0.5 : INFINITY;
	}
}

TEST(a_leak_of_what_was_reallocated)
{
	struct agent a = { "buffers", leaky_buffers, true, .rate = 20, .size = 50 };

	sim_begin(&a, 1, 1);
	sim_until(60);
	CHECK_EQ(of_stack(3).verdict, VERDICT_LEAK);
	CHECK(of_stack(3).survival == 1);
	CHECK(of_stack(1).verdict != VERDICT_LEAK);
	CHECK(of_stack(2).verdict != VERDICT_LEAK);
	sim_end();
}

/* Mappings of three pages, of which the middle one is given back; and maps that come and go. */
static void maps(struct agent *a, double t)
{
	struct event_map ev = { .ev = { .type = EVENT_MAP, .pid = PID, .time = now },
				.len = 3 * PAGE };

	(void)t;
	for (unsigned int n = happen(a, a->rate); n > 0; n--) {
		ev.ev.type = EVENT_MAP;
		ev.addr = 0x7f0000000000 + (uint64_t)(a->mark++) * 16 * PAGE;
		ev.stack = a->mark <= 40 || (uint64_t)a->mark % 4 ? 2 : 1;
		ev.len = 3 * PAGE;
		sim_event(sim.c, &ev, sizeof(ev));
		ev.ev.type = EVENT_UNMAP;
		ev.began = now;
		ev.addr += ev.stack == 1 ? PAGE : 0;
		ev.len = ev.stack == 1 ? PAGE : 3 * PAGE;
		sim_event(sim.c, &ev, sizeof(ev));
	}
}

TEST(mappings)
{
	struct agent a = { "maps", maps, true, .rate = 4 };

	sim_begin(&a, 1, 1);
	sim_until(100);
	CHECK_EQ(of_stack(1).verdict, VERDICT_LEAK);
	CHECK(of_stack(1).rate > 0.7 * 2 * PAGE && of_stack(1).rate < 1.3 * 2 * PAGE);
	CHECK_EQ(of_stack(2).verdict, VERDICT_CHURN);
	sim_end();
}

TEST(what_an_ended_process_left)
{
	struct agent a = { "leak",	leaking_churn, true,	    .rate = 100,
			   .size = 100, .life = 0.1,   .share = 0.5 };
	struct event ev = { .type = EVENT_EXIT, .pid = PID };
	struct judgement j;

	sim_begin(&a, 1, 1);
	sim_until(30);
	ev.time = now;
	sim_event(sim.c, &ev, sizeof(ev));
	j = of_stack(1);
	CHECK_EQ(j.verdict, VERDICT_LEAK);
	now += 1000000 * MS;
	CHECK_EQ(of_stack(1).verdict, VERDICT_LEAK);
	CHECK(of_stack(1).rate == j.rate);
	sim_end();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verdicts while a program's traffic changes. All sites of a program serve the same requests, so
 * that they allocate more or less together. This set was written before verdicts took a process's
 * activity into account.
 */
#include "verdicts.h"

enum traffic { FALLING, BURSTS, DAILY, ENDING, LOADED, TRAFFICS };

static const char *const traffic_names[TRAFFICS] = { "falling", "in bursts", "daily", "ending",
						     "loaded" };
static enum traffic traffic_now;

/* The share of the busiest hour's requests that arrive at time t. */
static double traffic(double t)
{
	switch (traffic_now) {
	case FALLING: /* an evening: to a tenth within the run */
		return 0.1 + 0.9 * exp(-t / 80);
	case BURSTS: /* five busy seconds in seventeen */
		return fmod(t, 17) < 5 ? 1 : 0.04;
	case DAILY: /* a day takes two minutes */
		return 0.55 - 0.45 * cos(2 * M_PI * t / 120);
	case ENDING: /* a benchmark that ends */
		return t < 200 ? 1 : 0.02;
	default: /* a machine that others load, more and more, in steps */
		return 1 / (1 + floor(t / 60));
	}
}

static unsigned int requests(struct agent *a, double t)
{
	return happen(a, a->rate * traffic(t));
}

/* A share of the requests loses its block. */
static void losing_requests(struct agent *a, double t)
{
	for (unsigned int n = requests(a, t); n > 0; n--)
		sim_alloc(a, some_size(a), until(a, t, a->share));
	free_due(a, t);
}

/* Nothing of it is ever freed. */
static void losing_all(struct agent *a, double t)
{
	for (unsigned int n = requests(a, t); n > 0; n--)
		sim_alloc(a, some_size(a), INFINITY);
}

/* A timer loses a block at a steady rate, whatever the traffic. */
static void losing_by_timer(struct agent *a, double t)
{
	(void)t;
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, some_size(a), INFINITY);
}

/* Each key is kept once it was asked for. */
static void filling_by_requests(struct agent *a, double t)
{
	uint32_t key;

	if (!a->slot_of)
		a->slot_of = calloc(a->bound, sizeof(*a->slot_of));
	for (unsigned int n = requests(a, t); n > 0; n--) {
		key = (uint32_t)(random_bits(a) % a->bound);
		if (!a->slot_of[key]++)
			sim_alloc(a, some_size(a), INFINITY);
	}
}

/* The same where few keys are asked for often and many seldom. */
static void filling_by_uneven_requests(struct agent *a, double t)
{
	const uint32_t keys = 20000;
	uint32_t key;

	if (!a->slot_of)
		a->slot_of = calloc(keys, sizeof(*a->slot_of));
	for (unsigned int n = requests(a, t); n > 0; n--) {
		key = (uint32_t)exponential(a, a->bound);
		if (key < keys && !a->slot_of[key]++)
			sim_alloc(a, some_size(a), INFINITY);
	}
}

static void table_by_requests(struct agent *a, double t)
{
	for (unsigned int n = requests(a, t); n > 0 && a->n < a->bound; n--)
		sim_alloc(a, some_size(a), INFINITY);
}

/* A ring of the last `bound` requests. */
static void ring_by_requests(struct agent *a, double t)
{
	for (unsigned int n = requests(a, t); n > 0; n--) {
		if (a->n == a->bound)
			sim_free(a, random_bits(a) % a->n);
		sim_alloc(a, some_size(a), t);
	}
}

/* Sessions that requests open, and that end after `life` on average. */
static void sessions_by_requests(struct agent *a, double t)
{
	for (unsigned int n = requests(a, t); n > 0; n--)
		sim_alloc(a, some_size(a), t + exponential(a, a->life));
	free_due(a, t);
}

/* New words come ever more rarely, the more text was read. */
static void words_by_requests(struct agent *a, double t)
{
	a->mark += requests(a, t);
	while ((double)a->n < 4 * pow(a->mark, 0.6))
		sim_alloc(a, some_size(a), INFINITY);
}

/*
 * Until it is full, a table is no different from a leak, and as long as nearly every key is new,
 * neither is a cache. So their rates are such that this is over by half of the run, even if they
 * vary and the traffic is low.
 */
static const struct agent served[] = {
	{ "one request in a hundred", losing_requests, true, .rate = 400, .size = 90, .life = 0.05,
	  .share = 0.01 },
	{ "every request of a kind", losing_all, true, .rate = 25, .size = 200 },
	{ "half of a kind", losing_requests, true, .rate = 20, .size = 64, .life = 0.2,
	  .share = 0.5 },
	{ "a timer's blocks", losing_by_timer, true, .rate = 15, .size = 120 },
	{ "cache filling to a bound", filling_by_requests, false, .rate = 200, .size = 500,
	  .bound = 5000 },
	{ "cache of uneven keys", filling_by_uneven_requests, false, .rate = 120, .size = 670,
	  .bound = 2000 },
	{ "table filling to a bound", table_by_requests, false, .rate = 200, .size = 300,
	  .bound = 1500 },
	{ "ring of recent requests", ring_by_requests, false, .rate = 100, .size = 250,
	  .bound = 800 },
	{ "sessions", sessions_by_requests, false, .rate = 8, .size = 1500, .life = 12 },
	{ "words", words_by_requests, false, .rate = 100, .size = 40 },
	{ "buffers of requests", losing_requests, false, .rate = 1500, .size = 400, .life = 0.02,
	  .share = 0 },
};

/* Runs the set under a traffic. How many leaks were missed. */
static unsigned int serve(enum traffic traffic, uint64_t seed, bool varied)
{
	struct said said[ARRAY_SIZE(served)];

	traffic_now = traffic;
	run(served, ARRAY_SIZE(served), seed, varied, said);
	if (!varied) {
		printf("# traffic %s:\n", traffic_names[traffic]);
		print(served, ARRAY_SIZE(served), said);
	}
	return check(served, ARRAY_SIZE(served), said, seed);
}

TEST(sites_under_changing_traffic)
{
	for (int i = 0; i < TRAFFICS; i++)
		CHECK_EQ(serve((enum traffic)i, 1, false), 0);
}

TEST(sites_under_changing_traffic_varied)
{
	for (int i = 0; i < TRAFFICS; i++) {
		unsigned int missed = 0;

		for (uint64_t seed = 2; seed < 2 + varied_runs(); seed++)
			missed += serve((enum traffic)i, seed, true);
		printf("# traffic %s: %u of %u leaks missed\n", traffic_names[i], missed,
		       4 * (unsigned int)varied_runs());
		CHECK_EQ(missed, 0);
	}
}

/* ---- small programs, where little tells one from the other ---- */

static enum doubt doubt_of(uint64_t stack, enum verdict want)
{
	struct snapshot s = sim_ask(SORT_LEAK);
	size_t rank = rank_of(&s, stack);
	enum doubt doubt = DOUBTS;

	CHECK(rank);
	if (rank) {
		CHECK_EQ(s.sites[rank - 1].judged.verdict, want);
		doubt = s.sites[rank - 1].judged.doubt;
	}
	snapshot__free(&s);
	return doubt;
}

/* Each request takes a buffer and gives it back, and loses a block. */
TEST(a_leak_beside_one_buffer)
{
	struct agent agents[] = {
		{ "buffer", losing_requests, false, .rate = 600, .size = 3000, .life = 0.001 },
		{ "leak", losing_all, true, .rate = 600, .size = 400 },
	};

	traffic_now = FALLING;
	sim_begin(agents, 2, 1);
	for (int t = 20; t <= RUN_S; t += 20) {
		sim_until(t);
		CHECK_EQ(doubt_of(2, VERDICT_LEAK), DOUBT_NONE);
	}
	sim_end();
}

/* Nothing else shows whether there is less to do, or the site's births cease. */
TEST(a_leak_alone)
{
	struct agent a = { "leak", losing_all, true, .rate = 50, .size = 400 };

	traffic_now = FALLING;
	sim_begin(&a, 1, 1);
	sim_until(200);
	CHECK_EQ(doubt_of(1, VERDICT_GROWING), DOUBT_SLOWS);
	sim_end();
}

/* Each miss makes an entry of three blocks, at three places: none of them is work. */
static void filling_in_threes(struct agent *a, double t)
{
	uint32_t key;

	(void)t;
	if (!a->slot_of)
		a->slot_of = calloc(a->bound, sizeof(*a->slot_of));
	for (unsigned int n = happen(a, a->rate); n > 0; n--) {
		key = (uint32_t)(random_bits(a) % a->bound);
		for (int i = 0; !a->slot_of[key] && i < 3; i++) {
			sim_alloc(a, some_size(a), INFINITY);
			a->stack = 1 + a->stack % 3;
		}
		a->slot_of[key] = 1;
	}
}

TEST(a_cache_alone)
{
	struct agent a = {
		"cache", filling_in_threes, false, .rate = 40, .size = 100, .bound = 4000
	};

	sim_begin(&a, 1, 1);
	for (int t = 100; t <= 200; t += 10) {
		sim_until(t);
		for (uint64_t stack = 1; stack <= 3; stack++)
			CHECK_EQ(doubt_of(stack, VERDICT_GROWING), DOUBT_SLOWS);
	}
	sim_end();
}

/* What a leak was when the process had something to do, it still is when it has no more. */
static void until_three_minutes(struct agent *a, double t)
{
	if (t < 180)
		leaking_churn(a, t);
	else
		free_due(a, t);
}

TEST(a_process_that_idles)
{
	struct agent agents[] = {
		{ "buffers", until_three_minutes, false, .rate = 500, .size = 100, .life = 0.01 },
		{ "leak", until_three_minutes, true, .rate = 20, .size = 100, .life = 0.1,
		  .share = 1 },
		{ "start-up load", startup_load, false, .size = 200, .bound = 8000, .life = 100 },
	};

	sim_begin(agents, 3, 1);
	for (int t = 180; t <= 900; t += 60) {
		sim_until(t);
		CHECK_EQ(doubt_of(2, VERDICT_LEAK), DOUBT_NONE);
		if (t >= 420)
			CHECK_EQ(doubt_of(3, VERDICT_STARTUP), DOUBT_NONE);
	}
	sim_end();
}

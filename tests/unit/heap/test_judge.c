/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts on sites that are known to leak or not. */
#include "verdicts.h"

static const struct agent kinds[] = {
	{ "steady leak", leaking_churn, true, .rate = 20, .size = 64, .life = 0.3, .share = 0.2 },
	{ "slow leak, heavy churn", leaking_churn, true, .rate = 2000, .size = 128, .life = 0.05,
	  .share = 0.0002 },
	{ "leak that starts late", leaking_churn, true, .rate = 100, .size = 96, .life = 0.2,
	  .share = 0.02, .phase = 170 },
	{ "cache filling to a bound", filling_cache, false, .rate = 200, .size = 500,
	  .bound = 5000 },
	{ "table filling to a bound", bounded_table, false, .rate = 40, .size = 300,
	  .bound = 1500 },
	{ "LRU at its bound", lru_cache, false, .rate = 300, .size = 400, .bound = 1000 },
	{ "growing vector", growing_vector, false, .rate = 500, .size = 16 },
	{ "start-up load", startup_load, false, .size = 200, .bound = 8000, .life = 4 },
	{ "batch job", batch_job, false, .rate = 100, .size = 200, .period = 20, .share = 0.5 },
	{ "per-connection state", leaking_churn, false, .rate = 3, .size = 2000, .life = 25 },
	{ "sawtooth", sawtooth, false, .rate = 50, .size = 100, .period = 30 },
	{ "plain churn", leaking_churn, false, .rate = 1000, .size = 80, .life = 0.1 },
};

TEST(kinds_of_sites)
{
	struct said said[ARRAY_SIZE(kinds)];

	run(kinds, ARRAY_SIZE(kinds), 1, false, said);
	print(kinds, ARRAY_SIZE(kinds), said);
	CHECK_EQ(check(kinds, ARRAY_SIZE(kinds), said, 1), 0);
	CHECK_EQ(said[3].verdict, VERDICT_PLATEAU);
	CHECK_EQ(said[5].verdict, VERDICT_CHURN);
	CHECK_EQ(said[6].verdict, VERDICT_GROWING);
	CHECK_EQ(said[7].verdict, VERDICT_STARTUP);
	CHECK_EQ(said[11].verdict, VERDICT_CHURN);
}

TEST(kinds_of_sites_varied)
{
	struct said said[ARRAY_SIZE(kinds)];

	for (uint64_t seed = 2; seed < 2 + varied_runs(); seed++) {
		run(kinds, ARRAY_SIZE(kinds), seed, true, said);
		CHECK_EQ(check(kinds, ARRAY_SIZE(kinds), said, seed), 0);
	}
}

/* ---- kinds that nothing was tuned to: written when all else stood ---- */

/* Each entry is dropped `life` seconds after it was made; lookups hit what is there. */
static void ttl_cache(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		if (uniform(a) > (double)a->n / a->bound)
			sim_alloc(a, some_size(a), t + a->life);
	free_due(a, t);
}

/* At its bound any entry may give way. */
static void random_replacement(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--) {
		if (a->n == a->bound)
			sim_free(a, random_bits(a) % a->n);
		sim_alloc(a, some_size(a), t);
	}
}

/* Sessions of very different lengths: most are short, some as long as the run. */
static void pareto_sessions(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, some_size(a), t + a->life * pow(uniform(a), -1 / 1.2));
	free_due(a, t);
}

/* A pool that grows with the most that was ever needed at once, and keeps it. */
static void high_water(struct agent *a, double t)
{
	double need = a->bound * (0.5 + 0.3 * sin(t / a->period) + 0.2 * uniform(a));

	while ((double)a->n < need)
		sim_alloc(a, some_size(a), INFINITY);
}

/* A log of which the older half is thrown away when it is full. */
static void halved_log(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, some_size(a), t);
	if (a->n < a->bound)
		return;
	for (size_t i = a->n; i-- > 0;)
		if (a->held[i].until < t - a->bound / a->rate / 2)
			sim_free(a, i);
}

/* Words of a text: new ones keep coming, but ever more rarely. */
static void interned_words(struct agent *a, double t)
{
	while ((double)a->n < a->bound * pow(t / RUN_S, 0.6))
		sim_alloc(a, some_size(a), INFINITY);
}

/* Reloads its configuration every `period`: the old one goes after the new one came. */
static void reloads(struct agent *a, double t)
{
	size_t old = a->n;

	if (t < a->due)
		return;
	a->due = t + a->period;
	for (uint32_t i = 0; i < a->bound; i++)
		sim_alloc(a, some_size(a), INFINITY);
	while (old--)
		sim_free(a, old);
}

/* A burst of blocks that are lost, every now and then; others come and go. */
static void leak_in_bursts(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, some_size(a), t + exponential(a, a->life));
	free_due(a, t);
	if (t < a->due)
		return;
	a->due = t + exponential(a, a->period);
	for (int i = 0; i < 20; i++)
		sim_alloc(a, some_size(a), INFINITY);
}

/* A part of each request is lost, and the load swings. */
static void leak_under_swinging_load(struct agent *a, double t)
{
	double load = a->rate * (1 + 0.9 * sin(t / a->period));

	for (unsigned int n = happen(a, load); n > 0; n--)
		sim_alloc(a, some_size(a), until(a, t, a->share));
	free_due(a, t);
}

/* Loads much at first; later it loses a little of what comes and goes. */
static void load_then_leak(struct agent *a, double t)
{
	while (t < 5 && (double)a->n < a->bound * t / 5)
		sim_alloc(a, some_size(a), INFINITY);
	for (unsigned int n = t < 5 ? 0 : happen(a, a->rate); n > 0; n--)
		sim_alloc(a, some_size(a), until(a, t, a->share));
	free_due(a, t);
}

/* One in a hundred lost blocks is found again after all. */
static void leak_with_late_frees(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--) {
		double end = until(a, t, a->share);

		if (end < INFINITY && uniform(a) < a->share / 100)
			end = t + exponential(a, 60);
		sim_alloc(a, some_size(a), end);
	}
	free_due(a, t);
}

static const struct agent unseen[] = {
	{ "leak in bursts", leak_in_bursts, true, .rate = 50, .size = 100, .life = 1, .period = 8 },
	{ "leak under swinging load", leak_under_swinging_load, true, .rate = 100, .size = 60,
	  .life = 0.5, .share = 0.03, .period = 12 },
	{ "load, then a slow leak", load_then_leak, true, .bound = 5000, .rate = 200, .size = 80,
	  .life = 0.2, .share = 0.005 },
	{ "leak with late frees", leak_with_late_frees, true, .rate = 40, .size = 50, .life = 0.3,
	  .share = 0.1 },
	{ "cache with time to live", ttl_cache, false, .rate = 50, .size = 300, .bound = 3000,
	  .life = 40 },
	{ "random replacement", random_replacement, false, .rate = 60, .size = 250, .bound = 1500 },
	{ "sessions of all lengths", pareto_sessions, false, .rate = 10, .size = 1000,
	  .life = 0.5 },
	{ "pool at its high water", high_water, false, .size = 4096, .bound = 500, .period = 10 },
	{ "log cut in half", halved_log, false, .rate = 30, .size = 120, .bound = 1200 },
	{ "interned words", interned_words, false, .size = 40, .bound = 6000 },
	{ "configuration reloads", reloads, false, .size = 100, .bound = 800, .period = 45 },
};

TEST(unseen_kinds)
{
	struct said said[ARRAY_SIZE(unseen)];

	run(unseen, ARRAY_SIZE(unseen), 1, false, said);
	print(unseen, ARRAY_SIZE(unseen), said);
	CHECK_EQ(check(unseen, ARRAY_SIZE(unseen), said, 1), 0);
}

/* Of 48 leaks two come in so few bursts, by chance fewer in the later half, that they are only
 * growing. */
TEST(unseen_kinds_varied)
{
	struct said said[ARRAY_SIZE(unseen)];
	unsigned int missed = 0;

	for (uint64_t seed = 2; seed < 2 + varied_runs(); seed++) {
		run(unseen, ARRAY_SIZE(unseen), seed, true, said);
		missed += check(unseen, ARRAY_SIZE(unseen), said, seed);
	}
	CHECK(missed <= 2);
}

/* ---- and a third set, later still, of which nothing was changed after it was first run ---- */

/* Garbage is collected every `period`; a share survives that, until every twelfth collects all. */
static void generations(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, some_size(a), uniform(a) < a->share ? INFINITY : t);
	if (t < a->due)
		return;
	a->due = t + a->period;
	if (++a->mark >= 12) {
		a->mark = 0;
		free_all(a);
	}
	free_due(a, t);
}

/* What is no longer needed is freed a fixed time later, in order. */
static void deferred_frees(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, some_size(a), t + a->life);
	free_due(a, t);
}

/* A new index is built every `period`, and the old one goes a second later. */
static void double_buffer(struct agent *a, double t)
{
	free_due(a, t);
	if (t < a->due)
		return;
	a->due = t + a->period;
	for (uint32_t i = 0; i < a->bound; i++)
		sim_alloc(a, some_size(a), t + a->period + 1);
}

/* Workers come and go with the load, and each holds 20 blocks. */
static void worker_pool(struct agent *a, double t)
{
	size_t want = (size_t)(a->bound * (1 + 0.8 * sin(t * 2 * M_PI / a->period))) * 20;

	while (a->n < want)
		sim_alloc(a, some_size(a), INFINITY);
	while (a->n > want)
		sim_free(a, a->n - 1);
}

/* Numbers are kept by the minute, and a minute for `life`. */
static void minutes(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, some_size(a), floor(t / 60) * 60 + 60 + a->life);
	free_due(a, t);
}

/* A queue that is served nearly as fast as it is filled. */
static void backlog(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, some_size(a), t);
	for (unsigned int n = happen(a, a->rate / a->share); n > 0 && a->n; n--)
		sim_free(a, 0);
}

/* Vectors that are pushed to for a while, and lost. */
static void lost_vectors(struct agent *a, double t)
{
	(void)t;
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, 64, INFINITY);
	for (size_t i = a->n > 40 ? a->n - 40 : 0; i < a->n; i++)
		if (a->held[i].size < 1024 && uniform(a) < 0.02)
			sim_realloc(a, i, a->held[i].size * 2, a->stack);
}

static const struct agent blind[] = {
	{ "error path", leaking_churn, true, .rate = 40, .size = 300, .life = 0.1, .share = 0.01 },
	{ "lost vectors", lost_vectors, true, .rate = 3, .size = 64 },
	{ "leak among long lives", leaking_churn, true, .rate = 10, .size = 200, .life = 30,
	  .share = 0.2 },
	{ "leak by the thousand", leaking_churn, true, .rate = 1500, .size = 24, .life = 0.01,
	  .share = 0.9 },
	{ "generations", generations, false, .rate = 200, .size = 60, .period = 5, .share = 0.05 },
	{ "deferred frees", deferred_frees, false, .rate = 80, .size = 120, .life = 20 },
	{ "double buffer", double_buffer, false, .size = 90, .bound = 1000, .period = 10 },
	{ "worker pool", worker_pool, false, .size = 700, .bound = 12, .period = 70 },
	{ "numbers by the minute", minutes, false, .rate = 20, .size = 40, .life = 60 },
	{ "queue under full load", backlog, false, .rate = 300, .size = 150, .share = 0.95 },
};

/*
 * One in five blocks is lost among others that live for half a minute, some for three: within five
 * minutes that is growth, and no proof of a leak.
 */
#define LONG_LIVES 2

TEST(blind_kinds)
{
	struct said said[ARRAY_SIZE(blind)];

	run(blind, ARRAY_SIZE(blind), 1, false, said);
	print(blind, ARRAY_SIZE(blind), said);
	CHECK_EQ(check(blind, ARRAY_SIZE(blind), said, 1), 1);
	CHECK_EQ(said[LONG_LIVES].verdict, VERDICT_GROWING);
	CHECK_EQ(said[LONG_LIVES].ours, 4);
}

TEST(blind_kinds_varied)
{
	struct said said[ARRAY_SIZE(blind)];
	unsigned int missed = 0;

	for (uint64_t seed = 2; seed < 2 + varied_runs(); seed++) {
		run(blind, ARRAY_SIZE(blind), seed, true, said);
		missed += check(blind, ARRAY_SIZE(blind), said, seed) -
			  (said[LONG_LIVES].verdict == VERDICT_GROWING);
	}
	CHECK_EQ(missed, 0);
}

/* ---- attached to while it runs ---- */

/* Most blocks die at once, others after a fixed time that is longer than what is seen of it. */
static void mixed_lives(struct agent *a, double t)
{
	for (unsigned int n = happen(a, a->rate); n > 0; n--)
		sim_alloc(a, some_size(a), uniform(a) < a->share ? t + a->life : t + 0.02);
	free_due(a, t);
}

/* As on a machine that others load now and then. */
static void slowed_leak(struct agent *a, double t)
{
	double speed = fmod(t, 3) < 1 ? 0.3 : 1;

	for (unsigned int n = happen(a, a->rate * speed); n > 0; n--)
		sim_alloc(a, some_size(a), until(a, t, a->share));
	free_due(a, t);
}

static const struct agent settled_leaks[] = {
	{ "a quarter leaks", leaking_churn, true, .rate = 250, .size = 100, .life = 0.01,
	  .share = 0.25 },
	{ "a quarter leaks at times", slowed_leak, true, .rate = 250, .size = 100, .life = 0.01,
	  .share = 0.25 },
};

/* On their own: what they free that is older is evidence against leaks of the same process. */
static const struct agent settled[] = {
	{ "sessions beside requests", mixed_lives, false, .rate = 250, .size = 100, .life = 14,
	  .share = 0.25 },
	{ "few sessions", mixed_lives, false, .rate = 250, .size = 100, .life = 17, .share = 0.05 },
};

/* How many of the leaks are called so before JUDGE_LEAK_NS. No other site may be. */
static unsigned int found_soon(const struct agent *of, size_t n, double age, uint64_t seed)
{
	bool found[AGENTS_MAX] = { false };
	struct agent agents[AGENTS_MAX];
	unsigned int soon = 0;
	struct snapshot s;

	memcpy(agents, of, n * sizeof(*of));
	sim_begin(agents, n, seed);
	for (size_t i = 0; i < n && seed > 1 && of != settled && of != settled_leaks; i++)
		vary(&agents[i]);
	sim_attach_at(age);
	for (double t = 4.5; t < JUDGE_LEAK_NS / 1e9; t++) {
		sim_until(age + t);
		s = sim_ask(SORT_LEAK);
		for (size_t i = 0; i < n; i++) {
			size_t rank = rank_of(&s, agents[i].stack);

			if (!rank || s.sites[rank - 1].judged.verdict != VERDICT_LEAK)
				continue;
			if (!agents[i].leaks)
				printf("# seed %" PRIu64 ", %g s old: %s is a leak after %g s\n",
				       seed, age, agents[i].name, t);
			CHECK(agents[i].leaks);
			soon += !found[i];
			found[i] = true;
		}
		snapshot__free(&s);
	}
	sim_end();
	return soon;
}

TEST(a_leak_is_found_sooner_in_a_process_past_its_start)
{
	static const double ages[] = { 10, 20, 30, 120 };

	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		unsigned int soon = 0;

		for (uint64_t seed = 1; seed < 1 + varied_runs(); seed++) {
			soon += found_soon(settled_leaks, ARRAY_SIZE(settled_leaks), ages[i], seed);
			soon += found_soon(settled, ARRAY_SIZE(settled), ages[i], seed);
			soon += found_soon(kinds, ARRAY_SIZE(kinds), ages[i], seed);
			soon += found_soon(unseen, ARRAY_SIZE(unseen), ages[i], seed);
			soon += found_soon(blind, ARRAY_SIZE(blind), ages[i], seed);
		}
		printf("# %g s old: %u leaks found within 10 s\n", ages[i], soon);
		if (ages[i] < JUDGE_SETTLED_AGE_NS / 1e9)
			CHECK_EQ(soon, 0);
		else
			CHECK(soon >= 2 * varied_runs()); /* both, in each run */
	}
}

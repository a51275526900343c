/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a set of simulated sites for five minutes, and compares the verdicts on them with what is
 * true. What is printed is the table: what is true of a site, what is said of it, and its ranks by
 * bytes, by growth since half the run, and by ours.
 */
#ifndef VERDICTS_H
#define VERDICTS_H

#include "simulation.h"
#include "util/array.h"

#include "heap/judge.h"
#include "profile/names.h"

#define RUN_S 300

/*
 * Each run simulates five minutes in a fraction of a second. JUDGE_SEEDS says how many runs each
 * set has whose numbers are varied: the published table rests on 12 (make check-judge), 3 are
 * enough to notice a change.
 */
static inline uint64_t varied_runs(void)
{
	const char *n = getenv("JUDGE_SEEDS");

	return n ? strtoull(n, NULL, 10) : 3;
}

/* The same for smaller simulations, of which there are at most `all`. */
static inline uint64_t small_runs(uint64_t all)
{
	return varied_runs() < all ? varied_runs() : all;
}

/* Rates, sizes and lives within a factor of e, periods and phases too. */
static inline void vary(struct agent *a)
{
	a->rate *= exp(2 * uniform(a) - 1);
	a->size *= exp(2 * uniform(a) - 1);
	a->life *= exp(uniform(a) - 0.5);
	a->period *= exp(uniform(a) - 0.5);
	if (a->period)
		a->phase = a->period * uniform(a);
}

struct said {
	enum verdict verdict;
	size_t ours, by_bytes, by_growth;
	uint64_t bytes, at_half;
	unsigned int false_alarms; /* reports that called it a leak in the later half of the run */
};

static inline void look(struct said *said, bool half)
{
	struct snapshot ours = sim_ask(SORT_LEAK), bytes = sim_ask(SORT_BYTES);

	for (size_t i = 0; i < sim.n; i++) {
		const struct site_row *row;

		said[i].ours = rank_of(&ours, sim.agents[i].stack);
		said[i].by_bytes = rank_of(&bytes, sim.agents[i].stack);
		if (!said[i].ours)
			continue;
		row = &ours.sites[said[i].ours - 1];
		said[i].verdict = row->judged.verdict;
		said[i].bytes = row->live_bytes;
		if (half)
			said[i].at_half = row->live_bytes;
		if (sim_seconds() >= RUN_S / 2)
			said[i].false_alarms +=
			    !sim.agents[i].leaks && said[i].verdict == VERDICT_LEAK;
	}
	snapshot__free(&ours);
	snapshot__free(&bytes);
}

static inline int64_t growth(const struct said *s)
{
	return (int64_t)(s->bytes - s->at_half);
}

/* Runs sites beside one another in one process, and fills what is said at the end. */
static inline void run(const struct agent *of, size_t n, uint64_t seed, bool varied,
		       struct said *said)
{
	struct agent agents[AGENTS_MAX];

	memcpy(agents, of, n * sizeof(*of));
	memset(said, 0, n * sizeof(*said));
	sim_begin(agents, n, seed);
	for (size_t i = 0; i < n && varied; i++)
		vary(&agents[i]);
	for (int t = 10; t <= RUN_S; t += 10) {
		sim_until(t);
		look(said, t == RUN_S / 2);
	}
	for (size_t i = 0; i < n; i++) {
		said[i].by_growth = 1;
		for (size_t k = 0; k < n; k++)
			said[i].by_growth += growth(&said[k]) > growth(&said[i]);
	}
	sim_end();
}

static inline void print(const struct agent *of, size_t n, const struct said *said)
{
	printf("# %-28s %-5s  %-8s %5s %6s %4s\n", "", "is", "verdict", "bytes", "growth", "ours");
	for (size_t i = 0; i < n; i++)
		printf("# %-28s %-5s  %-8s %5zu %6zu %4zu\n", of[i].name,
		       of[i].leaks ? "leak" : "-", profile_names__verdict(said[i].verdict),
		       said[i].by_bytes, said[i].by_growth, said[i].ours);
}

/*
 * Nothing healthy may be called a leak, in any report of the later half. How many leaks are not
 * called so, or do not come before all else.
 */
static inline unsigned int check(const struct agent *of, size_t n, const struct said *said,
				 uint64_t seed)
{
	unsigned int missed = 0;
	size_t leaks = 0;

	for (size_t i = 0; i < n; i++)
		leaks += of[i].leaks;
	for (size_t i = 0; i < n; i++) {
		bool found = said[i].verdict == VERDICT_LEAK && said[i].ours <= leaks;
		bool is_missed = of[i].leaks && !found;

		CHECK(!said[i].false_alarms);
		missed += is_missed;
		if (is_missed || said[i].false_alarms)
			printf("# seed %" PRIu64 ": %s is %s, ranks %zu, %u false alarms\n", seed,
			       of[i].name, profile_names__verdict(said[i].verdict), said[i].ours,
			       said[i].false_alarms);
	}
	return missed;
}

/* What is said of one site now. */
static inline struct judgement of_stack(uint64_t stack)
{
	struct snapshot s = sim_ask(SORT_LEAK);
	size_t rank = rank_of(&s, stack);
	struct judgement j = { 0 };

	if (rank)
		j = s.sites[rank - 1].judged;
	snapshot__free(&s);
	return j;
}

#endif

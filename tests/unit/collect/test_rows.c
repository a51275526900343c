/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No row contradicts its own figures: random programs of several processes, some of which end, with
 * blocks that come and go, stay, leak and are reallocated, and with plugins that are loaded again
 * from new files. In each view, every row of every report is compared with what is true of its
 * blocks, and its verdict with its figures.
 */
#include "chance_programs.h"

/* ---- what is true ---- */

static bool is_same_scope(const struct program *p, const struct program *of, enum merge_by by)
{
	if (!p->running && !p->exited)
		return false;
	return by == BY_STACK || p == of || (by == BY_CONTAINER && p->pid % 2 == of->pid % 2);
}

/* Whether the program's blocks are in the row. */
static bool is_in_row(const struct program *p, const struct program *of, enum merge_by by)
{
	return is_same_scope(p, of, by) && p->exited == of->exited;
}

/* Whether the verdict on the row rests on the program, too. */
static bool is_evidence(const struct program *p, const struct program *of, enum merge_by by)
{
	return of->exited ? is_in_row(p, of, by) : is_same_scope(p, of, by);
}

static bool keeps(enum habit h)
{
	return h == LEAKS || h == LOSES_SOME || h == LEAKS_LATE || h == LEAVES_OFF;
}

static void add_history(struct truth *t, const struct program *of, uint32_t code, enum merge_by by)
{
	uint64_t first = (t->began - START) / STEP, n = (t->ended - START) / STEP - first, sum;

	for (uint64_t i = 0; i < n; i++) {
		sum = 0;
		for (size_t k = 0; k < PROCESSES; k++) {
			const struct program *p = &sim.programs[k];

			if (is_evidence(p, of, by))
				sum += p->places[code].history[first + i];
			if (is_in_row(p, of, by) && i < n / 2)
				t->earlier += p->places[code].history[first + i] / (n / 2);
		}
		if (i * 4 < n * 3 && sum > t->most_before)
			t->most_before = sum;
	}
}

static struct truth truth_of(const struct program *of, uint32_t code, enum merge_by by)
{
	struct truth t = { .began = UINT64_MAX, .healthy = true };
	uint64_t leaking = 0;

	for (size_t i = 0; i < PROCESSES; i++) {
		const struct program *p = &sim.programs[i];
		const struct place *pl = &p->places[code];
		uint64_t ended = p->exited ? p->ends : now;

		if (is_in_row(p, of, by))
			t.growth += (int64_t)(pl->bytes - pl->reported);
		/* Ended processes that left nothing are not reported for long. */
		if (!pl->n || (of->exited && !pl->count && p != of))
			continue;
		if (is_evidence(p, of, by) && p->began < t.began)
			t.began = p->began;
		if (!is_in_row(p, of, by))
			continue;
		t.bytes += pl->bytes;
		t.blocks += pl->count;
		t.processes += 1;
		for (size_t k = 0; k < pl->n; k++)
			if (pl->blocks[k].live && pl->blocks[k].grew > t.last)
				t.last = pl->blocks[k].grew;
		t.ended = ended > t.ended ? ended : t.ended;
		t.healthy &= !keeps(pl->habit);
		if (pl->habit == LEAKS && pl->rate > 2 && ended - p->began > 30 * SECOND)
			leaking += pl->bytes;
	}
	t.leaks = leaking * 2 > t.bytes;
	add_history(&t, of, code, by);
	return t;
}

/* ---- what is said ---- */

struct said {
	const struct site_row *row;
	struct truth truth;
	enum merge_by by;
	bool exited;
};

static void require(const struct said *s, bool holds, const char *what)
{
	const struct site_row *r = s->row;

	if (holds)
		return;
	printf("# seed %" PRIu64 ", view %d, %.1f s, place %u, %u %s: %s\n"
	       "#   verdict %d (doubt %d), %.0f B/s, since %.1f s, window %.1f s, longest %.1f s; "
	       "%" PRIu64 " B in %" PRIu64 ", oldest %.1f s, growth %" PRId64
	       "; began %.1f, last %.1f, earlier %" PRIu64 " B, at most %" PRIu64 "\n",
	       sim.seed, s->by, (double)(now - START) / 1e9, code_of(r->stack), r->processes,
	       s->exited ? "exited" : "living", what, r->judged.verdict, r->judged.doubt,
	       r->judged.rate, (double)r->judged.leaking / 1e9, (double)r->judged.window / 1e9,
	       (double)r->judged.longest / 1e9, r->live_bytes, r->live_blocks,
	       (double)r->oldest / 1e9, r->growth_bytes, (double)(s->truth.began - START) / 1e9,
	       (double)(s->truth.last - START) / 1e9, s->truth.earlier, s->truth.most_before);
	CHECK(!"contradicts itself");
}

static void check_figures(const struct said *s)
{
	const struct site_row *r = s->row;

	require(s, r->live_bytes == s->truth.bytes, "wrong bytes");
	require(s, r->live_blocks == s->truth.blocks, "wrong blocks");
	require(s, r->growth_bytes == s->truth.growth, "wrong growth");
	require(s, r->live_blocks == r->allocs - r->frees, "allocations, frees and blocks differ");
	require(s, r->processes <= s->truth.processes || s->exited, "too many processes");
}

static void check_leak(const struct said *s)
{
	const struct judgement *j = &s->row->judged;
	double held = j->rate * (double)j->leaking / 1e9;

	require(s, s->row->live_blocks >= JUDGE_LEAST_BLOCKS, "a leak of nothing");
	require(s, j->rate > 0 && j->leaking > 0, "a leak that does not grow");
	require(s, j->leaking <= s->row->oldest + SLACK, "leaks for longer than it holds anything");
	require(s, held <= (double)s->row->live_bytes * 2.5, "leaked more than it holds");
	require(s, j->survival > 0, "a leak of which nothing stays");
}

static void check_words(const struct said *s)
{
	const struct judgement *j = &s->row->judged;
	const struct truth *t = &s->truth;
	bool fine = j->verdict == VERDICT_CHURN || j->verdict == VERDICT_STARTUP ||
		    j->verdict == VERDICT_PLATEAU;
	uint64_t run = t->ended - t->began;

	require(s, !t->leaks || !fine, "a leak called healthy");
	require(s, !t->healthy || j->verdict != VERDICT_LEAK, "called a leak, but healthy");

	switch (j->verdict) {
	case VERDICT_LEAK:
		check_leak(s);
		break;
	case VERDICT_GROWING:
		require(s, s->row->live_blocks && j->rate > 0, "grows by nothing");
		/* The history of a single block is not kept. */
		require(s,
			s->row->live_bytes > t->earlier || s->row->live_blocks < 8 ||
			    (s->exited && t->processes > 1),
			"grows, but held more");
		break;
	case VERDICT_STARTUP:
		require(s, s->row->live_blocks, "startup that holds nothing");
		require(s, t->last <= t->began + run / 4 + SLACK, "startup that grew later");
		break;
	case VERDICT_PLATEAU:
		require(s, s->row->live_blocks, "a plateau of nothing");
		/* What several held at most is known as the sum of what each held at most. */
		require(s, s->row->live_bytes <= t->most_before * 2 + 1000, "a plateau that grew");
		break;
	case VERDICT_CHURN:
		require(s, j->longest || s->exited, "churn where nothing died");
		break;
	default:
		break;
	}
}

static struct said said_of(const struct snapshot *s, size_t i, enum merge_by by)
{
	const struct site_row *row = &s->sites[i];
	const struct program *p = &sim.programs[sim.order[row->process]];

	return (struct said){ row, truth_of(p, code_of(row->stack), by), by, p->exited };
}

/* A site that is a leak by itself is one in the row that it is merged into. */
static void check_no_milder(const struct snapshot *alone, const struct snapshot *merged,
			    enum merge_by by)
{
	for (size_t i = 0; i < alone->nsites; i++) {
		struct said one = said_of(alone, i, BY_PROCESS);
		const struct program *p = &sim.programs[sim.order[one.row->process]];
		bool found = false;

		if (one.row->judged.verdict != VERDICT_LEAK || !one.row->live_blocks)
			continue;
		for (size_t k = 0; k < merged->nsites; k++) {
			struct said all = said_of(merged, k, by);

			if (code_of(all.row->stack) != code_of(one.row->stack) ||
			    !is_in_row(p, &sim.programs[sim.order[all.row->process]], by))
				continue;
			found = true;
			require(&all, all.row->judged.verdict == VERDICT_LEAK,
				"milder than a part");
		}
		require(&one, found, "not in any row");
	}
}

static void check_view(const struct snapshot *s, enum merge_by by)
{
	uint64_t bytes = 0, blocks = 0;
	int64_t growth = 0;

	for (size_t i = 0; i < s->nsites; i++) {
		struct said said = said_of(s, i, by);

		bytes += s->sites[i].live_bytes;
		blocks += s->sites[i].live_blocks;
		growth += s->sites[i].growth_bytes;
		check_figures(&said);
		check_words(&said);
		sim.said[s->sites[i].judged.verdict]++;
		for (size_t k = 0; k < i; k++)
			require(&said,
				code_of(s->sites[k].stack) != code_of(said.row->stack) ||
				    !is_in_row(&sim.programs[sim.order[s->sites[k].process]],
					       &sim.programs[sim.order[said.row->process]], by),
				"two rows of one");
	}
	CHECK_EQ(bytes, s->live_bytes);
	CHECK_EQ(blocks, s->live_blocks);
	CHECK_EQ(growth, s->growth_bytes);
}

static void report(void)
{
	struct snapshot s[VIEWS];

	for (int v = 0; v < VIEWS; v++) {
		s[v] = ask(sim.c[v], (struct query){ .by = (enum merge_by)v,
						     .heap = true,
						     .sort = SORT_LEAK,
						     .commit = true });
		check_view(&s[v], (enum merge_by)v);
	}
	for (int v = BY_CONTAINER; v < VIEWS; v++)
		check_no_milder(&s[BY_PROCESS], &s[v], (enum merge_by)v);
	for (int v = 0; v < VIEWS; v++)
		snapshot__free(&s[v]);
	for (size_t i = 0; i < PROCESSES; i++)
		for (uint32_t code = 0; code < CODES; code++)
			sim.programs[i].places[code].reported = sim.programs[i].places[code].bytes;
}

/* ---- runs ---- */

static void choose_programs(void)
{
	enum habit usual[CODES];

	for (uint32_t code = 0; code < CODES; code++)
		usual[code] = (enum habit)below(HABITS);
	for (size_t i = 0; i < PROCESSES; i++) {
		struct program *p = &sim.programs[i];
		bool lasts = uniform() < 0.4;

		*p = (struct program){ .pid = PID + (uint32_t)i, .reloads = uniform() < 0.5 };
		p->starts = uniform() < 0.5 ? 0 : below(RUN);
		p->ends = lasts ? UINT64_MAX : p->starts + 1 * SECOND + below(RUN);
		for (uint32_t code = 0; code < CODES; code++)
			p->places[code] = (struct place){
				.habit = uniform() < 0.7 ? usual[code] : (enum habit)below(HABITS),
				.rate = exp(uniform() * 5 - 1),
				.life = 100 * MS + below(8 * SECOND),
				.size = 16 + below(2000),
				.changes = below(RUN),
			};
	}
}

static void begin_run(uint64_t seed)
{
	static const uint8_t build_id[] = { 1, 2, 3, 4 };

	sim.seed = seed;
	sim.x = (seed + 1) * 0x9e3779b97f4a7c15;
	sim.addr = 0x100000;
	sim.started = 0;
	sim.modules = modules__new();
	sim.exe = (uint32_t)modules__add_known(sim.modules, "/bin/some");
	for (uint32_t i = 0; i < FILES; i++) {
		char path[] = "/tmp/plugin0.so";

		path[11] = (char)('0' + i);
		sim.files[i] = (uint32_t)modules__add_known(sim.modules, path);
		module__identify_as(modules__get(sim.modules, sim.files[i]), true, build_id,
				    sizeof(build_id));
	}
	for (int v = 0; v < VIEWS; v++)
		sim.c[v] = make((struct collector_opts){ .modules = sim.modules,
							 .refresh = no_refresh,
							 .children = true,
							 .by = (enum merge_by)v });
	choose_programs();
}

static void end_run(void)
{
	for (int v = 0; v < VIEWS; v++)
		collector__free(sim.c[v]);
	modules__free(sim.modules);
	for (size_t i = 0; i < PROCESSES; i++)
		for (uint32_t code = 0; code < CODES; code++)
			free(sim.programs[i].places[code].blocks);
}

static void run(uint64_t seed)
{
	begin_run(seed);
	for (uint64_t t = STEP; t <= RUN; t += STEP) {
		now = START + t;
		for (size_t i = 0; i < PROCESSES; i++)
			step(&sim.programs[i]);
		if (!(t % REPORT))
			report();
	}
	end_run();
}

TEST(no_row_contradicts_itself)
{
	const char *n = getenv("ROWS_SEEDS");
	uint64_t seeds = n ? strtoull(n, NULL, 10) : 10;

	for (uint64_t seed = 0; seed < seeds && test_failures < 20; seed++)
		run(seed);
	printf("# verdicts: %u leak, %u growing, %u plateau, %u startup, %u churn, %u unknown\n",
	       sim.said[VERDICT_LEAK], sim.said[VERDICT_GROWING], sim.said[VERDICT_PLATEAU],
	       sim.said[VERDICT_STARTUP], sim.said[VERDICT_CHURN], sim.said[VERDICT_UNKNOWN]);
	for (int v = 0; v < VERDICTS; v++)
		CHECK(sim.said[v]);
}

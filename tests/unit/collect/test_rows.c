/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No row contradicts its own figures: random programs of several processes, some of which end, with
 * blocks that come and go, stay, leak and are reallocated, and with plugins that are loaded again
 * from new files. In each view, every row of every report is compared with what is true of its
 * blocks, and its verdict with its figures.
 */
#include <math.h>

#include "events.h"

#define VIEWS 3 /* as enum merge_by */
#define PROCESSES 10
#define CODES 5
#define FILES 4
#define STEP (250 * MS)
#define SECOND (1000 * MS)
#define REPORT (10 * SECOND)
#define RUN (120 * SECOND)
#define STEPS (RUN / STEP)
#define SLACK (2 * SECOND) /* a cohort's width, and more */

enum habit { SILENT, LEAKS, LOSES_SOME, CHURNS, LOADS, GROWS, LEAKS_LATE, LEAVES_OFF, HABITS };

struct block {
	uint64_t addr, size, birth, grew, until;
	bool live;
};

/* What one process does at one place. */
struct place {
	enum habit habit;
	double rate;
	uint64_t life, size, changes;
	struct block *blocks;
	size_t n, cap;
	uint64_t bytes, count, reported; /* what lives */
	uint64_t history[STEPS + 1];	 /* what lived after each step */
};

struct program {
	uint32_t pid;
	uint64_t starts, ends, began;
	bool running, exited, reloads;
	struct place places[CODES];
};

/* What is true of a row. */
struct truth {
	uint64_t bytes, blocks, last, began, ended;
	int64_t growth;
	uint32_t processes;
	bool leaks;   /* most of it is lost, for long enough to tell */
	bool healthy; /* nothing in it ever loses any */
	uint64_t most_before,
	    earlier; /* bytes: before the last quarter; on average in the first half */
};

static struct {
	struct collector *c[VIEWS];
	struct modules *modules;
	uint32_t files[FILES], exe;
	struct program programs[PROCESSES];
	uint32_t order[PROCESSES], started; /* programs, as the collectors count them */
	uint64_t addr, seed, x;
	unsigned int said[VERDICTS];
} sim;

/* ---- chance ---- */

static double uniform(void)
{
	sim.x ^= sim.x << 13;
	sim.x ^= sim.x >> 7;
	sim.x ^= sim.x << 17;
	return (double)(sim.x >> 11) / 0x1p53;
}

static uint64_t below(uint64_t n)
{
	return (uint64_t)(uniform() * (double)n);
}

/* ---- events ---- */

static void send(void *ev, size_t size)
{
	for (int v = 0; v < VIEWS; v++)
		CHECK_EQ(collector__event(sim.c[v], ev, size), 0);
}

static struct event at_now(enum event_type type, uint32_t pid)
{
	return (struct event){ .type = (uint8_t)type, .api = malloc_row, .pid = pid, .time = now };
}

/* The stack of a place; a plugin that was loaded again has another one. */
static uint64_t stack_of(const struct program *p, uint32_t code)
{
	uint64_t file = p->reloads ? below(FILES) : 0;
	uint64_t id = 1 + (uint64_t)(p->pid - PID) * 1000 + code * 10 + file;
	_Alignas(struct stack) char buf[sizeof(struct stack) + 2 * sizeof(struct frame)];
	struct stack *st = (struct stack *)buf;

	*st = (struct stack){ .id = id, .pid = p->pid, .n = 2, .end = STACK_COMPLETE };
	st->frames[0] = (struct frame){ 0x1000 * id, 0x100 + code, sim.files[file] };
	st->frames[1] = (struct frame){ 0x1000 * id + 8, 0x999, sim.exe };
	for (int v = 0; v < VIEWS; v++)
		CHECK_EQ(collector__add_stack(sim.c[v], now, st), 0);
	return id;
}

static uint32_t code_of(uint64_t stack)
{
	return (uint32_t)((stack - 1) % 1000 / 10);
}

static void note_change(struct place *pl, int64_t bytes, int blocks)
{
	pl->bytes += (uint64_t)bytes;
	pl->count += (uint64_t)(int64_t)blocks;
}

static void allocate(struct program *p, uint32_t code, uint64_t size, uint64_t until)
{
	struct place *pl = &p->places[code];
	struct event_alloc ev = { at_now(EVENT_ALLOC, p->pid), sim.addr += 0x1000, size,
				  stack_of(p, code) };

	send(&ev, sizeof(ev));
	if (pl->n == pl->cap) {
		pl->cap = pl->cap ? pl->cap * 2 : 64;
		pl->blocks = realloc(pl->blocks, pl->cap * sizeof(*pl->blocks));
	}
	pl->blocks[pl->n++] = (struct block){ ev.addr, size, now, now, until, true };
	note_change(pl, (int64_t)size, 1);
}

static void release(struct program *p, struct place *pl, struct block *b)
{
	struct event_free ev = { at_now(EVENT_FREE, p->pid), b->addr };

	send(&ev, sizeof(ev));
	b->live = false;
	note_change(pl, -(int64_t)b->size, -1);
}

static void grow(struct program *p, uint32_t code, struct block *b)
{
	struct event_realloc ev = {
		at_now(EVENT_REALLOC, p->pid), b->addr,		  sim.addr += 0x1000,
		b->size + b->size / 2,	       stack_of(p, code), now
	};

	send(&ev, sizeof(ev));
	note_change(&p->places[code], (int64_t)(ev.size - b->size), 0);
	b->addr = ev.addr;
	b->size = ev.size;
	b->grew = now;
}

/* ---- what programs do ---- */

static void allocate_some(struct program *p, uint32_t code, double share_lost)
{
	struct place *pl = &p->places[code];
	double n = pl->rate * (double)STEP / 1e9;

	for (n += uniform(); n >= 1; n--)
		allocate(p, code, pl->size,
			 uniform() < share_lost ? UINT64_MAX : now + below(pl->life * 2));
}

static void work(struct program *p, uint32_t code)
{
	struct place *pl = &p->places[code];
	uint64_t age = now - p->began;

	for (size_t i = 0; i < pl->n; i++)
		if (pl->blocks[i].live && pl->blocks[i].until <= now)
			release(p, pl, &pl->blocks[i]);
	switch (pl->habit) {
	case LEAKS:
		allocate_some(p, code, 1);
		break;
	case LOSES_SOME:
		allocate_some(p, code, 0.2);
		break;
	case CHURNS:
		allocate_some(p, code, 0);
		break;
	case LOADS:
		if (age < 3 * SECOND)
			allocate_some(p, code, 1);
		break;
	case GROWS:
		if (!pl->n)
			allocate(p, code, pl->size, UINT64_MAX);
		else if (pl->blocks[0].size < 1 << 20 && uniform() < 0.02)
			grow(p, code, &pl->blocks[0]);
		break;
	case LEAKS_LATE:
		allocate_some(p, code, age > pl->changes ? 0.5 : 0);
		break;
	case LEAVES_OFF:
		allocate_some(p, code, age < pl->changes ? 1 : 0);
		break;
	default:
		break;
	}
}

static void start(struct program *p)
{
	struct event_exec ev = { .ev = at_now(EVENT_EXEC, p->pid), .comm = "some" };

	send(&ev, sizeof(ev));
	for (int v = 0; v < VIEWS; v++)
		collector__set_container(sim.c[v], p->pid, p->pid % 2 ? "odd" : "even");
	p->running = true;
	p->began = now;
	sim.order[sim.started++] = (uint32_t)(p - sim.programs);
}

static void stop(struct program *p)
{
	struct event_files ev = { at_now(EVENT_EXIT, p->pid), 0 };

	send(&ev, sizeof(ev.ev));
	p->running = false;
	p->exited = true;
	p->ends = now;
}

static void step(struct program *p)
{
	if (!p->running && !p->exited && now - START >= p->starts)
		start(p);
	for (uint32_t code = 0; p->running && code < CODES; code++)
		work(p, code);
	if (p->running && now - START >= p->ends)
		stop(p);
	for (uint32_t code = 0; code < CODES; code++)
		p->places[code].history[(now - START) / STEP] =
		    p->running ? p->places[code].bytes : 0;
}

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

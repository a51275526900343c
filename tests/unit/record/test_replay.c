/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports made from a recording are those of the live run, byte for byte, wherever it is read. */
#include <fcntl.h>
#include <sys/mman.h>

#include "events.h"
#include "util/array.h"

#include "record/reader.h"
#include "record/recorder.h"
#include "record/replay.h"
#include "run/reporting.h"
#include "symbols/symbolizer.h"

#include "scratch.h"

#define INTERVAL (100 * MS)

/* A path that stays valid, unlike that of in_scratch. */
static const char *path_of(const char *name)
{
	static char *paths[64];
	static size_t n;

	return n < ARRAY_SIZE(paths) ? paths[n++] = strdup(in_scratch(name)) : "";
}

/* ---- a live run without a kernel: the parts of a session, in the same order ---- */

struct live {
	struct plan plan;
	struct profile_run run;
	struct profile_process target;
	struct modules *modules;
	struct collector *c;
	struct symbolizer *symbolizer;
	struct recorder *recorder;
	struct reporting reports;
	const char *api_names[API_ROWS];
	uint32_t seq;
};

static void no_lock(void *ctx)
{
	(void)ctx;
}

static const char *recorded_file(void *ctx, uint32_t pid, uint64_t addr)
{
	return recorder__mapped_file(((struct live *)ctx)->recorder, pid, addr);
}

static struct proc_memory recorded_memory(void *ctx, uint32_t pid)
{
	return recorder__memory(((struct live *)ctx)->recorder, pid);
}

static uint64_t recorded_rss(void *ctx, uint32_t pid)
{
	return recorder__rss(((struct live *)ctx)->recorder, pid);
}

static const struct stack *find_stack(void *ctx, uint64_t id)
{
	return stacks__get(collector__stacks(((struct live *)ctx)->c), id);
}

static struct plan plan_of(const char *format, const char *output)
{
	return (struct plan){
		.query = { .sort = SORT_LEAK, .top = 10, .heap = true, .map = true },
		.max_size = UINT64_MAX,
		.format = report__find(format),
		.output = output,
		.interval_s = (double)INTERVAL / 1e9,
		.children = true,
	};
}

static void begin_live(struct live *l, const struct plan *plan, bool real)
{
	*l = (struct live){ .plan = *plan };
	now = START;
	malloc_row = (uint8_t)alloc_functions__find("malloc");
	for (unsigned int i = 0; i < alloc_functions__count(); i++)
		l->api_names[i] = alloc_functions__get(i)->name;
	l->modules = modules__new();
	l->symbolizer = symbolizer__new(l->modules);
	l->run = (struct profile_run){ .version = "0.1",
				       .host = "host",
				       .kernel = "kernel",
				       .interval_s = plan->interval_s,
				       .stack_mode = STACK_DWARF,
				       .sort = plan->query.sort,
				       .top = plan->query.top };
	l->recorder = recorder__open(&(struct recorder_opts){ .plan = &l->plan,
							      .modules = l->modules,
							      .api_names = l->api_names,
							      .lock = no_lock,
							      .unlock = no_lock });
	MUST(l->recorder);
	l->c = collector__new(&(struct collector_opts){ .modules = l->modules,
							.observer = &recorder__observer,
							.observer_ctx = l->recorder,
							.refresh = real ? NULL : no_refresh,
							.start = START,
							.children = true,
							.min_age = plan->query.min_age });
	recorder__attach(l->recorder, l->c, l->symbolizer);
	recorder__run(l->recorder, &l->run, START, 1000 * START);
	l->target = (struct profile_process){ .pid = PID, .comm = "test", .exe = "/test" };
	l->run.targets = &l->target;
	l->run.ntargets = 1;
	recorder__run(l->recorder, &l->run, START, 1000 * START);
	l->reports = (struct reporting){ .plan = &l->plan,
					 .run = &l->run,
					 .collector = l->c,
					 .symbolizer = l->symbolizer,
					 .modules = l->modules,
					 .api_names = l->api_names,
					 .stack = find_stack,
					 .mapped_file = recorded_file,
					 .rss = recorded_rss,
					 .memory = recorded_memory,
					 .ctx = l,
					 /* No process is there to be traced again. */
					 .recording = "r",
					 .start = START };
	MUST(!reporting__open(&l->reports));
}

static void tick(struct live *l, bool final)
{
	struct report_tick t = {
		.seq = ++l->seq, .final = final, .now = now, .wall = 1000 * START + now - START
	};
	struct snapshot snap;

	t.counters.lost_events = l->seq / 3;
	MUST(!reporting__snapshot(&l->reports, &t, &snap));
	recorder__tick(l->recorder, &t);
	recorder__end_report(l->recorder, &t, &snap);
	CHECK_EQ(reporting__print(&l->reports, &t, &snap), 0);
	snapshot__free(&snap);
}

static void end_live(struct live *l)
{
	CHECK_EQ(reporting__commit(&l->reports, 0), 0);
	CHECK_EQ(recorder__close(l->recorder), 0);
	recorder__free(l->recorder);
	reporting__close(&l->reports);
	symbolizer__free(l->symbolizer);
	collector__free(l->c);
	modules__free(l->modules);
}

/* ---- comparing reports ---- */

static void check_same_files(const char *a, const char *b)
{
	size_t an, bn;
	uint8_t *x = read_bytes(a, &an), *y = read_bytes(b, &bn);

	CHECK(x && y);
	CHECK(an > 100);
	CHECK(x && y && an == bn && !memcmp(x, y, an));
	if (an != bn || memcmp(x, y, an))
		printf("# %s and %s differ: %zu and %zu bytes\n", a, b, an, bn);
	free(x);
	free(y);
}

static void check_replay(const struct plan *live, const char *file)
{
	struct plan plan = *live;

	plan.output = in_scratch("replayed");
	plan.record = NULL;
	CHECK_EQ(replay__run(&plan, file), 0);
	check_same_files(live->output, plan.output);
}

/* ---- streams ---- */

static uint64_t seed;

static uint64_t below(uint64_t n)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (seed >> 33) % n;
}

/* Blocks of several ages and sizes, ranges, children that come and go; a tick every hundred events.
 */
static void some_events(struct live *l, int n)
{
	struct event_map ev = { 0 };

	for (int i = 0; i < n; i++) {
		uint64_t addr = 0x10000 + below(500) * 64;
		uint32_t pid = PID + (uint32_t)below(3);

		if (below(40) == 0) {
			ev = (struct event_map){ .ev.pid = pid,
						 .addr = 0x7f0000000000 + below(50) * PAGE,
						 .len = (1 + below(4)) * PAGE,
						 .stack = 1 + below(5) };
			mapped(l->c, below(3) ? EVENT_MAP : EVENT_UNMAP,
			       below(2) ? EVENT_F_FILE : 0, ev);
		} else if (below(100) == 0) {
			forked(l->c, PID + 1, 0);
		} else if (below(100) == 0) {
			happened(l->c, EVENT_EXIT, PID + 1 + (uint32_t)below(2));
		} else if (below(100) == 0) {
			execed(l->c, PID + 2, "name");
		} else if (below(30) == 0) {
			stack_came(l->c, 1 + below(8), STACK_COMPLETE, 2,
				   (uint64_t[]){ 1 + below(8), 4000 });
		} else if (below(2)) {
			allocated(l->c, pid, addr, below(1000), 1 + below(8));
		} else {
			freed(l->c, pid, addr);
		}
		if ((now - START) % INTERVAL == 0)
			tick(l, false);
		if (i == n / 2) {
			CHECK_EQ(collector__mark(l->c, now), 0);
			recorder__mark(l->recorder, now);
		}
	}
}

TEST(reports_of_every_format_are_the_same)
{
	static const char *const formats[] = { "text", "json", "folded", "pprof" };
	const char *file = path_of("formats.mt"), *output = path_of("live");

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct plan plan = plan_of(formats[i], output);
		struct live l;

		plan.record = file;
		seed = i;
		begin_live(&l, &plan, false);
		some_events(&l, 1500);
		tick(&l, true);
		end_live(&l);
		check_replay(&plan, file);
	}
}

/* One recording, with other options than it was made with: as a live run with these reports. */
TEST(reports_with_other_options_are_those_of_another_live_run)
{
	static const struct query queries[] = {
		{ .sort = SORT_BYTES, .top = 2, .heap = true, .map = true },
		{ .sort = SORT_GROWTH, .top = 0, .heap = true },
		{ .sort = SORT_AGE, .top = 4, .map = true },
		{ .sort = SORT_RATE, .top = 4, .heap = true, .map = true, .min_age = 300 * MS },
		{ .sort = SORT_MARK, .top = 4, .heap = true, .map = true },
	};
	const char *file = path_of("ways.mt");
	struct plan plan = plan_of("json", path_of("first"));
	struct live l;

	plan.record = file;
	seed = 11;
	begin_live(&l, &plan, false);
	some_events(&l, 1500);
	tick(&l, true);
	end_live(&l);
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		plan = plan_of("json", path_of("other"));
		plan.query = queries[i];
		plan.record = path_of("unused.mt");
		seed = 11;
		begin_live(&l, &plan, false);
		some_events(&l, 1500);
		tick(&l, true);
		end_live(&l);
		check_replay(&plan, file);
	}
}

TEST(a_longer_interval_makes_fewer_reports)
{
	const char *file = path_of("fewer.mt");
	struct plan plan = plan_of("json", path_of("all"));
	size_t len, lines = 0;
	struct live l;
	uint8_t *text;

	plan.record = file;
	begin_live(&l, &plan, false);
	some_events(&l, 1000);
	tick(&l, true);
	end_live(&l);
	plan.output = path_of("third");
	plan.interval_s *= 3;
	CHECK_EQ(replay__run(&plan, file), 0);
	text = read_bytes(plan.output, &len);
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	CHECK_EQ(lines, 1 + 3 + 1);
	free(text);
	plan.interval_s = 0;
	CHECK_EQ(replay__run(&plan, file), 0);
	text = read_bytes(plan.output, &len);
	lines = 0;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	CHECK_EQ(lines, 1 + 1);
	free(text);
}

/* ---- real code: names, files, and code made at run time ---- */

__attribute__((noinline)) static void some_function(void)
{
	__asm__ volatile("" ::: "memory");
}

static void name_code(const char *name, uint64_t addr)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	unlink(path);
	f = fopen(path, "we");
	MUST(f);
	fprintf(f, "%llx 100 %s\n", (unsigned long long)addr, name);
	fclose(f);
}

static int real_stack(struct collector *c, uint64_t id, const uint64_t *pc, uint16_t n)
{
	struct event_stack ev = { .ev = head(EVENT_STACK, (uint32_t)getpid()), .id = id, .n = n };

	memcpy(ev.pc, pc, n * sizeof(*pc));
	return collector__event(c, &ev, EVENT_STACK_HEAD + n * sizeof(*pc));
}

TEST(names_of_real_code_are_recorded_as_they_become_known)
{
	static const char *const formats[] = { "text", "json" };
	const char *file = path_of("real.mt");
	uint32_t self = (uint32_t)getpid();
	char path[64];
	uint8_t *code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *mapping = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	MUST(code != MAP_FAILED && mapping != MAP_FAILED);
	close(fd);
	some_function();
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct plan plan = plan_of(formats[i], path_of("live"));
		uint64_t in_code = (uint64_t)(uintptr_t)code + 0x10;
		size_t len;
		uint8_t *text;
		struct live l;

		plan.record = file;
		begin_live(&l, &plan, true);
		CHECK_EQ(collector__add_process(l.c, self), 0);
		CHECK_EQ(real_stack(l.c, 7,
				    (uint64_t[]){ (uint64_t)(uintptr_t)some_function + 1, in_code },
				    2),
			 0);
		allocated(l.c, self, 0x1000, 10, 7);
		mapped(l.c, EVENT_MAP, EVENT_F_FILE,
		       (struct event_map){ .ev.pid = self,
					   .addr = (uint64_t)(uintptr_t)mapping,
					   .len = PAGE,
					   .stack = 7 });
		recorder__maintain(l.recorder);
		tick(&l, false);
		now += INTERVAL;
		name_code("first_name", in_code - 0x10);
		tick(&l, false);
		now += INTERVAL;
		name_code("second_longer_name", in_code - 0x10);
		tick(&l, false);
		tick(&l, true);
		end_live(&l);
		text = read_bytes(plan.output, &len);
		text[len] = '\0';
		CHECK(strstr((char *)text, "some_function"));
		CHECK(strstr((char *)text, "test_replay.c"));
		CHECK(strstr((char *)text, "first_name"));
		CHECK(strstr((char *)text, "second_longer_name"));
		CHECK(strstr((char *)text, "/unit/record/test_replay"));
		free(text);
		snprintf(path, sizeof(path), "/tmp/perf-%u.map", self);
		unlink(path);
		check_replay(&plan, file);
	}
	munmap(code, PAGE);
	munmap(mapping, PAGE);
}

/* ---- cut off, compacted, hostile ---- */

static int quiet_from;

/* Silences standard error, where the same would be logged a thousand times. */
static void quiet(bool on)
{
	int null;

	fflush(stderr);
	if (!on) {
		dup2(quiet_from, 2);
		close(quiet_from);
		return;
	}
	quiet_from = fcntl(2, F_DUPFD_CLOEXEC, 3);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null, 2);
	close(null);
}

/* Live blocks of the last report of a file; -1 where there is none. */
static int64_t last_blocks(const char *file, const char **notice, double *elapsed)
{
	static char text[256];
	struct plan plan = plan_of("json", NULL);
	struct replay *rp = replay__open(&plan, file);
	const struct profile *p = rp ? replay__profile(rp) : NULL;
	int64_t blocks = p ? (int64_t)p->live_blocks : -1;

	snprintf(text, sizeof(text), "%s", p && p->notice ? p->notice : "");
	*notice = text;
	*elapsed = p ? p->elapsed_s : 0;
	replay__free(rp);
	return blocks;
}

TEST(a_recording_cut_off_at_any_byte_reports_what_came_before)
{
	const char *file = path_of("uncut.mt"), *cut = path_of("cut.mt");
	struct plan plan = plan_of("json", path_of("uncut.json"));
	int64_t blocks = -1, before = -1, steps = 0;
	double elapsed = 0, last = 0;
	const char *notice = "";
	struct live l;
	uint8_t *all;
	size_t len;

	plan.record = file;
	begin_live(&l, &plan, false);
	stack_came(l.c, 1, STACK_COMPLETE, 2, (uint64_t[]){ 4000, 5000 });
	for (int i = 0; i < 300; i++) {
		allocated(l.c, PID, 0x1000 + (uint64_t)i * 64, 64, 1);
		if (i % 50 == 49)
			tick(&l, false);
	}
	tick(&l, true);
	end_live(&l);
	all = read_bytes(file, &len);
	quiet(true);
	for (size_t keep = 0; keep <= len; keep++) {
		write_bytes(cut, all, keep);
		blocks = last_blocks(cut, &notice, &elapsed);
		if (blocks < before || elapsed < last) {
			printf("# cut at %zu: %lld blocks after %f s\n", keep, (long long)blocks,
			       elapsed);
			CHECK(!"a longer recording never reports less");
		}
		if (blocks >= 0 && !*notice) /* the final report is complete */
			CHECK_EQ(blocks, 300);
		else if (blocks >= 0)
			CHECK(!strncmp(notice, "the recording was cut off: it is complete up to ",
				       48));
		steps += blocks > before;
		before = blocks;
		last = elapsed;
	}
	quiet(false);
	CHECK_EQ(blocks, 300);
	CHECK_STR(notice, "");
	CHECK_EQ(steps, 6); /* after each of six reports */
	free(all);
}

/* The second file comes, and then takes the first one's place: when, is up to the writer's thread.
 */
static bool was_compacted(const char *file)
{
	static bool begun;
	char next[PATH_MAX];
	bool there;

	snprintf(next, sizeof(next), "%s.next", file);
	there = !access(next, F_OK);
	begun |= there;
	return begun && !there;
}

#define BATCHES_MAX 10000 /* far more than it takes */

TEST(a_compacted_recording_ends_with_the_same_report)
{
	const char *file = path_of("compacted.mt");
	struct plan plan = plan_of("json", path_of("compacted.json"));
	struct record_reader *r;
	char why[128];
	struct live l;

	plan.record = file;
	plan.record_bytes = 1 << 20;
	plan.interval_s = 10;
	seed = 5;
	begin_live(&l, &plan, false);
	for (int i = 0; !was_compacted(file) && i < BATCHES_MAX; i++) {
		for (int k = 0; k < 4000; k++) {
			uint64_t addr = 0x10000 + below(500) * 64;

			if (below(2))
				allocated(l.c, PID, addr, below(1000), 1 + below(8));
			else
				freed(l.c, PID, addr);
		}
		CHECK_EQ(recorder__maintain(l.recorder), 0);
		if (i % 12 == 0)
			tick(&l, false);
	}
	tick(&l, true);
	end_live(&l);
	r = record_reader__open(file, why, sizeof(why));
	CHECK(r && record_reader__compacted(r));
	record_reader__free(r);
	/* The last report is the live run's last one; the others are gone. */
	{
		struct plan again = plan;
		uint8_t *x, *y, *line;
		size_t n, m;

		again.output = path_of("compacted-replay.json");
		again.interval_s = 0;
		CHECK_EQ(replay__run(&again, file), 0);
		x = read_bytes(plan.output, &n);
		y = read_bytes(again.output, &m);
		line = memrchr(x, '\n', n - 1);
		CHECK(line && m > n - (size_t)(line - x));
		CHECK(line &&
		      !memcmp(line, y + m - (n - (size_t)(line - x)), n - (size_t)(line - x)));
		free(x);
		free(y);
	}
}

TEST(what_was_not_recorded_is_refused)
{
	const char *file = path_of("kind.mt");
	struct plan plan = plan_of("json", path_of("kind.json"));
	struct live l;

	plan.record = file;
	plan.query.map = false;
	begin_live(&l, &plan, false);
	allocated(l.c, PID, 0x1000, 1, 1);
	tick(&l, true);
	end_live(&l);
	quiet(true);
	plan.query = (struct query){ .top = 10, .map = true };
	CHECK_EQ(replay__run(&plan, file), 1);
	plan.query = (struct query){ .top = 10, .map = true, .heap = true };
	CHECK_EQ(replay__run(&plan, file), 0);
	CHECK_EQ(replay__run(&plan, "/dev/null"), 1);
	CHECK_EQ(replay__run(&plan, plan.output), 1);
	quiet(false);
}

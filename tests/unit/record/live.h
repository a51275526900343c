/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A live run without a kernel, which is recorded, and its replay compared with it. */
#ifndef LIVE_H
#define LIVE_H

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
static inline const char *path_of(const char *name)
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

static inline void no_lock(void *ctx)
{
	(void)ctx;
}

static inline const char *recorded_file(void *ctx, uint32_t pid, uint64_t addr)
{
	return recorder__mapped_file(((struct live *)ctx)->recorder, pid, addr);
}

static inline struct proc_memory recorded_memory(void *ctx, uint32_t pid)
{
	return recorder__memory(((struct live *)ctx)->recorder, pid);
}

static inline uint64_t recorded_rss(void *ctx, uint32_t pid)
{
	return recorder__rss(((struct live *)ctx)->recorder, pid);
}

static inline const struct stack *find_stack(void *ctx, uint64_t id)
{
	return stacks__get(collector__stacks(((struct live *)ctx)->c), id);
}

static inline struct plan plan_of(const char *format, const char *output)
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

static inline void begin_live(struct live *l, const struct plan *plan, bool real)
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

static inline void tick(struct live *l, bool final)
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

static inline void end_live(struct live *l)
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

static inline void check_same_files(const char *a, const char *b)
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

static inline void check_replay(const struct plan *live, const char *file)
{
	struct plan plan = *live;

	plan.output = in_scratch("replayed");
	plan.record = NULL;
	CHECK_EQ(replay__run(&plan, file), 0);
	check_same_files(live->output, plan.output);
}

/* ---- streams ---- */

static uint64_t seed;

static inline uint64_t below(uint64_t n)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (seed >> 33) % n;
}

/* Blocks of several ages and sizes, ranges, children that come and go; a tick every hundred events.
 */
static inline void some_events(struct live *l, int n)
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

#endif

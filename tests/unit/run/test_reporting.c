/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which sites a report covers, and whether its run has failed. */
#include "run/reporting.h"

#include "events.h"

#include "symbols/symbolizer.h"

#define LEAKS 3
#define BLOCKS 1000

struct report {
	struct plan plan;
	struct profile_run run;
	struct reporting reporting;
	struct snapshot snap;
};

static const struct stack *no_stack(void *ctx, uint64_t id)
{
	(void)ctx, (void)id;
	return NULL;
}

static const char *no_file(void *ctx, uint32_t pid, uint64_t addr)
{
	(void)ctx, (void)pid, (void)addr;
	return NULL;
}

static uint64_t no_rss(void *ctx, uint32_t pid)
{
	(void)ctx, (void)pid;
	return 0;
}

/* Three call stacks that leak, and one whose blocks are freed, for a simulated minute. */
static struct collector *leak(void)
{
	struct collector *c = plain();
	uint64_t addr = 0x10000;

	for (int i = 0; i < BLOCKS; i++, now += 60 * 1000 * MS / BLOCKS) {
		for (uint64_t stack = 1; stack <= LEAKS; stack++, addr += 0x1000)
			allocated(c, PID, addr, 1000 * stack, stack);
		allocated(c, PID, 0x1000, 100, LEAKS + 1);
		freed(c, PID, 0x1000);
	}
	return c;
}

static void open_report(struct report *r)
{
	r->plan = plan__default();
	r->plan.output = "/dev/null";
	r->plan.query.top = 1;
	r->plan.top_given = true;
	r->run = (struct profile_run){ .version = "0",
				       .host = "host",
				       .kernel = "kernel",
				       .stack_mode = STACK_OFF,
				       .sort = SORT_LEAK,
				       .top = 1 };
	r->reporting = (struct reporting){
		.plan = &r->plan,
		.run = &r->run,
		.collector = leak(),
		.modules = modules__new(),
		.stack = no_stack,
		.mapped_file = no_file,
		.rss = no_rss,
		.start = START,
	};
	r->reporting.symbolizer = symbolizer__new(r->reporting.modules);
	CHECK_EQ(reporting__open(&r->reporting), 0);
}

static void close_report(struct report *r)
{
	reporting__close(&r->reporting);
	symbolizer__free(r->reporting.symbolizer);
	modules__free(r->reporting.modules);
	collector__free(r->reporting.collector);
	plan__release(&r->plan);
}

/* Whether the run fails by a condition; the snapshot's sites are counted in `nsites`. */
static bool fails_on(const char *condition, bool final, size_t *nsites)
{
	struct report_tick tick = { .seq = 1, .final = final, .wall = 1 };
	struct report r = { 0 };
	char why[128];
	bool failed;

	open_report(&r);
	tick.now = now;
	if (condition)
		CHECK_EQ(conditions__add(&r.plan.checks, condition, why, sizeof(why)), 0);
	CHECK_EQ(reporting__snapshot(&r.reporting, &tick, &r.snap), 0);
	*nsites = r.snap.nsites;
	CHECK_EQ(reporting__print(&r.reporting, &tick, &r.snap), 0);
	failed = r.reporting.outcome == OUTCOME_FAILED;
	snapshot__free(&r.snap);
	close_report(&r);
	return failed;
}

TEST(conditions_look_at_all_sites_not_only_the_top)
{
	size_t nsites;

	CHECK(fails_on("leaks>2", true, &nsites));
	CHECK(nsites >= LEAKS);
	CHECK(!fails_on("leaks>3", true, &nsites));
	CHECK(fails_on("leak>=6000000", true, &nsites));
	CHECK(!fails_on("leak>6000000", true, &nsites));
}

TEST(only_the_final_report_is_checked)
{
	size_t nsites;

	CHECK(!fails_on("leaks>0", false, &nsites));
	CHECK_EQ(nsites, 1);
	CHECK(!fails_on(NULL, true, &nsites));
	CHECK_EQ(nsites, 1);
}

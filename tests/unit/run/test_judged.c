/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run is worth: situations, what the closing line says of each, and the exit status by what
 * was asked for. */
#include "situations.h"

#include "run/verdict.h"
#include "symbols/symbolizer.h"
#include "util/array.h"

/* ---- what is asked for ---- */

enum asked {
	ASK_NOTHING,
	ASK_EXITCODE, /* --error-exitcode 9 */
	ASK_LEAK,     /* --fail-on leak>0 */
	ASK_LIVE,     /* --fail-on live>1g */
	ASK_LOST,     /* --fail-on lost>20000 */
	ASK_EXCEEDED, /* --fail-on live>=0,leak>1g */
	ASK_ALLOWED,  /* --error-exitcode 9 --allow-unjudged */
	ASKS
};

static void ask_for(struct plan *plan, enum asked asked)
{
	static const char *const lists[ASKS] = {
		[ASK_LEAK] = "leak>0",
		[ASK_LIVE] = "live>1g",
		[ASK_LOST] = "lost>20000",
		[ASK_EXCEEDED] = "live>=0,leak>1g",
	};
	char why[128];

	if (lists[asked])
		CHECK_EQ(conditions__add(&plan->checks, lists[asked], why, sizeof(why)), 0);
	if (asked == ASK_EXITCODE || asked == ASK_ALLOWED)
		plan->error_exit = 9;
	plan->allow_unjudged = asked == ASK_ALLOWED;
}

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

static bool is_stopped(void *ctx, uint32_t pid)
{
	(void)ctx;
	return stopped && pid == SHOP;
}

static struct proc_memory memory_of(void *ctx, uint32_t pid)
{
	(void)ctx;
	return pid == SHOP ? memory : (struct proc_memory){ 0 };
}

/* The exit status where the command's own is `own`; the closing line goes to `line`. */
static int run(void (*situation)(void), enum asked asked, int own, struct strbuf *line)
{
	struct plan plan = plan__default();
	struct profile_run facts = { .version = "0", .host = "h", .kernel = "k", .top = 10 };
	struct modules *modules = modules__new();
	struct reporting r = {
		.plan = &plan,
		.run = &facts,
		.modules = modules,
		.stack = no_stack,
		.mapped_file = no_file,
		.rss = no_rss,
		.stopped = is_stopped,
		.memory = memory_of,
		.start = START,
	};
	struct snapshot snap;
	int status;

	launched = stopped = sized = false;
	first = 0;
	memory = (struct proc_memory){ 0 };
	tick = (struct report_tick){ .seq = 1, .final = true, .wall = 1 };
	c = r.collector = plain();
	r.symbolizer = symbolizer__new(modules);
	plan.output = "/dev/null";
	ask_for(&plan, asked);
	know_stacks();
	situation();
	facts.launched = launched;
	if (sized)
		plan.min_size = 16;
	unseen__note(&r.first, SHOP, 0, first);
	tick.now = now;
	CHECK_EQ(reporting__open(&r), 0);
	CHECK_EQ(reporting__snapshot(&r, &tick, &snap), 0);
	CHECK_EQ(reporting__print(&r, &tick, &snap), 0);
	status = verdict__status(&plan, r.outcome, own);
	if (line)
		strbuf__adds(line, r.last_line.data);
	snapshot__free(&snap);
	reporting__close(&r);
	symbolizer__free(r.symbolizer);
	modules__free(modules);
	collector__free(c);
	plan__release(&plan);
	return status;
}

/* ---- the table ---- */

#define SHOP_IS "shop[5000000] "
#define LINE_WITH(rest) "not judged: " rest

static const struct situation {
	const char *name;
	void (*make)(void);
	const char *line;
	int status[ASKS]; /* of a command that returns 0, or of a run without one */
} situations[] = {
	/*                                                        exitcode
	 *                                                           leak live
	 *                                                                lost exceeded allowed */
	{ "short, all freed",
	  short_and_clean,
	  "no leak found: nothing is outstanding",
	  { 0, 0, 0, 0, 0, 3, 0 } },
	{ "short, something is left",
	  short_with_leftovers,
	  LINE_WITH(SHOP_IS "ended after 7ms; 3 blocks (1.2 KiB) in 2 call stacks were "
			    "outstanding at exit"),
	  { 0, 4, 4, 0, 0, 3, 0 } },
	{ "a crash",
	  crash,
	  LINE_WITH(SHOP_IS "was killed by SIGSEGV after 5ms; 1 block (200 B) in 1 call stack was "
			    "outstanding at exit"),
	  { 0, 4, 4, 0, 0, 3, 0 } },
	{ "no allocation",
	  nothing_allocated,
	  LINE_WITH("no allocation was seen"),
	  { 0, 4, 4, 4, 4, 3, 0 } },
	{ "short, all freed, but code ran unprobed",
	  late_code,
	  LINE_WITH(SHOP_IS "ended after 1.0s"),
	  { 0, 4, 4, 0, 0, 3, 0 } },
	{ "long and healthy",
	  long_and_clean,
	  "no leak found in 1 call stack",
	  { 0, 0, 0, 0, 0, 3, 0 } },
	{ "long, healthy and killed",
	  long_and_killed,
	  "no leak found in 1 call stack; " SHOP_IS "was killed by SIGTERM",
	  { 0, 0, 0, 0, 0, 3, 0 } },
	{ "long and leaking", long_leak, NULL, { 0, 9, 3, 0, 0, 3, 9 } },
	{ "leaking, but not for long enough", short_leak, NULL, { 0, 4, 4, 0, 0, 3, 0 } },
	{ "children leave something, too",
	  children_with_leftovers,
	  LINE_WITH("all 2 processes have ended after 9ms; 2 blocks (240 B) in 2 call stacks were "
		    "outstanding at exit"),
	  { 0, 4, 4, 0, 0, 3, 0 } },
	{ "attached, healthy", healthy, "no leak found in 1 call stack", { 0, 0, 0, 0, 0, 3, 0 } },
	{ "attached, idle", idle, LINE_WITH("no allocation was seen"), { 0, 4, 4, 4, 4, 3, 0 } },
	{ "attached, too short",
	  brief,
	  LINE_WITH("observed for 2.0s, a verdict takes 4.0s or more"),
	  { 0, 4, 4, 0, 0, 3, 0 } },
	{ "attached, too short, all freed",
	  brief_and_clean,
	  LINE_WITH("observed for 2.0s, a verdict takes 4.0s or more"),
	  { 0, 4, 4, 0, 0, 3, 0 } },
	{ "attached, it ends",
	  ends_soon,
	  LINE_WITH(SHOP_IS "ended after 2.0s"),
	  { 0, 4, 4, 0, 0, 3, 0 } },
	{ "stopped all the time",
	  always_stopped,
	  LINE_WITH(SHOP_IS "is stopped; no allocation was seen"),
	  { 0, 4, 4, 4, 4, 3, 0 } },
	{ "stopped at the end",
	  stopped_at_the_end,
	  LINE_WITH(SHOP_IS "is stopped"),
	  { 0, 4, 4, 0, 0, 3, 0 } },
	{ "much is lost",
	  much_lost,
	  LINE_WITH("81% of the events were lost"),
	  { 0, 4, 4, 4, 0, 3, 0 } },
	{ "little is lost",
	  little_lost,
	  "no leak found in 1 call stack, some data was lost",
	  { 0, 0, 0, 0, 0, 3, 0 } },
	{ "a leak, and much is lost", leak_and_much_lost, NULL, { 0, 9, 3, 4, 3, 3, 9 } },
	{ "functions without a probe",
	  not_all_probed,
	  LINE_WITH("operator new of libtcmalloc.so.4 is not probed"),
	  { 0, 4, 4, 4, 0, 3, 0 } },
	{ "children are missed",
	  all_children_missed,
	  LINE_WITH("8,000 processes ended before they were probed"),
	  { 0, 4, 4, 4, 0, 3, 0 } },
	{ "a child is missed, another is not",
	  a_child_missed,
	  "no leak found in 1 call stack; 1 process ended before it was probed",
	  { 0, 0, 0, 0, 0, 3, 0 } },
	{ "two targets, one silent",
	  one_of_two_silent,
	  LINE_WITH("no allocation of web[5000001] was seen"),
	  { 0, 4, 4, 4, 4, 3, 0 } },
	{ "some call stacks too recent",
	  some_recent,
	  "no leak found in 1 judged call stack; 1 with 1000 B not judged: too few blocks, or too "
	  "recent",
	  { 0, 0, 0, 0, 0, 3, 0 } },
	{ "most of it too recent",
	  mostly_recent,
	  LINE_WITH("1 call stack with 1.0 MiB: too few blocks, or too recent"),
	  { 0, 4, 4, 0, 0, 3, 0 } },
	{ "growing, too recent for more",
	  growing_briefly,
	  "1 growing (78.1 KiB) in 1 call stack; not judged: 1 call stack with 78.1 KiB: too few "
	  "blocks, or too recent",
	  { 0, 4, 4, 0, 0, 3, 0 } },
	{ "grown by what no probe saw",
	  grown_unseen,
	  LINE_WITH("RSS +5.0 MiB, none of it seen by a probe"),
	  { 0, 4, 4, 4, 0, 3, 0 } },
	{ "grown by little",
	  grown_little,
	  "no leak found in 1 call stack",
	  { 0, 0, 0, 0, 0, 3, 0 } },
	{ "grown by little for its size",
	  grown_little_for_its_size,
	  "no leak found in 1 call stack",
	  { 0, 0, 0, 0, 0, 3, 0 } },
	{ "grown by what its threads' stacks may be",
	  grown_by_many_threads,
	  "no leak found in 1 call stack",
	  { 0, 0, 0, 0, 0, 3, 0 } },
	{ "large when it was read first",
	  grown_since_the_first_report,
	  "no leak found in 1 call stack",
	  { 0, 0, 0, 0, 0, 3, 0 } },
	{ "shrunk", shrunk, "no leak found in 1 call stack", { 0, 0, 0, 0, 0, 3, 0 } },
	{ "grown by blocks", grown_by_blocks, NULL, { 0, 0, 0, 0, 0, 3, 0 } },
	{ "grown by blocks that were freed",
	  grown_by_blocks_that_were_freed,
	  "no leak found: nothing is outstanding",
	  { 0, 0, 0, 0, 0, 3, 0 } },
	{ "grown beyond its blocks", grown_beyond_its_blocks, NULL, { 0, 4, 4, 4, 0, 3, 0 } },
	{ "grown, but not all is counted",
	  of_certain_sizes,
	  "no leak found in 1 call stack",
	  { 0, 0, 0, 0, 0, 3, 0 } },
	{ "a leak, and grown by what no probe saw",
	  leak_and_grown_unseen,
	  NULL,
	  { 0, 9, 3, 4, 0, 3, 9 } },
	{ "one of two grown by what no probe saw",
	  one_of_two_grown_unseen,
	  LINE_WITH("RSS of shop[5000000] +5.0 MiB, none of it seen by a probe"),
	  { 0, 4, 4, 4, 0, 3, 0 } },
	{ "an ended child held more",
	  ended_child_held_more,
	  "no leak found in 2 call stacks",
	  { 0, 0, 0, 0, 0, 3, 0 } },
};

TEST(the_closing_line_of_each_situation)
{
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		struct strbuf line = { 0 };

		run(situations[i].make, ASK_NOTHING, 0, &line);
		if (situations[i].line)
			CHECK_STR(line.data, situations[i].line);
		strbuf__free(&line);
	}
}

TEST(the_status_of_each_situation_and_condition)
{
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		for (int asked = 0; asked < ASKS; asked++) {
			int status = run(situations[i].make, (enum asked)asked, 0, NULL);

			if (status == situations[i].status[asked])
				continue;
			printf("# %s, %d: status %d, not %d\n", situations[i].name, asked, status,
			       situations[i].status[asked]);
			test_failures++;
		}
	}
}

/* A condition that is met goes before the command's status; that goes before what is not judged. */
TEST(the_status_of_a_command_that_fails)
{
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		for (int asked = 0; asked < ASKS; asked++) {
			int alone = situations[i].status[asked];
			int want = alone == 0 || alone == 4 ? 7 : alone;

			CHECK_EQ(run(situations[i].make, (enum asked)asked, 7, NULL), want);
		}
	}
}

TEST(the_closing_line_says_what_it_came_to)
{
	static const struct {
		void (*make)(void);
		enum asked asked;
		const char *want;
	} rows[] = {
		{ long_and_clean, ASK_LEAK, "call stack; passed" },
		{ short_with_leftovers, ASK_LEAK,
		  "at exit; NOT PASSED (--allow-unjudged lets it pass)" },
		{ short_with_leftovers, ASK_ALLOWED, "at exit; passed" },
		{ short_with_leftovers, ASK_EXCEEDED, "at exit; FAILED: live>=0" },
		{ long_leak, ASK_EXITCODE, "; FAILED" },
		{ leak_and_much_lost, ASK_LEAK, " of the events were lost; FAILED: leak>0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf line = { 0 };
		size_t len = strlen(rows[i].want);

		run(rows[i].make, rows[i].asked, 0, &line);
		CHECK_STR(line.len > len ? line.data + line.len - len : "", rows[i].want);
		strbuf__free(&line);
	}
}

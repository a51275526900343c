/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports with findings, marks and suppressions; conditions on them; the summary line. */
#include "profiles.h"

#include "profile/conditions.h"
#include "report/summary.h"

#define APP .module = "/opt/shop/shop", .mapping = 0
#define LIBSTDCXX                                                                                  \
	.module = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30", .mapping = UINT32_MAX,          \
	.library = true

static const struct profile_frame cart_stack[] = {
	{ .func = "operator new(unsigned long)", LIBSTDCXX, .offset = 0xae8c4 },
	{ .func = "std::vector<Item, std::allocator<Item> >::reserve(unsigned long)",
	  .file = "/usr/include/c++/12/bits/vector.tcc",
	  .line = 79,
	  .inlined = true,
	  .library = true,
	  APP },
	{ .func = "shop::Cart<Item>::add(Item const&)", .file = "/src/cart.cc", .line = 52, APP },
	{ .func = "main", .file = "/src/main.cc", .line = 20, APP },
};

static const struct profile_frame name_stack[] = {
	{ .func = "strdup", LIBC, .offset = 0x9d2a0 },
	{ .func = "customer_load", .file = "/src/customer.c", .line = 7, APP },
	{ .func = "main", .file = "/src/main.cc", .line = 18, APP },
};

static const struct profile_frame small_stack[] = {
	{ .func = "note", .file = "/src/note.c", .line = 3, APP },
};

#define SITE(r, v, bytes, blocks, s)                                                               \
	.rank = (r), .id = "0123456789abcdef", .pid = 77, .comm = "shop", .kind = API_HEAP,        \
	.api = "malloc", .live_bytes = (bytes), .live_blocks = (blocks), .allocs = (blocks),       \
	.verdict = (v), .complete = true, .stack = (s), .nstack = ARRAY_SIZE(s)

static const struct profile_site finding_sites[] = {
	{ SITE(1, VERDICT_LEAK, 1 << 20, 4096, cart_stack), .leak_rate_bps = 3174.4, .oldest_s = 58,
	  .survival = 0.0123, .window_s = 58, .longest_life_s = 0.25, .leaking_s = 50,
	  .growth_bytes = 65536, .since_mark_bytes = 1 << 19, .since_mark_blocks = 2048 },
	{ SITE(2, VERDICT_GROWING, 3 << 20, 3, name_stack), .leak_rate_bps = 100, .survival = 1,
	  .oldest_s = 60, .window_s = 59, .since_mark_bytes = -100, .doubt = DOUBT_OLDER },
	{ SITE(3, VERDICT_PLATEAU, 1 << 23, 8, small_stack), .oldest_s = 60 },
	{ SITE(4, VERDICT_CHURN, 70000, 7, small_stack), .small = true },
	{ SITE(5, VERDICT_LEAK, 16, 1, name_stack), .leak_rate_bps = 0.25, .survival = 0.00001,
	  .leaking_s = 59 },
	{ SITE(6, VERDICT_UNKNOWN, 40, 1, small_stack), .small = true },
};

static const struct profile_suppressed finding_rules[] = {
	{ .pattern = "leak:^known_leak$",
	  .source = "ci.supp:4",
	  .sites = 2,
	  .live_bytes = 100000,
	  .live_blocks = 20 },
	{ .pattern = "leak:/libstdc++.so",
	  .source = "built-in",
	  .reason = "libstdc++'s reserve for exceptions",
	  .sites = 1,
	  .live_bytes = 72704,
	  .live_blocks = 1 },
	{ .pattern = "leak:evil\033[2J",
	  .source = "evil\n.supp:1",
	  .sites = 1,
	  .live_bytes = 1,
	  .live_blocks = 1 },
};

static const struct profile_process finding_processes[] = {
	{ .pid = 77,
	  .comm = "shop",
	  .exe = "/opt/shop/shop",
	  .named = true,
	  .live_bytes = 13000000,
	  .live_blocks = 5000 },
};

static const struct profile_run finding_run = {
	.version = "0.1.0",
	.host = "ci",
	.kernel = "6.1.0",
	.interval_s = 10,
	.stack_mode = STACK_DWARF,
	.sort = SORT_LEAK,
	.top = 6,
};

static struct profile findings(void)
{
	return (struct profile){
		.run = &finding_run,
		.seq = 6,
		.final = true,
		.wall_ns = WALL,
		.elapsed_s = 60,
		.window_s = 60,
		.interval_s = 10,
		.live_bytes = 13000000,
		.live_blocks = 5000,
		.peak_bytes = 13000000,
		.allocs = 9000,
		.frees = 4000,
		.stack_ends = { [STACK_COMPLETE] = 9000 },
		.stacks_complete = 9000,
		.total_sites = 30,
		.rest_bytes = 200000,
		.rest_blocks = 40,
		.small_sites = 17,
		.small_bytes = 50000,
		.small_blocks = 30,
		.marked = true,
		.mark_s = 40,
		.since_mark_bytes = 600000,
		.since_mark_blocks = 2050,
		.leak = { 2, (1 << 20) + 16, 3174.65, 2, (1 << 20) + 16, 3174.65 },
		.growing = { 1, 3 << 20, 100, 1, 3 << 20, 100 },
		.suppressed = finding_rules,
		.nsuppressed = ARRAY_SIZE(finding_rules),
		.suppressed_sites = 4,
		.suppressed_live_bytes = 172705,
		.suppressed_live_blocks = 22,
		.suppressed_since_mark = 1000,
		.processes = finding_processes,
		.nprocesses = 1,
		.sites = finding_sites,
		.nsites = ARRAY_SIZE(finding_sites),
		.mappings = test_mappings,
		.nmappings = ARRAY_SIZE(test_mappings),
	};
}

/* ---- reports ---- */

static void compare(const char *name, const char *format, const struct profile *p, int width)
{
	struct report_style st = { .width = width };
	struct text t;

	setenv("TZ", "UTC", 1);
	t = render(format, p, &st, false);
	check_golden(name, t.data, t.len);
	text_free(&t);
}

TEST(text)
{
	struct profile p = findings();

	compare("findings.txt", "text", &p, 0);
	compare("findings-80.txt", "text", &p, 80);
}

static void check_has(const char *text, const char *want)
{
	if (strstr(text, want))
		return;
	printf("# missing: %s\n", want);
	test_failures++;
}

TEST(json)
{
	struct profile p = findings();
	struct text t = render("json", &p, &(struct report_style){ 0 }, false);

	check_has(t.data,
		  "\"mark_s\":40.0,\"since_mark_bytes\":600000,\"since_mark_blocks\":2050,");
	check_has(
	    t.data,
	    "\"findings\":{\"leak\":{\"sites\":2,\"live_bytes\":1048592,"
	    "\"rate_bps\":3174.65,\"groups\":2},\"growing\":{\"sites\":1,\"live_bytes\":3145728,"
	    "\"rate_bps\":100.0,\"groups\":1}}");
	check_has(t.data, "\"suppressed_live_bytes\":172705,\"suppressed_live_blocks\":22,");
	check_has(t.data,
		  "\"suppressed\":[{\"pattern\":\"leak:^known_leak$\",\"source\":\"ci.supp:4\","
		  "\"reason\":null,\"sites\":2,\"live_bytes\":100000,\"live_blocks\":20},"
		  "{\"pattern\":\"leak:/libstdc++.so\",\"source\":\"built-in\",\"reason\":"
		  "\"libstdc++'s reserve for exceptions\",\"sites\":1,\"live_bytes\":72704,"
		  "\"live_blocks\":1},{\"pattern\":\"leak:evil\\u001b[2J\",");
	check_has(t.data, "\"since_mark_bytes\":524288,\"since_mark_blocks\":2048,"
			  "\"title\":\"shop::Cart<Item>::add(Item const&)\","
			  "\"suppression\":\"leak:^shop::Cart<*>::add(\"");
	check_has(t.data, "\"since_mark_bytes\":-100,\"since_mark_blocks\":0,"
			  "\"title\":\"customer_load\",\"suppression\":\"leak:^customer_load$\"");
	check_has(t.data, "\"title\":\"note\",\"suppression\":null");
	text_free(&t);
}

TEST(since_the_mark)
{
	struct profile_run marked = finding_run;
	struct profile p = findings();

	marked.since_mark = true;
	marked.sort = SORT_MARK;
	p.run = &marked;
	p.final = false;
	compare("since-mark.txt", "text", &p, 0);
	p.marked = false;
	p.nsites = 1;
	p.rest_blocks = p.rest_bytes = p.small_sites = 0;
	compare("since-no-mark.txt", "text", &p, 0);
}

static size_t lines_with(const struct profile *p, const char *what)
{
	struct text t = render("text", p, &(struct report_style){ .height = 100 }, false);
	size_t n = 0;

	for (const char *s = t.data; (s = strstr(s, what)); s++)
		n++;
	text_free(&t);
	return n;
}

TEST(small_sites_are_shown_unless_sorted_by_size)
{
	struct profile_run other = finding_run;
	struct profile p = findings();

	p.run = &other;
	CHECK_EQ(lines_with(&p, " note.c:3"), 1);
	CHECK_EQ(lines_with(&p, "19 call stacks below 1% hold 117.2 KiB in 38 blocks"), 1);
	other.sort = SORT_GROWTH;
	CHECK_EQ(lines_with(&p, " note.c:3"), 3);
	CHECK_EQ(lines_with(&p, "below 1%"), 0);
	CHECK_EQ(lines_with(&p, "20 more call stacks hold 195.3 KiB in 40 blocks"), 1);
	other.sort = SORT_BYTES;
	CHECK_EQ(lines_with(&p, " note.c:3"), 1);
	other.top_given = true;
	other.top = 6;
	CHECK_EQ(lines_with(&p, " note.c:3"), 1);
	other.top = 0;
	CHECK_EQ(lines_with(&p, " note.c:3"), 3);
}

/* ---- conditions ---- */

static struct conditions parse(const char *list)
{
	struct conditions c = { 0 };
	char why[200];

	CHECK_EQ(conditions__add(&c, list, why, sizeof(why)), 0);
	return c;
}

static bool fails(const char *list, const struct profile *p)
{
	struct conditions c = parse(list);
	bool failed = summary__outcome(&(struct criteria){ .checks = &c }, p) == OUTCOME_FAILED;

	conditions__release(&c);
	return failed;
}

TEST(each_condition)
{
	struct profile p = findings(), none = empty;

	CHECK(fails("leak>0", &p));
	CHECK(fails("leak>1m", &p));
	CHECK(!fails("leak>1048592", &p));
	CHECK(fails("leak>=1048592", &p));
	CHECK(fails("leaks>1", &p));
	CHECK(!fails("leaks>2", &p));
	CHECK(fails("leak-rate>3174", &p));
	CHECK(!fails("leak-rate>3175", &p));
	CHECK(fails("growing>2m", &p));
	CHECK(!fails("growing>3M", &p));
	CHECK(fails("live>12827294", &p)); /* 172,705 of 13,000,000 are suppressed */
	CHECK(!fails("live>12827295", &p));
	CHECK(fails("blocks>=4978", &p));
	CHECK(!fails("blocks>4978", &p));
	CHECK(fails("growth>598999", &p));
	CHECK(!fails("growth>599000", &p));
	CHECK(!fails("lost>0", &p));
	p.lost_stacks = 1;
	CHECK(fails("lost>0", &p));
	p.since_mark_bytes = -5;
	CHECK(!fails("growth>0", &p));
	CHECK(
	    !fails("leak>0,leaks>0,leak-rate>0,growing>0,live>0,blocks>0,growth>0,lost>0", &none));
	CHECK(fails("leak>=0", &none));
	none.leak.rate_bps = 0.01;
	CHECK(fails("leak-rate>0", &none));
}

TEST(several_conditions)
{
	struct profile p = findings();
	struct conditions c = parse(" leak > 64k,\tlive>=10M ");

	CHECK_EQ(c.n, 2);
	CHECK_STR(c.items[0].text, "leak>64k");
	CHECK_STR(c.items[1].text, "live>=10M");
	CHECK_EQ(c.items[1].limit, 10 << 20);
	conditions__release(&c);
	CHECK_EQ(c.n, 0);
	CHECK(fails("leak>1g,live>10m", &p));
	CHECK(fails("live>10m,leak>1g", &p));
	CHECK(!fails("live>1g,leak>1g", &p));
}

static void refused(const char *list, const char *want)
{
	struct conditions c = { 0 };
	char why[200] = "";

	CHECK_EQ(conditions__add(&c, list, why, sizeof(why)), -EINVAL);
	CHECK_STR(why, want);
	conditions__release(&c);
}

TEST(invalid_conditions)
{
	static const char comparison[] = "needs a comparison, such as >0";
	static const char operator[] = "must compare with > or >=";
	static const char metric[] =
	    "must begin with leak, leaks, leak-rate, growing, live, blocks, "
	    "growth or lost";
	static const char number[] = "needs a whole number (suffixes k, m, g)";

	refused("", comparison);
	refused("leak", comparison);
	refused("leak>0,", comparison);
	refused("leak<1", operator);
	refused("leak=1", operator);
	refused("leak!=1", operator);
	refused("leek>1", metric);
	refused(">1", metric);
	refused("leak>", number);
	refused("leak>>1", number);
	refused("leak>x", number);
	refused("leak>-1", number);
	refused("leak>1.5m", number);
	refused("leak>1kb", number);
	refused("leak>99999999999999999999", number);
}

/* ---- the summary line ---- */

static void summary(const struct profile *p, const char *list, bool any_leak, const char *want)
{
	struct conditions c = { 0 };
	struct strbuf sb = { 0 };

	if (*list)
		c = parse(list);
	summary__add(&sb, p, &(struct criteria){ .checks = &c, .any_leak = any_leak });
	CHECK_STR(sb.data, want);
	strbuf__free(&sb);
	conditions__release(&c);
}

#define FOUND "2 leaks (1.0 MiB, +10.9 MiB/h), 1 growing (3.0 MiB) in 26 call stacks, 4 suppressed"

TEST(summary_line)
{
	struct profile p = findings(), none = empty;

	summary(&p, "", false, FOUND);
	summary(&p, "", true, FOUND "; FAILED");
	summary(&p, "leak>64k", false, FOUND "; FAILED: leak>64k");
	summary(&p, "leak>64k,live>1g,lost>=0", true, FOUND "; FAILED: leak>64k, lost>=0");
	summary(&p, "leak>64m", true, FOUND "; passed");
	summary(&none, "", false, "no leak found: nothing is outstanding");
	summary(&none, "", true, "no leak found: nothing is outstanding; passed");
	none.lost_events = 1;
	none.total_sites = 1;
	summary(&none, "", false, "no leak found in 1 call stack, some data was lost");
	none.leak = (struct profile_findings){ 1, 16, 0, 1, 16, 0 };
	summary(&none, "", false, "1 leak (16 B) in 1 call stack, some data was lost");
}

TEST(without_conditions_a_leak_is_a_failure)
{
	struct profile p = findings(), none = empty;
	struct conditions no_checks = { 0 }, high = parse("leak>1g");

	CHECK_EQ(summary__outcome(&(struct criteria){ &no_checks, true, false }, &p),
		 OUTCOME_FAILED);
	CHECK_EQ(summary__outcome(&(struct criteria){ &no_checks, false, false }, &p),
		 OUTCOME_PASSED);
	CHECK_EQ(summary__outcome(&(struct criteria){ &no_checks, true, false }, &none),
		 OUTCOME_PASSED);
	CHECK_EQ(summary__outcome(&(struct criteria){ &high, true, false }, &p), OUTCOME_PASSED);
	conditions__release(&high);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two runs compared: stacks that are new, gone, grown and shrunk. */
#include "compared.h"

#include "profile/conditions.h"
#include "report/difference.h"

static const struct profile_site before_sites[] = {
	{ .id = "00000000000000aa",
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = 100,
	  .live_blocks = 1 },
	{ .id = "00000000000000bb",
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = 500,
	  .live_blocks = 5,
	  .pid = 1 },
	{ .id = "00000000000000bb",
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = 250,
	  .live_blocks = 5,
	  .pid = 2 },
	{ .id = "00000000000000cc",
	  .kind = API_MAP,
	  .api = "mmap",
	  .mapping = MAPPED_ANONYMOUS,
	  .live_bytes = 4096,
	  .live_blocks = 1 },
	{ .id = "00000000000000dd",
	  .kind = API_HEAP,
	  .api = "calloc",
	  .live_bytes = 7,
	  .live_blocks = 7 },
	{ .id = "0000000000000000",
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = 1,
	  .live_blocks = 1 },
	{ .id = "00000000000000ee", .kind = API_HEAP, .api = "malloc" },
};

static const struct profile_site after_sites[] = {
	{ .id = "00000000000000bb",
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = 1000,
	  .live_blocks = 10,
	  .pid = 9 },
	{ .id = "00000000000000bb",
	  .kind = API_HEAP,
	  .api = "realloc",
	  .live_bytes = 30,
	  .live_blocks = 3 },
	{ .id = "00000000000000cc",
	  .kind = API_MAP,
	  .api = "mmap",
	  .mapping = MAPPED_ANONYMOUS,
	  .live_bytes = 4096,
	  .live_blocks = 1 },
	{ .id = "00000000000000cc",
	  .kind = API_MAP,
	  .api = "mmap",
	  .mapping = MAPPED_FILE,
	  .live_bytes = 8192,
	  .live_blocks = 2 },
	{ .id = "00000000000000dd",
	  .kind = API_HEAP,
	  .api = "calloc",
	  .live_bytes = 7,
	  .live_blocks = 8 },
	{ .id = "0000000000000000",
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = 1,
	  .live_blocks = 1 },
};

static const struct profile before = {
	.run = &test_run,
	.wall_ns = WALL,
	.elapsed_s = 68,
	.sites = before_sites,
	.nsites = ARRAY_SIZE(before_sites),
};

static const struct profile after = {
	.run = &test_run,
	.wall_ns = WALL + 60000000000,
	.elapsed_s = 70,
	.sites = after_sites,
	.nsites = ARRAY_SIZE(after_sites),
	.notice = "cut \033[31m",
};

TEST(changed_stacks_by_growth)
{
	struct comparison c;

	CHECK_EQ(compare__profiles(&before, &after, &c), 0);
	CHECK_STR(rows(&c), "+8192/+2@cc +250/+0@bb +30/+3@bb +0/+1@dd -100/-1@aa");
	CHECK_EQ(c.unchanged, 2);
	CHECK_EQ(c.sites[1].before.bytes, 750);
	CHECK_EQ(c.sites[1].before.blocks, 10);
	CHECK_EQ(c.sites[1].after.bytes, 1000);
	CHECK(c.sites[1].of == &after && c.sites[4].of == &before);
	CHECK_EQ(c.total_before.bytes, 100 + 750 + 4096 + 7 + 1);
	CHECK_EQ(c.total_after.blocks, 10 + 3 + 1 + 2 + 8 + 1);
	compare__free(&c);
	CHECK_EQ(compare__profiles(&after, &before, &c), 0);
	CHECK_STR(rows(&c), "+100/+1@aa +0/-1@dd -30/-3@bb -250/+0@bb -8192/-2@cc");
	compare__free(&c);
	CHECK_EQ(compare__profiles(&after, &after, &c), 0);
	CHECK_EQ(c.nsites, 0);
	CHECK_EQ(c.unchanged, 6);
	compare__free(&c);
}

static char *printed(const char *format, uint32_t top)
{
	struct comparison c;
	struct difference_input in = { &c, "a.mt", "b\n.mt", top };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	CHECK_EQ(compare__profiles(&before, &after, &c), 0);
	CHECK_EQ(report__find(format)->difference(&in, &(struct report_style){ 0 }, out), 0);
	fclose(out);
	compare__free(&c);
	return text;
}

TEST(printed_as_text)
{
	char *text = printed("text", 2);

	CHECK(strstr(text, "before  2026-"));
	CHECK(strstr(text, "a.mt after 1m08s: 4.8 KiB in 20 blocks\n"));
	CHECK(strstr(text, "b\\x0a.mt after 1m10s: 13.0 KiB in 25 blocks\n"
			   "        cut \\x1b[31m\n"));
	CHECK(strstr(text, "change  +8.2 KiB in +5 blocks; 2 call stacks unchanged\n"));
	CHECK(strstr(text, " #    CHANGE  BEFORE    AFTER  BLOCKS  BEFORE  AFTER"));
	CHECK(strstr(text, " 1  +8.0 KiB     0 B  8.0 KiB      +2       0      2  "
			   "mmap (file)  00000000000000cc\n"));
	CHECK(strstr(text, "  … 3 more call stacks changed by -70 B in +3 blocks\n"));
	free(text);
}

TEST(printed_as_json)
{
	char *text = printed("json", 0);
	size_t lines = 0;

	for (char *p = text; *p; p++)
		lines += *p == '\n';
	CHECK_EQ(lines, 6);
	CHECK(strstr(text, "{\"type\":\"diff\",\"schema\":1,\"before\":{\"file\":\"a.mt\","));
	CHECK(strstr(text, "\"change_bytes\":8372,\"change_blocks\":5,"
			   "\"by_rate\":false,\"rebuilt_sites\":0,\"faster_leaks\":0,"
			   "\"changed_sites\":5,\"unchanged_sites\":2}"));
	CHECK(strstr(text, "{\"type\":\"diff_site\",\"rank\":5,\"id\":\"00000000000000aa\","
			   "\"kind\":\"heap\",\"api\":\"malloc\",\"mapping\":null,"
			   "\"before_bytes\":100,\"before_blocks\":1,\"after_bytes\":0,"
			   "\"after_blocks\":0,\"change_bytes\":-100,\"change_blocks\":-1,"));
	free(text);
}

TEST(other_formats_print_no_difference)
{
	CHECK(!report__find("pprof")->difference);
	CHECK(!report__find("folded")->difference);
}

/* ---- recordings of unequal length ---- */

/* A call stack as it was before and after, in runs of 60 s and 20 s, and the change: the least and
 * the most that the first would hold after the other's time, in KiB. */
static const struct unequal {
	const char *what;
	enum verdict verdict[2];
	double bytes[2], rate[2]; /* KiB, KiB/s */
	double change;		  /* from the longer to the shorter */
	double back;		  /* from the shorter to the longer */
	bool faster, faster_back;
} unequal[] = {
	{ "a leak at the same rate", { VERDICT_LEAK, VERDICT_LEAK }, { 6000, 2000 }, { 100, 100 } },
	{ "its rate is measured", { VERDICT_LEAK, VERDICT_LEAK }, { 6000, 2080 }, { 100, 104 } },
	{ "a leak twice as fast",
	  { VERDICT_LEAK, VERDICT_LEAK },
	  { 6000, 4000 },
	  { 100, 200 },
	  .change = 2000,
	  .back = -6000,
	  .faster = true },
	{ "a leak half as fast",
	  { VERDICT_LEAK, VERDICT_LEAK },
	  { 6000, 1000 },
	  { 100, 50 },
	  .change = -1000,
	  .back = 3000,
	  .faster_back = true },
	{ "what was held at first does not grow",
	  { VERDICT_LEAK, VERDICT_LEAK },
	  { 16000, 12000 },
	  { 100, 100 } },
	{ "what is settled", { VERDICT_PLATEAU, VERDICT_STARTUP }, { 6000, 6000 }, { 0, 0 } },
	{ "a plateau that is larger",
	  { VERDICT_PLATEAU, VERDICT_PLATEAU },
	  { 3000, 6000 },
	  { 0, 0 },
	  .change = 3000,
	  .back = -3000 },
	{ "a plateau that leaks now",
	  { VERDICT_PLATEAU, VERDICT_LEAK },
	  { 1000, 2000 },
	  { 0, 100 },
	  .change = 1000,
	  .back = -5000,
	  .faster = true },
	{ "a new leak",
	  { VERDICT_UNKNOWN, VERDICT_LEAK },
	  { 0, 2000 },
	  { 0, 100 },
	  .change = 2000,
	  .back = -6000,
	  .faster = true },
	{ "not judged: a leak or settled",
	  { VERDICT_UNKNOWN, VERDICT_UNKNOWN },
	  { 6000, 3000 },
	  { 0, 0 } },
	{ "not judged, and more than either",
	  { VERDICT_UNKNOWN, VERDICT_UNKNOWN },
	  { 3000, 6000 },
	  { 0, 0 },
	  .change = 3000,
	  .back = -3000 },
	{ "a short run cannot tell a leak yet",
	  { VERDICT_LEAK, VERDICT_GROWING },
	  { 6000, 2000 },
	  { 100, 100 } },
	{ "a cache that fills",
	  { VERDICT_PLATEAU, VERDICT_GROWING },
	  { 2500, 2000 },
	  { 0, 100 },
	  .change = -500 },
	{ "growth three times as fast",
	  { VERDICT_LEAK, VERDICT_GROWING },
	  { 6000, 6000 },
	  { 100, 300 },
	  .change = 4000,
	  .back = 0,
	  .faster = true },
};

static struct profile_site unequal_site(const struct unequal *u, int side)
{
	return (struct profile_site){
		.id = "00000000000000aa",
		.kind = API_HEAP,
		.api = "malloc",
		.verdict = u->verdict[side],
		.live_bytes = (uint64_t)(u->bytes[side] * 1024),
		.live_blocks = (uint64_t)u->bytes[side],
		.leak_rate_bps = u->rate[side] * 1024,
	};
}

static void check_unequal(const struct unequal *u, bool back)
{
	struct profile_site sites[2] = { unequal_site(u, back), unequal_site(u, !back) };
	struct profile p = run_with(&sites[0], back ? 20 : 60),
		       q = run_with(&sites[1], back ? 60 : 20);
	double want = back ? u->back : u->change;
	bool faster = back ? u->faster_back : u->faster;
	struct comparison c;

	CHECK_EQ(compare__profiles(&p, &q, &c), 0);
	CHECK(c.by_rate);
	if (c.bytes != (int64_t)(want * 1024) ||
	    (c.verdict.leak.groups + c.verdict.growing.groups > 0) != faster) {
		printf("# %s%s: %+lld KiB, %d faster\n", u->what, back ? ", back" : "",
		       (long long)c.bytes / 1024, (int)c.verdict.leak.groups);
		test_failures++;
	}
	CHECK_EQ(c.nsites, want != 0);
	compare__free(&c);
}

TEST(runs_of_unequal_length_are_compared_by_rate)
{
	for (size_t i = 0; i < ARRAY_SIZE(unequal); i++) {
		check_unequal(&unequal[i], false);
		check_unequal(&unequal[i], true);
	}
}

static bool by_rate(double before_s, double after_s, bool whole)
{
	static const struct profile_run launched = { .launched = true };
	static const struct profile_process ended = { .exited = true };
	struct profile_site site = unequal_site(&unequal[0], 0);
	struct profile p = run_with(&site, before_s), q = run_with(&site, after_s);
	struct comparison c;
	bool result;

	if (whole) {
		p.run = q.run = &launched;
		p.processes = q.processes = &ended;
		p.nprocesses = q.nprocesses = 1;
	}
	CHECK_EQ(compare__profiles(&p, &q, &c), 0);
	result = c.by_rate;
	CHECK_EQ(c.nsites, 0 + (result ? 1 : 0));
	compare__free(&c);
	return result;
}

TEST(which_lengths_are_unequal)
{
	CHECK(!by_rate(60, 60, false));
	CHECK(!by_rate(60, 54.1, false));
	CHECK(by_rate(60, 50, false));
	CHECK(by_rate(50, 60, false));
	/* A command that ran to its end did all of its work, however long that took. */
	CHECK(!by_rate(60, 20, true));
	/* Nothing can be said by the rate in no time. */
	CHECK(!by_rate(0, 60, false));
}

/* The parts of a leak are one; what is not judged on either side is not judged. */
TEST(the_verdict_of_a_comparison)
{
	struct profile_site old = unequal_site(&unequal[0], 0), new[3];
	struct profile p = run_with(&old, 60), q;
	struct conditions checks = { 0 };
	struct comparison c;
	char why[64];

	for (size_t i = 0; i < ARRAY_SIZE(new); i++) {
		new[i] = unequal_site(&unequal[2], 1);
		new[i].id[15] = (char)('a' + i);
		new[i].group = i ? 2 : 1;
	}
	q = run_with(new, 20);
	q.nsites = ARRAY_SIZE(new);
	CHECK_EQ(conditions__add(&checks, "leaks>1,leaks>2,growth>9m,growth>10m,lost>0", why,
				 sizeof(why)),
		 0);
	CHECK_EQ(compare__profiles(&p, &q, &c), 0);
	CHECK_EQ(c.verdict.leak.sites, 3);
	CHECK_EQ(c.verdict.leak.groups, 2);
	CHECK_EQ(c.verdict.leak.live_bytes, 10000 * 1024);
	CHECK(c.verdict.leak.rate_bps == 500 * 1024);
	CHECK(conditions__is_met(&checks.items[0], &c.verdict));
	CHECK(conditions__is_ruled_out(&checks.items[1], &c.verdict));
	CHECK(conditions__is_met(&checks.items[2], &c.verdict));
	CHECK(!conditions__is_met(&checks.items[3], &c.verdict));
	CHECK(!conditions__is_met(&checks.items[4], &c.verdict));
	compare__free(&c);
	p.judged.reasons = UNJUDGED_SHORT;
	p.lost_events = 1;
	CHECK_EQ(compare__profiles(&p, &q, &c), 0);
	CHECK(!conditions__is_ruled_out(&checks.items[1], &c.verdict));
	CHECK(conditions__is_ruled_out(&checks.items[3], &c.verdict));
	CHECK(conditions__is_met(&checks.items[4], &c.verdict));
	compare__free(&c);
	conditions__release(&checks);
}

/* ---- as text and JSON ---- */

static struct text print_unequal(const char *format, struct strbuf *summary)
{
	static const struct profile_frame frames[][1] = {
		{ { .func = "session_new", .file = "session.c", .line = 88, MAIN } },
		{ { .func = "page_render", .file = "page.c", .line = 7, MAIN } },
		{ { .func = "cache_add", .file = "cache.c", .line = 19, MAIN } },
	};
	struct profile_site old[] = { unequal_site(&unequal[2], 0), unequal_site(&unequal[0], 0),
				      unequal_site(&unequal[6], 0) };
	struct profile_site new[] = { unequal_site(&unequal[2], 1), unequal_site(&unequal[0], 1),
				      unequal_site(&unequal[6], 1) };
	struct profile p = run_with(old, 60), q = run_with(new, 20);
	struct comparison c;
	struct difference_input in = { &c, "before.mt", "after.mt", 0 };
	struct text t = { 0 };
	FILE *out = open_memstream(&t.data, &t.len);

	setenv("TZ", "UTC", 1);

	for (size_t i = 0; i < ARRAY_SIZE(old); i++) {
		old[i].id[15] = new[i].id[15] = (char)('a' + i);
		old[i].stack = new[i].stack = frames[i];
		old[i].nstack = new[i].nstack = 1;
		old[i].complete = new[i].complete = true;
	}
	p.nsites = q.nsites = ARRAY_SIZE(old);
	p.mappings = q.mappings = test_mappings;
	p.nmappings = q.nmappings = ARRAY_SIZE(test_mappings);
	CHECK_EQ(compare__profiles(&p, &q, &c), 0);
	CHECK_EQ(report__find(format)->difference(&in, &(struct report_style){ 0 }, out), 0);
	fclose(out);
	difference__add_summary(summary, &c);
	compare__free(&c);
	return t;
}

TEST(unequal_lengths_printed)
{
	static const char *const formats[] = { "text", "json" };
	static const char *const names[] = { "diff-unequal.txt", "diff-unequal.json" };

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct strbuf summary = { 0 };
		struct text t = print_unequal(formats[i], &summary);

		check_golden(names[i], t.data, t.len);
		CHECK_STR(summary.data,
			  "1 leak new or faster (+2.0 MiB, +351.6 MiB/h), change +4.9 "
			  "MiB by rate");
		strbuf__free(&summary);
		text_free(&t);
	}
}

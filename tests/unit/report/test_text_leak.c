/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The short form of the text report: leaks with their parts, and which frames are left out. */
#include "profiles.h"
#include "report/summary.h"
#include "report/text_path.h"

#define SHOP .module = "/srv/shop", .mapping = UINT32_MAX
#define STD .module = "/srv/shop", .mapping = UINT32_MAX, .library = true, .inlined = true
#define STDCXX .module = "/usr/lib/libstdc++.so.6.0.30", .library = true
#define LIBC_SO .module = "/usr/lib/libc.so.6", .library = true
#define FROM_CHECKOUT                                                                              \
	{ .func = "checkout", .file = "shop.cc", .line = 106, .inlined = true, SHOP },             \
	    { .func = "serve_customers(int)", .file = "shop.cc", .line = 122, SHOP },              \
	    { .offset = 0xd44a3, STDCXX }, { .offset = 0x891f5, LIBC_SO },                         \
	{                                                                                          \
		.offset = 0x1098ec, LIBC_SO                                                        \
	}

static const struct profile_frame session[] = {
	{ .func = "operator new(unsigned long)", STDCXX },
	{ .func = "std::make_unique<(anonymous namespace)::Session>", STD },
	{ .func = "open_session", .file = "shop.cc", .line = 80, SHOP },
	FROM_CHECKOUT,
};

static const struct profile_frame node[] = {
	{ .func = "operator new(unsigned long)", STDCXX },
	{ .func = "std::map<int, std::unique_ptr<(anonymous namespace)::Session>>::operator[]",
	  STD },
	{ .func = "open_session", .file = "shop.cc", .line = 82, SHOP },
	FROM_CHECKOUT,
};

static const struct profile_frame cache[] = {
	{ .func = "cache_add", .file = "cache.c", .line = 7, .module = "/srv/libcache.so.1" },
	{ .func = "refill", .file = "cache.c", .line = 19, .module = "/srv/libcache.so.1" },
	{ .func = "refill", .file = "cache.c", .line = 19, .module = "/srv/libcache.so.1" },
	{ .func = "qsort_r", LIBC_SO },
	{ .func = "sorted", .file = "shop.cc", .line = 31, SHOP },
	{ .func = "one", .file = "shop.cc", .line = 1, SHOP },
	{ .func = "two", .file = "shop.cc", .line = 2, SHOP },
	{ .func = "three", .file = "shop.cc", .line = 3, SHOP },
	{ .func = "four", .file = "shop.cc", .line = 4, SHOP },
	{ .func = "main", .file = "shop.cc", .line = 5, SHOP },
	{ .func = "__libc_start_call_main", LIBC_SO },
	{ .func = "_start", SHOP, .library = true },
};

static const struct profile_frame product[] = {
	{ .func = "load_product", .file = "shop.cc", .line = 53, SHOP },
	{ .func = "find_product", .file = "shop.cc", .line = 62, SHOP },
	FROM_CHECKOUT,
};

#define STACK(frames) .stack = frames, .nstack = ARRAY_SIZE(frames), .end = STACK_COMPLETE
#define HEAP .pid = 77, .comm = "shop", .processes = 1, .kind = API_HEAP, .api = "malloc"

static const struct profile_site sites[] = {
	{ .rank = 1,
	  .id = "ed06e3eecc35e10b",
	  HEAP,
	  .live_bytes = 152474,
	  .live_blocks = 1271,
	  .verdict = VERDICT_LEAK,
	  .leak_rate_bps = 9576,
	  .survival = 0.051,
	  .longest_life_s = 0.0314,
	  .leaking_s = 16,
	  .group = 1,
	  STACK(session) },
	{ .rank = 2,
	  .id = "2cac9a7fff52e2f3",
	  HEAP,
	  .live_bytes = 61030,
	  .live_blocks = 1271,
	  .verdict = VERDICT_GROWING,
	  .leak_rate_bps = 3830,
	  .survival = 0.051,
	  .group = 1,
	  STACK(node) },
	{ .rank = 3,
	  .id = "0000000000000003",
	  HEAP,
	  .live_bytes = 8000,
	  .live_blocks = 500,
	  .verdict = VERDICT_LEAK,
	  .leak_rate_bps = 20,
	  .survival = 1,
	  .leaking_s = 12,
	  .group = 2,
	  STACK(cache) },
	{ .rank = 4,
	  .id = "0000000000000004",
	  HEAP,
	  .live_bytes = 4096,
	  .live_blocks = 32,
	  .growth_bytes = 1024,
	  .allocs = 32,
	  .oldest_s = 9,
	  .verdict = VERDICT_GROWING,
	  .doubt = DOUBT_SLOWS,
	  .leak_rate_bps = 120,
	  .survival = 1,
	  .group = 3,
	  STACK(product) },
	{ .rank = 5,
	  .id = "0000000000000005",
	  HEAP,
	  .live_bytes = 2048,
	  .live_blocks = 32,
	  .growth_bytes = 512,
	  .allocs = 32,
	  .oldest_s = 9,
	  .verdict = VERDICT_GROWING,
	  .doubt = DOUBT_SLOWS,
	  .leak_rate_bps = 60,
	  .survival = 1,
	  .group = 3,
	  STACK(product) },
	{ .rank = 6,
	  .id = "0000000000000006",
	  .pid = 77,
	  .comm = "shop",
	  .processes = 1,
	  .kind = API_MAP,
	  .api = "mmap",
	  .mapping = MAPPED_STACK,
	  .live_bytes = 8392704,
	  .live_blocks = 1,
	  .oldest_s = 15,
	  .allocs = 1,
	  .verdict = VERDICT_PLATEAU,
	  STACK(product) },
};

static const struct profile_group groups[] = {
	{ .id = "ed06e3eecc35e10b",
	  .verdict = VERDICT_LEAK,
	  .parts = 5,
	  .live_bytes = 220000,
	  .live_blocks = 2600,
	  .rate_bps = 13500 },
	{ .id = "0000000000000003",
	  .verdict = VERDICT_LEAK,
	  .parts = 1,
	  .live_bytes = 8000,
	  .live_blocks = 500,
	  .rate_bps = 20 },
	{ .id = "0000000000000004",
	  .verdict = VERDICT_GROWING,
	  .parts = 2,
	  .live_bytes = 6144,
	  .live_blocks = 64,
	  .growth_bytes = 1536,
	  .allocs = 64,
	  .oldest_s = 9,
	  .rate_bps = 180 },
};

static const struct profile_process processes[] = {
	{ .pid = 77, .comm = "shop", .exe = "/srv/shop", .live_bytes = 8626848 },
};

static const struct profile shop = {
	.run = &test_run,
	.seq = 1,
	.final = true,
	.wall_ns = WALL,
	.elapsed_s = 16.3,
	.window_s = 16.3,
	.live_bytes = 421273,
	.live_blocks = 3115,
	.peak_bytes = 421273,
	.allocs = 266417,
	.frees = 263302,
	.stack_ends = { [STACK_COMPLETE] = 266417 },
	.stacks_complete = 266417,
	.total_sites = 7,
	.rest_bytes = 100,
	.rest_blocks = 1,
	.leak = { .groups = 2, .group_bytes = 228000, .group_rate_bps = 13520 },
	.growing = { .groups = 1, .group_bytes = 6144, .group_rate_bps = 180 },
	.processes = processes,
	.nprocesses = 1,
	.sites = sites,
	.nsites = ARRAY_SIZE(sites),
	.groups = groups,
	.ngroups = ARRAY_SIZE(groups),
};

static struct text print(const struct profile *p, struct report_style st)
{
	setenv("TZ", "UTC", 1);
	return render("text", p, &st, false);
}

static void compare(const char *name, struct report_style st)
{
	struct text t = print(&shop, st);

	check_golden(name, t.data, t.len);
	text_free(&t);
}

TEST(leaks_in_a_pipe)
{
	compare("leaks.txt", (struct report_style){ 0 });
}

TEST(leaks_on_a_terminal)
{
	compare("leaks-80.txt", (struct report_style){ .width = 80, .height = 24 });
}

TEST(leaks_with_full_stacks)
{
	compare("leaks-full.txt", (struct report_style){ .full = true });
}

static size_t count(const char *s, const char *what)
{
	size_t n = 0;

	for (; (s = strstr(s, what)); s += strlen(what))
		n++;
	return n;
}

static size_t line_count(const char *s)
{
	return count(s, "\n");
}

/* With the run's last line and the shell's prompt. */
TEST(two_leaks_fit_a_screen)
{
	struct text t = print(&shop, (struct report_style){ .width = 80, .height = 24 });

	CHECK(line_count(t.data) <= 22);
	CHECK(strstr(t.data, "… 4 more call stacks, 1 growing, hold "));
	text_free(&t);
	t = print(&shop, (struct report_style){ 0 });
	CHECK(line_count(t.data) <= 22);
	text_free(&t);
}

#define MANY 12

/* So many leaks, and what grows. */
static struct text print_many(size_t n, struct report_style st)
{
	struct profile_group each[MANY + 1];
	struct profile_site rows[MANY + 1];
	struct profile p = shop;

	for (size_t i = 0; i <= n; i++) {
		each[i] = groups[i < n ? i % 2 : 2];
		rows[i] = sites[i < n ? i % 2 * 2 : 3];
		rows[i].group = (uint32_t)i + 1;
		rows[i].rank = (uint32_t)i + 1;
	}
	p.sites = rows;
	p.nsites = p.total_sites = n + 1;
	p.groups = each;
	p.ngroups = n + 1;
	p.leak.groups = n;
	p.judged.open_sites = 8;
	return print(&p, st);
}

/* The run's last line takes two there, and the prompt of the shell one. */
TEST(any_number_of_leaks_fits_a_screen)
{
	for (size_t n = 1; n <= MANY; n++) {
		struct text t = print_many(n, (struct report_style){ .width = 80, .height = 24 });
		size_t shown = count(t.data, "LEAK ");

		CHECK(line_count(t.data) <= 21);
		CHECK(shown == n || (shown > 6 && strstr(t.data, " more leaks (-t shows more)\n")));
		CHECK(n > 4 || count(t.data, "\n  callers  ") + count(t.data, "\n  in   ") >= n);
		CHECK(strstr(t.data, " growing"));
		text_free(&t);
		t = print_many(n, (struct report_style){ .width = 80, .height = 200 });
		CHECK_EQ(count(t.data, "LEAK "), n);
		CHECK_EQ(count(t.data, "\n  callers  "), n);
		text_free(&t);
	}
}

/* A higher terminal has room for more of each. */
TEST(a_higher_terminal_shows_more)
{
	struct text few = print(&shop, (struct report_style){ .width = 80, .height = 24 });
	struct text more = print(&shop, (struct report_style){ .width = 80, .height = 60 });

	CHECK(!strstr(few.data, "  four  "));
	CHECK(strstr(more.data, "  four  "));
	CHECK(strstr(more.data, "  slowing, +")); /* why it is doubted is not what is cut */
	CHECK(line_count(few.data) < line_count(more.data));
	text_free(&few);
	text_free(&more);
}

TEST(more_call_stacks_are_shown_to_those_who_ask)
{
	struct profile_run run = test_run;
	struct profile p = shop;
	struct text t;

	p.run = &run;
	run.top_given = true;
	run.top = 10;
	t = print(&p, (struct report_style){ .width = 80, .height = 5 });
	CHECK(strstr(t.data, "  plateau  load_product"));
	text_free(&t);
}

/* With another order than that by leaks, each has a line in its place. */
TEST(an_order_by_age_has_the_leaks_too)
{
	struct profile_run run = test_run;
	struct profile p = shop;
	struct text t;

	p.run = &run;
	run.sort = SORT_AGE;
	t = print(&p, (struct report_style){ 0 });
	CHECK(strstr(t.data, "LEAK 1  open_session"));
	CHECK(strstr(t.data, "BLOCKS  OLDEST  VERDICT\n"));
	CHECK(strstr(t.data, "  leak     open_session  shop.cc:80"));
	text_free(&t);
}

/* A leak of many parts may be faster than one whose only part ranks before each of them. */
TEST(the_leak_with_the_highest_rate_comes_first)
{
	struct profile_group slow_first[ARRAY_SIZE(groups)];
	struct profile_run run = test_run;
	struct profile p = shop;
	struct text t;

	memcpy(slow_first, groups, sizeof(groups));
	slow_first[1].rate_bps = 2 * slow_first[0].rate_bps;
	p.groups = slow_first;
	p.run = &run;
	run.sort = SORT_LEAK;
	t = print(&p, (struct report_style){ 0 });
	CHECK(strstr(t.data, "LEAK 2  open_session"));
	text_free(&t);
	run.sort = SORT_BYTES;
	t = print(&p, (struct report_style){ 0 });
	CHECK(strstr(t.data, "LEAK 1  open_session"));
	text_free(&t);
}

TEST(leaks_below_the_top_are_counted)
{
	struct profile p = shop;
	struct text t;

	p.leak.groups = 5;
	t = print(&p, (struct report_style){ 0 });
	CHECK(strstr(t.data, "\n… 3 more leaks (-t shows more)\n"));
	text_free(&t);
}

TEST(of_several_processes_each_leak_names_its_own)
{
	const struct profile_process two[] = { processes[0], { .pid = 78, .comm = "other" } };
	struct profile_site owned[ARRAY_SIZE(sites)];
	struct profile p = shop;
	struct text t;

	memcpy(owned, sites, sizeof(sites));
	owned[0].container = "web";
	p.sites = owned;
	p.processes = two;
	p.nprocesses = 2;
	t = print(&p, (struct report_style){ 0 });
	CHECK(strstr(t.data, "\n  in       web/shop[77]: for 16s, "));
	CHECK(strstr(t.data, "\n  in       shop[77], libcache.so.1: for 12s, "));
	text_free(&t);
	t = print(&p, (struct report_style){ .width = 80, .height = 24 });
	CHECK(strstr(t.data, "\n  in       web/shop[77]"));
	text_free(&t);
	t = print(&p, (struct report_style){ .width = 80, .height = 14 });
	CHECK(strstr(t.data, "LEAK 1  open_session  web/shop[77]"));
	text_free(&t);
}

/* All rates are in one unit: those of the header, of each leak, of what grows, and of the closing
 * line. */
TEST(one_unit_for_all_rates)
{
	struct text t = print(&shop, (struct report_style){ .height = 100 });
	static const struct conditions none;
	struct strbuf line = { 0 };
	size_t rates = 0;

	for (const char *s = t.data; (s = strstr(s, "iB/")); s++) {
		CHECK(s[-1] == 'M' && s[3] == 'h');
		rates++;
	}
	CHECK(!strstr(t.data, "/min") && !strstr(t.data, "/s\n"));
	CHECK(rates >= 5);
	text_free(&t);
	/* The closing line is about the same report. */
	summary__add(&line, &shop, &(struct criteria){ .checks = &none });
	CHECK(strstr(line.data, " MiB/h)"));
	strbuf__free(&line);
}

/* ---- which frames ---- */

static const char *path_of(const struct profile_site *s, size_t most)
{
	static struct text_style ts;

	strbuf__free(&ts.sb);
	CHECK_EQ(text_path__print(&ts, s, "/srv/shop", "callers", most), 0);
	return ts.sb.data ? ts.sb.data : "";
}

TEST(frames_of_libraries_are_folded)
{
	CHECK_STR(path_of(&sites[0], 9),
		  "  callers  checkout              shop.cc:106\n"
		  "           serve_customers(int)  shop.cc:122  … 3 frames of libstdc++, libc\n");
	CHECK_STR(path_of(&sites[2], 3),
		  "  callers  refill  cache.c:19  libcache.so.1 (2 times) … 1 frame of libc\n"
		  "           sorted  shop.cc:31\n"
		  "           one     shop.cc:1   … 6 more frames\n");
}

TEST(a_path_that_is_cut_at_its_last_frame_is_not_cut)
{
	CHECK_EQ(text_path__callers(&sites[0]), 2);
	CHECK_STR(path_of(&sites[0], 2),
		  "  callers  checkout              shop.cc:106\n"
		  "           serve_customers(int)  shop.cc:122  … 3 frames of libstdc++, libc\n");
	CHECK_STR(path_of(&sites[0], 1), "  callers  checkout  shop.cc:106  … 4 more frames\n");
	CHECK_STR(path_of(&sites[0], 0), "");
}

TEST(paths_of_libraries_only_and_of_nothing)
{
	static const struct profile_frame frames[] = { { .func = "strdup", LIBC_SO },
						       { .func = "setlocale", LIBC_SO } };
	struct profile_site s = { STACK(frames) };

	CHECK_EQ(text_path__callers(&s), 0);
	CHECK_STR(path_of(&s, 9), "");
	s.nstack = 0;
	CHECK_EQ(text_path__callers(&s), 0);
	CHECK_STR(path_of(&s, 9), "");
}

TEST(a_mark_names_each_library_once)
{
	const struct profile_frame frames[] = {
		{ .func = "std::function<void ()>::operator()", STD },
		{ .func = "void std::__invoke_impl<void>()", STDCXX },
		{ .func = "a", .module = "/usr/lib/libcrypto.so.3", .library = true },
		{ .func = "b", LIBC_SO },
		{ .func = "c", LIBC_SO },
		{ .func = "_start", SHOP, .library = true },
		{ .library = true },
	};
	struct strbuf sb = { 0 };

	text_path__add_folded(&sb, frames, ARRAY_SIZE(frames));
	CHECK_STR(sb.data, "… 7 frames of std, libcrypto, libc");
	strbuf__reset(&sb);
	text_path__add_folded(&sb, frames + 5, 2);
	CHECK_STR(sb.data, "… 2 frames");
	strbuf__reset(&sb);
	text_path__add_folded(&sb, frames, 0);
	CHECK_STR(sb.data, "");
	strbuf__free(&sb);
}

TEST(hostile_libraries)
{
	const struct profile_frame frames[] = {
		{ .func = "a", .module = "/x/" HOSTILE_CONTROL ".so.1", .library = true },
		{ .func = "b", .module = "/x/b.so", .library = true },
		{ .func = "c", .module = "/x/c.so", .library = true },
		{ .func = "d", .module = "/x/d.so", .library = true },
		{ .func = "e", .module = "/x/e.so", .library = true },
	};
	struct strbuf sb = { 0 };

	text_path__add_folded(&sb, frames, ARRAY_SIZE(frames));
	CHECK_STR(sb.data,
		  "… 5 frames of evil\\x1b[2J\\x1b[31m\\x07\\x0d\\x0afunc\\x09\\x7f, b, c, …");
	strbuf__free(&sb);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/groups.h"

#include "profile/profile.h"
#include "util/array.h"
#include "test.h"

#define APP .module = "/opt/app"
#define LIB .module = "/usr/lib/libstdc++.so.6", .library = true

/* A finding of open_session, called by checkout, called by main: on a line, with so many blocks. */
struct row {
	const char *func;
	uint32_t line;
	const char *caller;
	uint64_t blocks;
	double survival;
	uint32_t pid;
	enum verdict verdict;
	const char *container;
};

static struct groups *groups;

static uint32_t add_by(const struct row *r, enum merge_by by, bool apart)
{
	static unsigned int number;
	const struct profile_frame stack[] = {
		{ .func = "operator new(unsigned long)", LIB },
		{ .func = r->func, .file = "shop.cc", .line = r->line, APP, .offset = r->line },
		{ .func = r->caller ? r->caller : "checkout", .line = 9, APP, .offset = 9 },
		{ .func = "std::invoke", LIB },
		{ .func = "main", .line = 99, APP, .offset = 99 },
	};
	struct profile_site s = {
		.pid = r->pid,
		.container = r->container,
		.live_blocks = r->blocks,
		.live_bytes = r->blocks * 10,
		.growth_bytes = 1,
		.survival = r->survival,
		.leak_rate_bps = 2,
		.oldest_s = (double)r->line,
		.verdict = r->verdict ? r->verdict : VERDICT_LEAK,
	};

	snprintf(s.id, sizeof(s.id), "%016x", ++number);
	return groups__add(groups, &s, stack, ARRAY_SIZE(stack), by, apart);
}

static uint32_t add(struct row r)
{
	return add_by(&r, BY_PROCESS, false);
}

#define ADD(...) add((struct row){ __VA_ARGS__ })

static void start(void)
{
	groups__free(groups);
	groups = groups__new();
}

TEST(an_object_and_what_belongs_to_it)
{
	start();
	CHECK_EQ(ADD("open_session", 80, NULL, 1300, 0.051), 1);
	CHECK_EQ(ADD("open_session", 82, NULL, 1301, 0.051), 1); /* its node in a map */
	CHECK_EQ(ADD("open_session", 83, NULL, 611, 0.052), 1);	 /* a name, where it is long */
	CHECK_EQ(ADD("open_session", 84, NULL, 1300, 0.004), 1); /* a vector that was grown */
	CHECK_EQ(ADD("open_session", 85, NULL, 3898, 0.050), 1); /* three strings each */
	CHECK_EQ(ADD("load_product", 53, NULL, 1300, 0.051), 2); /* another function */
}

/* A finding of a function that is called by others, the innermost first. */
static uint32_t add_nested(uint64_t blocks, const char *const funcs[5])
{
	struct profile_frame stack[6] = { { .func = "malloc", LIB } };
	struct profile_site s = { .live_blocks = blocks, .survival = 1, .verdict = VERDICT_LEAK };
	size_t n = 1;

	for (; n < 6 && funcs[n - 1]; n++)
		stack[n] = (struct profile_frame){ .func = funcs[n - 1], APP, .offset = n };
	return groups__add(groups, &s, stack, n, BY_PROCESS, false);
}

#define NESTED(blocks, ...) add_nested(blocks, (const char *const[5]){ __VA_ARGS__ })

TEST(what_a_constructor_allocates)
{
	start();
	CHECK_EQ(NESTED(1000, "set_name", "Session::Session", "open_session", "serve", "main"), 1);
	CHECK_EQ(NESTED(1001, "open_session", "serve", "main"), 1); /* the object */
	CHECK_EQ(NESTED(1000, "Session::Session", "open_session", "serve", "main"), 1);
	CHECK_EQ(NESTED(700, "open_session", "serve", "main"), 2); /* another one */
	CHECK_EQ(NESTED(1000, "close_session", "serve", "main"), 3);
	start();
	CHECK_EQ(NESTED(1000, "open_session", "serve", "main"), 1);
	CHECK_EQ(NESTED(1000, "set_name", "Session::Session", "open_session", "serve", "main"), 1);
	/* All is called by main, and by much that is far out; few are equal by chance. */
	start();
	CHECK_EQ(NESTED(1000, "serve", "main"), 1);
	CHECK_EQ(NESTED(1000, "log_line", "main"), 2);
	CHECK_EQ(NESTED(1000, "main"), 3);
	CHECK_EQ(NESTED(1000, "read_word", "main"), 4);
	CHECK_EQ(NESTED(30, "open_file", "serve", "main"), 5);
	CHECK_EQ(NESTED(30, "read_file", "open_file", "serve", "main"), 6);
	start();
	CHECK_EQ(NESTED(1000, "serve", "main"), 1);
	CHECK_EQ(NESTED(1000, "a", "b", "c", "d", "serve"), 2);
}

TEST(what_is_never_freed_goes_by_numbers)
{
	start();
	CHECK_EQ(ADD("f", 1, NULL, 1000, 1), 1);
	CHECK_EQ(ADD("f", 2, NULL, 1030, 1), 1);
	CHECK_EQ(ADD("f", 3, NULL, 2000, 1), 1);
	CHECK_EQ(ADD("f", 4, NULL, 4000, 1), 1);
	CHECK_EQ(ADD("f", 5, NULL, 1500, 1), 2);
	CHECK_EQ(ADD("f", 6, NULL, 10000, 1), 3);
	CHECK_EQ(ADD("f", 7, NULL, 100, 1), 4);
}

/* Blocks that are freed in other shares do not live and die together. */
TEST(other_lives_are_other_leaks)
{
	start();
	CHECK_EQ(ADD("f", 1, NULL, 1000, 0.05), 1);
	CHECK_EQ(ADD("f", 2, NULL, 300, 0.5), 2);
	CHECK_EQ(ADD("f", 3, NULL, 2000, 0.9), 3);
	CHECK_EQ(ADD("f", 4, NULL, 10, 0.05), 1);
}

/* An unrolled loop, or a library that takes several blocks of its own in one call. */
TEST(one_line_is_one_leak_whatever_the_numbers)
{
	start();
	CHECK_EQ(ADD("f", 1, NULL, 1000, 1), 1);
	CHECK_EQ(ADD("f", 1, NULL, 37, 0.2), 1);
	CHECK_EQ(ADD("f", 1, "other", 37, 1), 2); /* called by another function */
	CHECK_EQ(ADD("f", 1, "other", 55, 0.1), 2);
}

static uint32_t add_recursion(size_t depth)
{
	struct profile_frame stack[10] = { { .func = "node_new", .line = 3, APP } };
	struct profile_site s = { .live_blocks = 10 * depth * depth, .verdict = VERDICT_LEAK };

	for (size_t i = 1; i <= depth; i++)
		stack[i] = (struct profile_frame){ .func = "build", .line = 7, APP };
	return groups__add(groups, &s, stack, depth + 1, BY_PROCESS, false);
}

TEST(the_depth_of_recursion_is_no_difference)
{
	start();
	for (size_t depth = 1; depth < 9; depth++)
		CHECK_EQ(add_recursion(depth), 1);
}

TEST(processes_are_apart_unless_rows_are_merged)
{
	struct row web = { "f", 1, NULL, 10, 1, 1, 0, "web" };
	struct row other = { "f", 2, NULL, 10, 1, 2, 0, "web" };
	struct row db = { "f", 3, NULL, 10, 1, 3, 0, "db" };

	start();
	CHECK_EQ(add_by(&web, BY_PROCESS, false), 1);
	CHECK_EQ(add_by(&other, BY_PROCESS, false), 2);
	start();
	CHECK_EQ(add_by(&web, BY_CONTAINER, false), 1);
	CHECK_EQ(add_by(&other, BY_CONTAINER, false), 1);
	CHECK_EQ(add_by(&db, BY_CONTAINER, false), 2);
	start();
	CHECK_EQ(add_by(&web, BY_STACK, false), 1);
	CHECK_EQ(add_by(&db, BY_STACK, false), 1);
}

TEST(apart_each_is_one)
{
	struct row r = { "f", 1, NULL, 10, 1 };

	start();
	CHECK_EQ(add_by(&r, BY_PROCESS, true), 1);
	CHECK_EQ(add_by(&r, BY_PROCESS, true), 2);
}

/* Code without names is told apart by the call; without own code there is nothing to go by. */
TEST(stripped_programs_and_stacks_without_own_code)
{
	const struct profile_frame here = { APP, .offset = 0x10 }, there = { APP, .offset = 0x20 };
	const struct profile_frame library = { .func = "setlocale", LIB };
	struct profile_site s = { .live_blocks = 10, .verdict = VERDICT_LEAK };

	start();
	CHECK_EQ(groups__add(groups, &s, &here, 1, BY_PROCESS, false), 1);
	CHECK_EQ(groups__add(groups, &s, &there, 1, BY_PROCESS, false), 2);
	CHECK_EQ(groups__add(groups, &s, &here, 1, BY_PROCESS, false), 1);
	CHECK_EQ(groups__add(groups, &s, &library, 1, BY_PROCESS, false), 3);
	CHECK_EQ(groups__add(groups, &s, &library, 1, BY_PROCESS, false), 4);
	CHECK_EQ(groups__add(groups, &s, NULL, 0, BY_PROCESS, false), 5);
}

TEST(sums)
{
	struct profile p = { 0 };

	start();
	ADD("f", 80, NULL, 100, 0.05, .verdict = VERDICT_GROWING);
	ADD("f", 82, NULL, 100, 0.05);
	ADD("g", 90, NULL, 7, 1, .verdict = VERDICT_GROWING);
	groups__finish(groups, &p);
	CHECK_EQ(p.ngroups, 2);
	CHECK_EQ(p.groups[0].verdict, VERDICT_LEAK);
	CHECK_EQ(p.groups[0].parts, 2);
	CHECK_EQ(p.groups[0].live_bytes, 2000);
	CHECK_EQ(p.groups[0].live_blocks, 200);
	CHECK_EQ(p.groups[0].growth_bytes, 2);
	CHECK(p.groups[0].rate_bps == 4);
	CHECK(p.groups[0].oldest_s == 82);
	CHECK_EQ(p.groups[1].verdict, VERDICT_GROWING);
	CHECK_EQ(p.leak.groups, 1);
	CHECK_EQ(p.leak.group_bytes, 2000);
	CHECK_EQ(p.growing.groups, 1);
	CHECK(p.growing.group_rate_bps == 2);
	start();
	groups__free(groups);
	groups = NULL;
}

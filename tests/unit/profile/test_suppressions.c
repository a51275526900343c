/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/suppressions.h"

#include <errno.h>
#include <stdbool.h>

#include "util/array.h"
#include "test.h"

/* ---- patterns ---- */

static void check(const char *pattern, const char *name, bool want)
{
	if (suppressions__matches(pattern, name) == want)
		return;
	printf("# '%s' %s '%s'\n", pattern, want ? "does not match" : "matches",
	       name ? name : "(null)");
	test_failures++;
}

#define YES(pattern, name) check(pattern, name, true)
#define NO(pattern, name) check(pattern, name, false)

TEST(a_pattern_matches_anywhere)
{
	YES("session", "session");
	YES("session", "session_new");
	YES("session", "old_session");
	YES("session", "old_session_new");
	NO("session", "sessio");
	NO("session", "Session");
	NO("session", "ses sion");
	YES("aab", "aaab");
}

TEST(stars_stand_for_anything)
{
	YES("*", "x");
	YES("a*c", "ac");
	YES("a*c", "xxaxxcxx");
	NO("a*c", "ca");
	YES("*bar*", "foobarbaz");
	YES("foo*bar*baz", "foo1bar2bar3baz4");
	NO("foo*bar*baz", "foo1baz2bar");
	YES("a**b", "ab");
	YES("ab*", "ab");
	YES("*ab", "ab");
}

TEST(anchors)
{
	YES("^foo", "foobar");
	NO("^foo", "xfoo");
	YES("foo$", "xfoo");
	NO("foo$", "foobar");
	YES("^foo$", "foo");
	NO("^foo$", "foofoo");
	YES("foo$", "foofoo"); /* the first foo is not at the end, the last is */
	YES("^f*o$", "foooo");
	NO("^f*o$", "xfo");
	YES("^*foo", "xfoo");
	YES("foo*$", "foobar");
	YES("^foo*bar$", "foo(int) const::bar");
	NO("^foo*bar$", "foo(int) const::bar2");
	YES("^", "x");
	YES("$", "x");
	YES("^*$", "x");
}

TEST(other_dollars_and_carets_are_literal)
{
	YES("a^b", "a^b");
	YES("$LT$", "<$LT"); /* only the last is an anchor */
	YES("a$b", "xa$bx");
	NO("a$b", "a");
}

TEST(no_name_never_matches)
{
	NO("*", "");
	NO("*", NULL);
	NO("", "");
	NO("^$", "");
	NO("^$", "x");
	YES("", "x");
}

TEST(a_hostile_pattern_terminates)
{
	char pattern[2001], name[4001];

	for (size_t i = 0; i < 2000; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[1999] = 'b';
	pattern[2000] = '\0';
	memset(name, 'a', 4000);
	name[4000] = '\0';
	NO(pattern, name);
	name[3999] = 'b';
	YES(pattern, name);
}

/* ---- files ---- */

struct parsed {
	struct suppressions *s;
	int err;
	size_t line;
	const char *why;
};

static struct parsed parse_bytes(const char *text, size_t len)
{
	struct parsed p = { .s = suppressions__new() };

	p.err = suppressions__add_text(p.s, text, len, "my.supp", &p.line, &p.why);
	return p;
}

static struct parsed parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void refused(const char *text, size_t len, size_t line, const char *why)
{
	struct parsed p = parse_bytes(text, len);

	CHECK_EQ(p.err, -EINVAL);
	CHECK_EQ(p.line, line);
	CHECK_STR(p.why, why);
	suppressions__free(p.s);
}

TEST(lines_of_a_file)
{
	struct parsed p =
	    parse("# a comment\n\n  leak:one  \r\n\t# another\nleak:libx.so\nleak:a b");

	CHECK_EQ(p.err, 0);
	CHECK_EQ(suppressions__count(p.s), 3);
	CHECK_STR(suppressions__rule(p.s, 0)->pattern, "leak:one");
	CHECK_STR(suppressions__rule(p.s, 0)->source, "my.supp:3");
	CHECK(!suppressions__rule(p.s, 0)->reason);
	CHECK_STR(suppressions__rule(p.s, 1)->pattern, "leak:libx.so");
	CHECK_STR(suppressions__rule(p.s, 1)->source, "my.supp:5");
	CHECK_STR(suppressions__rule(p.s, 2)->pattern, "leak:a b");
	CHECK_STR(suppressions__rule(p.s, 2)->source, "my.supp:6");
	suppressions__free(p.s);
}

TEST(an_empty_file_has_no_rules)
{
	struct parsed p = parse("");

	CHECK_EQ(p.err, 0);
	CHECK_EQ(suppressions__count(p.s), 0);
	CHECK_EQ(suppressions__find(p.s, &(struct suppress_frame){ .func = "f" }, 1), -1);
	suppressions__free(p.s);
}

TEST(invalid_lines)
{
#define REFUSED(text, line, why) refused(text, sizeof(text) - 1, line, why)
	REFUSED("leak:a\nrace:b\n", 2, "does not begin with \"leak:\"");
	REFUSED("foo", 1, "does not begin with \"leak:\"");
	REFUSED("lea", 1, "does not begin with \"leak:\"");
	REFUSED("\n\nleak:\n", 3, "has no pattern");
	REFUSED("\n\nleak:   \n", 3, "has no pattern");
	REFUSED("leak:a\0b\n", 1, "contains a NUL byte");
	REFUSED("\0", 1, "contains a NUL byte");
}

/* ---- stacks ---- */

static const struct suppress_frame stack[] = {
	{ .func = "operator new(unsigned long)", .module = "/usr/lib/libstdc++.so.6" },
	{ .func = "ns::Table<int>::add(int)",
	  .module = "/opt/app/bin/app",
	  .file = "/src/table.cc" },
	{ .module = "/opt/app/lib/libplugin.so" },
	{ .func = "main", .module = "/opt/app/bin/app", .file = "/src/main.cc" },
};

static int find(const char *rules)
{
	struct parsed p = parse(rules);
	int found;

	CHECK_EQ(p.err, 0);
	found = suppressions__find(p.s, stack, ARRAY_SIZE(stack));
	suppressions__free(p.s);
	return found;
}

TEST(any_frame_counts_by_function_module_or_file)
{
	CHECK_EQ(find("leak:Table<int>::add"), 0);
	CHECK_EQ(find("leak:^main$"), 0);
	CHECK_EQ(find("leak:libplugin.so"), 0);
	CHECK_EQ(find("leak:/src/*.cc$"), 0);
	CHECK_EQ(find("leak:operator new"), 0);
	CHECK_EQ(find("leak:other"), -1);
	CHECK_EQ(find("leak:add*main"), -1); /* a pattern matches within one name */
}

TEST(the_first_matching_rule_is_returned)
{
	CHECK_EQ(find("leak:nothing\nleak:main\nleak:Table"), 1);
}

TEST(mangled_names)
{
	CHECK_EQ(find("leak:_ZN2ns5TableIiE3addEi"), 0);
	CHECK_EQ(find("leak:^_ZN2ns5TableIiE3addEi$"), 0);
	CHECK_EQ(find("leak:^_ZN2ns5TableIiE3addEl$"), -1);
	CHECK_EQ(find("leak:_Znwm"), 0);
	CHECK_EQ(find("leak:_Znoname"), -1);
	CHECK_EQ(find("leak:^_Z$"), -1);
}

static int find_builtin(const struct suppress_frame *frames, size_t n)
{
	struct suppressions *s = suppressions__new();
	int found;

	CHECK_EQ(suppressions__add_builtin(s), 0);
	found = suppressions__find(s, frames, n);
	if (found >= 0) {
		CHECK_STR(suppressions__rule(s, (size_t)found)->source, "built-in");
		CHECK(suppressions__rule(s, (size_t)found)->reason);
	}
	suppressions__free(s);
	return found;
}

#define LOADER .module = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
#define LIBSTDCXX .module = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30"
#define LIBC .module = "/usr/lib/x86_64-linux-gnu/libc.so.6"
#define FRAMES(...)                                                                                \
	(struct suppress_frame[]){ __VA_ARGS__ },                                                  \
	    ARRAY_SIZE(((struct suppress_frame[]){ __VA_ARGS__ }))

TEST(built_in_rules_match)
{
	CHECK(find_builtin(FRAMES({ LOADER }, { .func = "dlopen", LIBC })) >= 0);
	CHECK(find_builtin(
		  FRAMES({ .func = "_nl_load_locale", LIBC }, { .func = "setlocale", LIBC })) >= 0);
	CHECK(find_builtin(FRAMES({ .func = "_IO_file_doallocate", LIBC })) >= 0);
	CHECK(find_builtin(FRAMES({ LIBSTDCXX }, { .func = "call_init", LOADER })) >= 0);
}

TEST(built_in_rules_are_narrow)
{
	/* A library's own constructor, and the C++ library called by the program. */
	CHECK_EQ(find_builtin(FRAMES({ .func = "init", .module = "/lib/libx.so" }, { LOADER })),
		 -1);
	CHECK_EQ(find_builtin(FRAMES({ .func = "operator new(unsigned long)", LIBSTDCXX },
				     { .func = "main", .module = "/bin/app" })),
		 -1);
	CHECK_EQ(find_builtin(FRAMES({ LIBSTDCXX })), -1);
	CHECK_EQ(find_builtin(FRAMES({ .func = "my_setlocale", .module = "/bin/app" })), -1);
	CHECK_EQ(find_builtin(FRAMES({ .func = "pthread_create", LIBC })), -1);
	CHECK_EQ(find_builtin(NULL, 0), -1);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/title.h"

#include "profile/profile.h"
#include "profile/suppressions.h"
#include "util/array.h"
#include "test.h"

#define LIBC .module = "/usr/lib/x86_64-linux-gnu/libc.so.6", .library = true
#define LIBSTDCXX .module = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30", .library = true
#define APP .module = "/opt/app"

static const char *title(const struct profile_frame *stack, size_t n)
{
	const struct profile_frame *f = title__frame(stack, n);

	return f ? f->func ? f->func : f->module : "nothing";
}

#define TITLE(...)                                                                                 \
	title((struct profile_frame[]){ __VA_ARGS__ },                                             \
	      ARRAY_SIZE(((struct profile_frame[]){ __VA_ARGS__ })))

TEST(the_title_is_the_first_program_frame)
{
	CHECK_STR(TITLE({ .func = "operator new(unsigned long)", LIBSTDCXX },
			{ .func = "std::string::reserve(unsigned long)", APP, .library = true },
			{ .func = "session_new", APP }, { .func = "main", APP }),
		  "session_new");
	CHECK_STR(TITLE({ .func = "strdup", LIBC }, { .func = "main", APP }), "main");
	CHECK_STR(TITLE({ .func = "leaf", APP }, { .func = "main", APP }), "leaf");
}

TEST(frames_without_names)
{
	CHECK_STR(TITLE({ APP }, { APP }, { .func = "lua_load", APP }), "lua_load");
	CHECK_STR(TITLE({ LIBC }, { APP }, { .func = "start_thread", LIBC }), "/opt/app");
}

#define PYTHON .module = "/usr/bin/python3.11", .library = true

TEST(what_an_interpreter_calls)
{
	/* An array of bytes grows; which line of the script does it is not on the stack. */
	CHECK_STR(TITLE({ PYTHON }, { .func = "PyByteArray_Resize", PYTHON }, { PYTHON },
			{ .func = "cfunction_vectorcall_FASTCALL", PYTHON },
			{ .func = "_PyObject_MakeTpCall", PYTHON },
			{ .func = "_PyEval_EvalFrameDefault", PYTHON }, { PYTHON },
			{ .func = "_PyEval_EvalFrameDefault", PYTHON }, { .func = "main", PYTHON }),
		  "PyByteArray_Resize");
	CHECK_STR(TITLE({ .func = "_PyObject_GC_New", PYTHON }, { PYTHON },
			{ .func = "_PyEval_EvalFrameDefault", PYTHON }),
		  "/usr/bin/python3.11");
	/* A module's own code comes first. */
	CHECK_STR(TITLE({ .func = "PyList_New", PYTHON },
			{ .func = "parse_row", .module = "/usr/lib/python3/fast.so" },
			{ .func = "_PyEval_EvalFrameDefault", PYTHON }),
		  "parse_row");
	CHECK_STR(TITLE({ .func = "Perl_safesysmalloc", APP, .library = true },
			{ .func = "Perl_pp_anonhash", APP },
			{ .func = "Perl_runops_standard", APP }),
		  "Perl_pp_anonhash");
	CHECK_STR(TITLE({ .func = "_PyEval_EvalFrameDefault", PYTHON }),
		  "_PyEval_EvalFrameDefault");
}

TEST(only_library_frames)
{
	CHECK_STR(TITLE({ .func = "setlocale", LIBC }, { .func = "_start", APP, .library = true }),
		  "setlocale");
	CHECK_STR(title(NULL, 0), "nothing");
}

/* ---- suppressions ---- */

static void suggest(const char *func, const char *module, const char *want)
{
	struct profile_frame f = { .func = func, .module = module };
	struct strbuf sb = { 0 };
	const char *pattern;

	title__suppression(&sb, &f);
	CHECK_STR(sb.len ? sb.data : "", want);
	pattern = sb.len ? sb.data + strlen("leak:") : NULL;
	CHECK(!pattern || suppressions__matches(pattern, func) ||
	      suppressions__matches(pattern, module));
	strbuf__free(&sb);
}

TEST(the_suggested_rule_matches)
{
	suggest("session_new", "/opt/app", "leak:^session_new$");
	suggest("ns::Foo::make(int)", NULL, "leak:^ns::Foo::make(");
	suggest("ns::Foo<int, std::string>::make(int)", NULL, "leak:^ns::Foo<*>::make(");
	suggest("std::string Foo<int>::make<char>(int)", NULL, "leak:Foo<*>(");
	suggest("operator<<(std::ostream&, Foo<int> const&)", NULL,
		"leak:^operator<<(std::ostream&, Foo<int> const&)$");
	suggest("(anonymous namespace)::f(int)", NULL, "leak:^(anonymous namespace)::f(int)$");
	suggest("main::{lambda(int)#1}::operator()(int) const", NULL,
		"leak:^main::{lambda(int)#1}::operator()(int) const$");
	suggest("evil\n\033[31mname\x7f", NULL, "leak:^evil**[31mname*$");
	suggest("a<b", NULL, "leak:^a<b$");
	suggest(NULL, "/opt/lib/libx.so.1", "leak:/libx.so.1$");
	suggest("", "[vdso]", "leak:[vdso]$");
	suggest(NULL, NULL, "");
}

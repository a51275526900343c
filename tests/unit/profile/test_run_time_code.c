/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/run_time_code.h"

#include "collect/query.h"
#include "profile/internal.h"
#include "test.h"
#include "unwind/stacks.h"

static const struct named_frame library = { .func = "os::malloc(unsigned long)",
					    .module = "/jdk/lib/server/libjvm.so" };
static const struct named_frame other = { .func = "f", .module = "/lib/libf.so" };
static const struct named_frame unnamed = { .address = 0x1234, .run_time = true };
static const struct named_frame named = { .address = 0x1234, .run_time = true, .func = "JS:f" };
static const struct named_frame stripped = { .address = 0x1234, .module = "/lib/libf.so" };

/* The notice about a stack of two frames in a process. */
static const char *notice(const char *exe, struct named_frame leaf, struct named_frame caller,
			  uint8_t end)
{
	struct named_frame frames[] = { leaf, caller };
	struct profile_process process = { .pid = 42, .exe = exe };
	struct profile_builder b = { .profile = { .nprocesses = 1 }, .processes = &process };
	struct site_row row = { .pid = 42 };
	struct stack st = { .end = end };
	static char text[256];
	struct strbuf sb = { 0 };

	run_time_code__note(&b, &row, &st, frames, 2);
	run_time_code__add(&b, &sb);
	snprintf(text, sizeof(text), "%s", sb.data ? sb.data : "");
	strbuf__free(&sb);
	return text;
}

TEST(by_program_and_by_library)
{
	CHECK_STR(notice("/usr/bin/node", other, unnamed, STACK_NO_CFI),
		  "code that node compiled at run time has no names: to name it, start it with "
		  "--perf-basic-prof");
	/* A program that loaded a virtual machine. */
	CHECK_STR(notice("/opt/app", library, unnamed, STACK_NO_CFI),
		  "code that java compiled at run time has no names: to name it, start it with "
		  "-XX:+PreserveFramePointer, and then run jcmd 42 Compiler.perfmap");
}

/* Names that are written once are those of that time. */
TEST(names_of_an_earlier_time)
{
	CHECK_STR(notice("/usr/bin/java", library, named, STACK_COMPLETE),
		  "code that java compiled at run time has the names that were written last: for "
		  "later code, run jcmd 42 Compiler.perfmap again");
	CHECK(strstr(notice("/usr/bin/java", named, unnamed, STACK_COMPLETE), "has no names"));
}

TEST(only_where_it_is_so)
{
	CHECK_STR(notice("/usr/bin/node", other, named, STACK_COMPLETE), "");
	CHECK_STR(notice("/usr/bin/node", other, stripped, STACK_COMPLETE), "");
	CHECK_STR(notice("/opt/app", other, unnamed, STACK_NO_CFI), "");
	CHECK_STR(notice(NULL, other, unnamed, STACK_NO_CFI), "");
	/* Not an address of code. */
	CHECK_STR(notice("/usr/bin/node", other, unnamed, STACK_NO_MAPPING), "");
	CHECK(*notice("/usr/bin/node", unnamed, other, STACK_NO_MAPPING));
}

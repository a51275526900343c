/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/next_steps.h"

#include "profiles.h"

static const struct profile_frame named[] = {
	{ .func = "session_new", .file = "session.c", .line = 88, .module = "/usr/bin/orderd" },
};
static const struct profile_frame nameless[] = {
	{ .func = "session_new", .module = "/usr/bin/orderd" },
};
static const struct profile_frame interpreter[] = {
	{ .func = "PyByteArray_Resize", .module = "/usr/bin/python3.11", .library = true },
};
static const struct profile_frame jit[] = { { .func = "LazyCompile:*render" } };

static struct profile_process processes[] = { { .pid = 42, .comm = "orderd", .status = -1 },
					      { .pid = 43, .comm = "other", .status = -1 } };
static struct profile_site site;

/* A final report of one running process, with one site. */
static struct profile report(enum verdict verdict)
{
	processes[0] = (struct profile_process){ .pid = 42, .comm = "orderd", .status = -1 };
	site = (struct profile_site){ .pid = 42,
				      .live_bytes = 100,
				      .live_blocks = 1,
				      .verdict = verdict,
				      .stack = named,
				      .nstack = 1 };
	return (struct profile){ .run = &test_run,
				 .final = true,
				 .elapsed_s = 30,
				 .leak.groups = verdict == VERDICT_LEAK,
				 .growing.groups = verdict == VERDICT_GROWING,
				 .processes = processes,
				 .nprocesses = 1,
				 .sites = &site,
				 .nsites = 1 };
}

/* Both steps, on a line each. */
static const char *steps(const struct profile *p)
{
	struct strbuf out[NEXT_STEPS_MOST] = { 0 };
	size_t n = next_steps__list(p, out);
	static struct strbuf all;

	strbuf__free(&all);
	strbuf__adds(&all, "");
	for (size_t i = 0; i < NEXT_STEPS_MOST; i++) {
		if (i < n)
			strbuf__addf(&all, "%s%s", i ? "\n" : "", out[i].data);
		strbuf__free(&out[i]);
	}
	return all.data;
}

#define COMPARE                                                                                    \
	"compare with a run after a fix: memtrace record -p 42 -d 60 -o a.mt; "                    \
	"memtrace diff a.mt b.mt"

TEST(a_leak_is_to_be_compared)
{
	struct profile p = report(VERDICT_LEAK);

	CHECK_STR(steps(&p), COMPARE);
	p.final = false;
	CHECK_STR(steps(&p), "");
}

TEST(nothing_to_do)
{
	struct profile p = report(VERDICT_PLATEAU);

	CHECK_STR(steps(&p), "");
}

/* Of a recording, the process may be gone, or another one. */
TEST(a_recording_names_no_process)
{
	struct profile p = report(VERDICT_LEAK);

	p.replayed = true;
	CHECK_STR(steps(&p), "");
	p = report(VERDICT_GROWING);
	p.replayed = true;
	CHECK_STR(steps(&p), "");
	p.judged.reasons = UNJUDGED_STOPPED;
	processes[0].stopped = true;
	CHECK_STR(steps(&p), "");
}

TEST(a_leak_without_source_lines)
{
	struct profile p = report(VERDICT_LEAK);

	site.stack = nameless;
	CHECK_STR(steps(&p), "for source lines, the debug symbols of /usr/bin/orderd are missing: "
			     "build it with -g, install the -dbgsym of its package, or use "
			     "--debuginfod\n" COMPARE);
	p.unnamed.places = 1; /* they may be there, but could not be read */
	CHECK_STR(steps(&p), COMPARE);
	p.unnamed.places = 0;
	/* Code that was compiled at run time has none. */
	site.stack = jit;
	CHECK_STR(steps(&p), COMPARE);
	site.stack = interpreter;
	CHECK_STR(steps(&p), COMPARE);
}

TEST(of_several_processes_the_one_that_leaks)
{
	struct profile p = report(VERDICT_LEAK);

	site.pid = 43;
	p.nprocesses = 2;
	CHECK(!strncmp(steps(&p), "look at the leak alone: memtrace -p 43 --full-stacks\n", 53));
	processes[1].exited = true;
	CHECK_STR(steps(&p), "");
	processes[1].exited = false;
}

TEST(growth_and_too_little_time)
{
	struct profile p = report(VERDICT_GROWING);

	CHECK_STR(steps(&p), "see whether what grows is a leak, by observing it longer: "
			     "memtrace -p 42 -d 120");
	p = report(VERDICT_UNKNOWN);
	p.elapsed_s = 3;
	p.judged.reasons = UNJUDGED_SHORT;
	CHECK_STR(steps(&p), "for a verdict, observe it longer: memtrace -p 42 -d 60");
	processes[0].exited = true;
	CHECK_STR(steps(&p), "");
}

TEST(a_stopped_target)
{
	struct profile p = report(VERDICT_UNKNOWN);

	p.judged.reasons = UNJUDGED_STOPPED | UNJUDGED_SHORT;
	processes[0].stopped = true;
	CHECK_STR(steps(&p), "let the program run on: kill -CONT 42");
}

TEST(memory_that_is_not_seen)
{
	static const char probe[] = "if the program has an allocator of its own, name its "
				    "functions with --probe: see memtrace(8)";
	struct profile p = report(VERDICT_UNKNOWN);

	p.judged.reasons = UNJUDGED_NOTHING;
	CHECK_STR(steps(&p), probe);
	p.judged.reasons = UNJUDGED_UNSEEN;
	CHECK_STR(steps(&p), probe);
	/* It is known why. */
	processes[0].python_arenas = true;
	CHECK(!strstr(steps(&p), "--probe"));
}

TEST(what_a_command_left)
{
	struct profile p = report(VERDICT_UNKNOWN);

	p.judged.reasons = UNJUDGED_ENDED;
	processes[0].exited = true;
	CHECK_STR(steps(&p), "see how each of these was allocated: --full-stacks");
	site.live_blocks = 0;
	CHECK_STR(steps(&p), "");
}

TEST(python)
{
	struct profile p = report(VERDICT_PLATEAU);

	processes[0].python_arenas = true;
	CHECK_STR(steps(&p), "python keeps small objects in arenas, where they are not seen: start "
			     "it with PYTHONMALLOC=malloc");
	/* Of several, one that allocates. */
	p.nprocesses = 2;
	CHECK_STR(steps(&p), "");
	processes[0].allocs = 1;
	CHECK_STR(steps(&p), "process 42: python keeps small objects in arenas, where they are not "
			     "seen: start it with PYTHONMALLOC=malloc");
}

/* A command is copied whole: it has a line of its own where it does not fit. */
TEST(a_command_is_not_broken)
{
	struct profile p = report(VERDICT_LEAK);
	struct text t = render("text", &p, &(struct report_style){ .width = 80 }, false);

	CHECK(strstr(t.data,
		     "\n  next     compare with a run after a fix:\n           memtrace record "
		     "-p 42 -d 60 -o a.mt; memtrace diff a.mt b.mt\n"));
	text_free(&t);
	t = render("text", &p, &(struct report_style){ .width = 120 }, false);
	CHECK(strstr(t.data, "\n  next     " COMPARE "\n"));
	text_free(&t);
	t = render("text", &p, &(struct report_style){ 0 }, false);
	CHECK(strstr(t.data, "\n  next     " COMPARE "\n"));
	text_free(&t);
}

TEST(at_most_two_and_in_text)
{
	struct profile p = report(VERDICT_LEAK);
	struct text t;

	site.stack = nameless;
	processes[0].python_arenas = true;
	t = render("text", &p, &(struct report_style){ .width = 80 }, false);
	CHECK(strstr(t.data, "\n\n  next     python keeps small objects in arenas, where they are "
			     "not seen: start\n"
			     "           it with PYTHONMALLOC=malloc\n"));
	CHECK(strstr(t.data, "\n  next     for source lines, the debug symbols of "));
	CHECK(!strstr(t.data, "diff"));
	text_free(&t);
}

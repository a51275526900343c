/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/next_steps.h"

#include "profile/languages.h"
#include "profiles.h"

static const struct profile_frame named[] = {
	{ .func = "session_new", .file = "session.c", .line = 88, .module = "/usr/bin/orderd" },
};
static const struct profile_frame nameless[] = {
	{ .func = "session_new", .module = "/usr/bin/orderd" },
};
static const struct profile_frame stripped[] = { { .module = "/srv/shop", .offset = 0x1167 } };
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

/* Both steps, on a line each; a command follows after " $ ". */
static const char *steps(const struct profile *p)
{
	struct next_step out[NEXT_STEPS_MOST] = { 0 };
	size_t n = next_steps__list(p, out);
	static struct strbuf all;

	strbuf__free(&all);
	strbuf__adds(&all, "");
	for (size_t i = 0; i < n; i++) {
		strbuf__addf(&all, "%s%s", i ? "\n" : "", out[i].text.data);
		if (out[i].command.len)
			strbuf__addf(&all, " $ %s", out[i].command.data);
	}
	CHECK(!next_steps__free(out));
	return all.data;
}

#define BOTH "record now and after a fix, to compare both with memtrace diff"
#define COMPARE BOTH " $ memtrace record -p 42 -d 60 -o before.mt"

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
	static const struct {
		const char *path, *command;
	} rows[] = {
		{ "/tmp/shop-1.mt", "memtrace diff /tmp/shop-1.mt after.mt" },
		{ "my shop's.mt", "memtrace diff 'my shop'\\''s.mt' after.mt" },
		{ "$(x).mt", "memtrace diff '$(x).mt' after.mt" },
		{ "-x.mt", "memtrace diff ./-x.mt after.mt" },
	};
	struct profile p = report(VERDICT_LEAK);
	char text[200];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		p.recording = rows[i].path;
		snprintf(text, sizeof(text),
			 "record again after a fix, as after.mt, and compare $ %s",
			 rows[i].command);
		CHECK_STR(steps(&p), text);
	}
	p = report(VERDICT_GROWING);
	p.recording = "a.mt";
	CHECK_STR(steps(&p), "");
	p.judged.reasons = UNJUDGED_STOPPED;
	processes[0].stopped = true;
	CHECK_STR(steps(&p), "");
}

/* A command may have ended before the reader can trace it. */
TEST(a_command_is_not_named_as_a_process)
{
	static const struct profile_run launched = { .launched = true };
	struct profile p = report(VERDICT_LEAK);

	p.run = &launched;
	CHECK_STR(steps(&p), BOTH);
	p = report(VERDICT_UNKNOWN);
	p.run = &launched;
	p.elapsed_s = 3;
	p.judged.reasons = UNJUDGED_SHORT;
	CHECK_STR(steps(&p), "for a verdict, observe it longer, for 60 s or more (-d 60)");
}

TEST(a_leak_without_source_lines)
{
	static const struct {
		const struct profile_frame *frame;
		const char *module;
		bool unread, recorded, debuginfod;
		const char *step;
	} rows[] = {
		{ nameless, "/home/a/shop",
		  .step = "for source lines, build /home/a/shop with -g" },
		{ nameless, "/usr/local/bin/shop",
		  .step = "for source lines, build /usr/local/bin/shop with -g" },
		{ stripped, "/srv/shop",
		  .step = "for source lines, build /srv/shop with -g, and do not strip it" },
		{ nameless, "/usr/bin/orderd",
		  .step = "for source lines, install the debug symbols of /usr/bin/orderd, or use "
			  "--debuginfod" },
		{ nameless, "/usr/bin/orderd", .debuginfod = true,
		  .step = "for source lines, install the debug symbols of /usr/bin/orderd" },
		/* A file that could not be read may have all: neither its names nor its lines are
		 * known. What is known of it in a recording was read. */
		{ stripped, "/srv/shop", .unread = true },
		{ nameless, "/srv/shop", .unread = true },
		{ stripped, "/srv/shop", .unread = true, .recorded = true },
		{ nameless, "/srv/shop", .unread = true, .recorded = true,
		  .step = "for source lines, build /srv/shop with -g" },
		/* Code that was compiled at run time has none. */
		{ jit },
		{ interpreter, "/usr/bin/python3.11" },
		{ named, "/usr/bin/orderd" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct profile p = report(VERDICT_LEAK);
		struct profile_run run = test_run;
		struct profile_frame frame = *rows[i].frame;
		struct profile_mapping mapping = { .names_read = !rows[i].unread };
		const char *all;

		run.debuginfod = rows[i].debuginfod;
		p.run = &run;
		p.recording = rows[i].recorded ? "a.mt" : NULL;
		p.mappings = &mapping;
		p.nmappings = 1;
		frame.module = rows[i].module;
		site.stack = &frame;
		all = steps(&p);
		if (rows[i].step) {
			CHECK(!strncmp(all, rows[i].step, strlen(rows[i].step)));
			CHECK(all[strlen(rows[i].step)] == '\n');
		} else {
			CHECK(!strstr(all, "source lines"));
		}
		CHECK(strstr(all, "after a fix"));
	}
}

TEST(of_several_processes_the_one_that_leaks)
{
	struct profile p = report(VERDICT_LEAK);

	site.pid = 43;
	p.nprocesses = 2;
	CHECK(!strncmp(steps(&p), "look at the process that leaks alone $ memtrace -p 43\n", 54));
	processes[1].exited = true;
	CHECK_STR(steps(&p), "");
	processes[1].exited = false;
}

TEST(growth_and_too_little_time)
{
	struct profile p = report(VERDICT_GROWING);

	CHECK_STR(steps(&p), "see whether what grows is a leak, by observing it longer $ "
			     "memtrace -p 42 -d 120");
	p = report(VERDICT_UNKNOWN);
	p.elapsed_s = 3;
	p.judged.reasons = UNJUDGED_SHORT;
	CHECK_STR(steps(&p), "for a verdict, observe it longer $ memtrace -p 42 -d 60");
	processes[0].exited = true;
	CHECK_STR(steps(&p), "");
}

TEST(a_stopped_target)
{
	struct profile p = report(VERDICT_UNKNOWN);

	p.judged.reasons = UNJUDGED_STOPPED | UNJUDGED_SHORT;
	processes[0].stopped = true;
	CHECK_STR(steps(&p), "let the program run on $ kill -CONT 42");
	/* Of several, all. */
	p.nprocesses = 2;
	processes[1].stopped = true;
	CHECK_STR(steps(&p), "let the program run on $ kill -CONT 42 43");
	processes[1].stopped = false;
	/* What a debugger holds does not go on by SIGCONT. */
	processes[0].debugger = 7;
	CHECK_STR(steps(&p), "let process 42 run on: its debugger, process 7, holds it");
	/* Nor what its cgroup holds. */
	processes[0].debugger = 0;
	processes[1].stopped = processes[1].frozen = true;
	CHECK_STR(steps(&p), "let the program run on $ kill -CONT 42");
	processes[0].frozen = true;
	CHECK_STR(steps(&p), "let process 42 run on: its cgroup is frozen (a paused container: "
			     "unpause it)");
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
	p.recording = "a.mt";
	CHECK_STR(steps(&p), probe);
	p.recording = NULL;
	/* It is known why. */
	processes[0].unseen = languages__preset("python");
	CHECK(!strstr(steps(&p), "--probe"));
}

TEST(what_a_command_left)
{
	struct profile_run run = test_run;
	struct profile p = report(VERDICT_UNKNOWN);

	p.judged.reasons = UNJUDGED_ENDED;
	processes[0].exited = true;
	CHECK_STR(steps(&p), "run it again with --full-stacks to see how each of these was "
			     "allocated");
	run.full_stacks = true;
	p.run = &run;
	CHECK_STR(steps(&p), "");
	run.full_stacks = false;
	site.live_blocks = 0;
	CHECK_STR(steps(&p), "");
}

TEST(objects_that_are_not_seen)
{
	struct profile_run run = test_run;
	struct profile p = report(VERDICT_PLATEAU);

	processes[0].unseen = languages__preset("python");
	CHECK_STR(steps(&p), "python keeps small objects in arenas, where they are not seen: start "
			     "it with PYTHONMALLOC=malloc, or trace its own functions $ memtrace "
			     "-p 42 --runtime python");
	/* Of several, one that allocates. */
	p.nprocesses = 2;
	CHECK_STR(steps(&p), "");
	processes[0].allocs = 1;
	CHECK_STR(steps(&p), "process 42: python keeps small objects in arenas, where they are not "
			     "seen: start it with PYTHONMALLOC=malloc, or trace its own functions "
			     "$ memtrace -p 42 --runtime python");
	/* A command is started again anyway. */
	p.nprocesses = 1;
	processes[0].unseen = languages__preset("php");
	run.launched = true;
	p.run = &run;
	CHECK_STR(steps(&p), "PHP keeps objects in chunks, where they are not seen: start it with "
			     "USE_ZEND_ALLOC=0, or trace its own functions (--runtime php)");
}

/* A command is copied whole: it has a line of its own where it does not fit. */
TEST(a_command_is_not_broken)
{
	struct profile p = report(VERDICT_LEAK);
	struct text t = render("text", &p, &(struct report_style){ .width = 80 }, false);

	CHECK(strstr(t.data, "\n\n  next     " BOTH ":\n"
			     "           memtrace record -p 42 -d 60 -o before.mt\n"));
	text_free(&t);
	p = report(VERDICT_GROWING);
	t = render("text", &p, &(struct report_style){ .width = 80 }, false);
	CHECK(strstr(t.data, "\n  next     see whether what grows is a leak, by observing it "
			     "longer:\n           memtrace -p 42 -d 120\n"));
	text_free(&t);
	t = render("text", &p, &(struct report_style){ 0 }, false);
	CHECK(strstr(t.data, "\n  next     see whether what grows is a leak, by observing it "
			     "longer: memtrace -p 42 -d 120\n"));
	text_free(&t);
}

TEST(at_most_two_and_in_text)
{
	struct profile p = report(VERDICT_LEAK);
	struct profile_mapping mapping = { .names_read = true };
	struct text t;

	p.mappings = &mapping;
	p.nmappings = 1;
	site.stack = nameless;
	processes[0].unseen = languages__preset("python");
	t = render("text", &p, &(struct report_style){ .width = 80 }, false);
	CHECK(strstr(t.data, "\n\n  next     python keeps small objects in arenas, where they are "
			     "not seen: start\n"
			     "           it with PYTHONMALLOC=malloc, or trace its own functions:\n"
			     "           memtrace -p 42 --runtime python\n"
			     "  next     for source lines, install the debug symbols of "));
	CHECK(!strstr(t.data, "diff"));
	text_free(&t);
}

TEST(json)
{
	struct profile p = report(VERDICT_LEAK);
	struct text t = render("json", &p, &(struct report_style){ 0 }, false);

	CHECK(strstr(t.data, "\"next\":[{\"step\":\"" BOTH "\",\"command\":\"memtrace record -p 42 "
			     "-d 60 -o before.mt\"}]"));
	text_free(&t);
	p.recording = "a.mt";
	processes[0].unseen = languages__preset("python");
	t = render("json", &p, &(struct report_style){ 0 }, false);
	CHECK(strstr(t.data, "start it with PYTHONMALLOC=malloc, or trace its own "
			     "functions\",\"command\":\"memtrace -p 42 "
			     "--runtime python\"}"));
	text_free(&t);
	p.final = false;
	t = render("json", &p, &(struct report_style){ 0 }, false);
	CHECK(strstr(t.data, "\"next\":[],"));
	text_free(&t);
}

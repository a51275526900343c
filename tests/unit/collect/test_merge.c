/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sites of several processes as one, and what is kept of processes that ended. */
#include <time.h>

#include "events.h"

#define SECOND (1000 * MS)

static struct modules *modules;
static struct collector *c;

static void begin(enum merge_by by)
{
	modules = modules__new();
	c = make((struct collector_opts){
	    .modules = modules, .refresh = no_refresh, .children = true, .by = by });
}

static void end(void)
{
	collector__free(c);
	modules__free(modules);
}

/* A process's stack in a file. */
static void stack_of(uint32_t pid, uint64_t id, uint32_t module, uint64_t offset)
{
	_Alignas(struct stack) char buf[sizeof(struct stack) + 2 * sizeof(struct frame)];
	struct stack *st = (struct stack *)buf;

	*st = (struct stack){ .id = id, .pid = pid, .n = 2, .end = STACK_COMPLETE };
	st->frames[0] = (struct frame){ 0x1000 * id, offset, module };
	st->frames[1] = (struct frame){ 0x1000 * id + 8, 0x999, module };
	CHECK_EQ(collector__add_stack(c, now, st), 0);
}

static struct snapshot asked(enum merge_by by, uint32_t top)
{
	return ask(c, (struct query){ .sort = SORT_LEAK, .top = top, .by = by });
}

static uint32_t module_at(const char *path)
{
	int64_t id = modules__add_path(modules, path);

	CHECK(id >= 0);
	return (uint32_t)id;
}

TEST(files_of_one_build_id_are_one)
{
	char copy[] = "/tmp/memtrace-merge-XXXXXX", block[4096];
	FILE *from = fopen("/proc/self/exe", "re"), *to = fdopen(mkstemp(copy), "we");
	uint32_t one, two, other;
	struct snapshot s;
	size_t n;

	while ((n = fread(block, 1, sizeof(block), from)) > 0)
		CHECK_EQ(fwrite(block, 1, n, to), n);
	fclose(from);
	fclose(to);
	begin(BY_STACK);
	one = module_at("/proc/self/exe");
	two = module_at(copy);
	other = module_at("/bin/sh");
	CHECK(one != two && one != other);
	stack_of(PID, 1, one, 0x100);
	stack_of(CHILD, 2, two, 0x100); /* the same code */
	stack_of(CHILD, 3, two, 0x200);
	stack_of(CHILD, 4, other, 0x100);
	stack_of(PID, 5, FRAME_NO_MODULE, 0x100);
	stack_of(CHILD, 6, FRAME_NO_MODULE, 0x100);
	allocated(c, PID, 0x10, 100, 1);
	allocated(c, CHILD, 0x20, 500, 2);
	allocated(c, CHILD, 0x30, 50, 2);
	allocated(c, CHILD, 0x40, 40, 3);
	allocated(c, CHILD, 0x50, 30, 4);
	allocated(c, PID, 0x60, 20, 5);
	allocated(c, CHILD, 0x70, 10, 6);
	freed(c, CHILD, 0x30);
	s = asked(BY_STACK, 10);
	CHECK_STR(rows(&s), "600/2@2 40/1@3 30/1@4 20/1@5 10/1@6");
	CHECK_EQ(s.sites[0].processes, 2);
	CHECK_EQ(s.sites[0].pid, CHILD);
	CHECK_EQ(s.sites[0].allocs, 3);
	CHECK_EQ(s.sites[0].frees, 1);
	CHECK_EQ(s.sites[0].alloc_bytes, 650);
	CHECK_EQ(s.sites[0].oldest, now - START - 1 * MS);
	CHECK_EQ(s.sites[0].newest, now - START - 2 * MS);
	CHECK_EQ(s.sites[1].processes, 1);
	CHECK_EQ(s.total_sites, 5);
	snapshot__free(&s);
	s = asked(BY_STACK, 1); /* merged before the cut */
	CHECK_STR(rows(&s), "600/2@2");
	CHECK_EQ(s.rest_bytes, 100);
	CHECK_EQ(s.rest_blocks, 4);
	snapshot__free(&s);
	s = asked(BY_PROCESS, 10);
	CHECK_STR(rows(&s), "500/1@2 100/1@1 40/1@3 30/1@4 20/1@5 10/1@6");
	CHECK_EQ(s.sites[0].processes, 1);
	snapshot__free(&s);
	end();
	CHECK_EQ(unlink(copy), 0);
}

TEST(containers_are_kept_apart)
{
	struct snapshot s;
	uint32_t module;

	begin(BY_CONTAINER);
	module = module_at("/proc/self/exe");
	for (uint32_t i = 0; i < 6; i++) {
		stack_of(PID + i, 1 + i, module, 0x100);
		allocated(c, PID + i, 0x10, 100 + i, 1 + i);
	}
	collector__set_container(c, PID + 1, "web");
	collector__set_container(c, PID + 2, "web");
	collector__set_container(c, PID + 3, "db");
	s = asked(BY_CONTAINER, 10);
	CHECK_STR(rows(&s), "309/3@1 203/2@1 103/1@1");
	CHECK_STR(s.processes[s.sites[1].process].container, "web");
	CHECK_EQ(s.sites[1].pid, PID + 2);
	CHECK(!s.processes[s.sites[0].process].container);
	snapshot__free(&s);
	end();
}

/* Each of twenty processes loses a block every 30 s: too few for a verdict on one, but not on
 * all. */
TEST(a_leak_of_all_together)
{
	struct snapshot s;
	uint64_t t = 0;
	uint32_t module;

	begin(BY_STACK);
	module = module_at("/proc/self/exe");
	for (uint32_t i = 0; i < 20; i++)
		stack_of(PID + i, 1 + i, module, 0x100);
	for (t = 0; t < 90; t++) {
		uint32_t i = (uint32_t)(t * 7 % 20);

		now = START + t * SECOND;
		allocated(c, PID + i, 0x10000 * (t + 1), 4096, 1 + i);
	}
	s = asked(BY_STACK, 10);
	CHECK_EQ(s.nsites, 1);
	CHECK_EQ(s.sites[0].processes, 20);
	CHECK_EQ(s.sites[0].judged.verdict, VERDICT_LEAK);
	CHECK(s.sites[0].judged.rate > 3200 && s.sites[0].judged.rate < 5000);
	snapshot__free(&s);
	s = asked(BY_PROCESS, 0);
	CHECK_EQ(s.nsites, 20);
	for (size_t i = 0; i < s.nsites; i++)
		CHECK(s.sites[i].judged.verdict != VERDICT_LEAK);
	snapshot__free(&s);
	end();
}

/* A plugin that is loaded again from a new file each time is the same code. */
TEST(a_plugin_loaded_again_is_one_site)
{
	static const uint8_t build_id[] = { 1, 2, 3, 4 };
	struct snapshot s;

	begin(BY_PROCESS);
	for (uint64_t t = 0; t < 60; t++) {
		char path[64];
		uint32_t module;

		snprintf(path, sizeof(path), "/tmp/plugin%d.so", (int)t);
		module = (uint32_t)modules__add_known(modules, path);
		module__identify_as(modules__get(modules, module), true, build_id,
				    sizeof(build_id));
		stack_of(PID, 1 + t, module, 0x100);
		for (uint64_t i = 0; i < 2; i++) {
			now = START + t * SECOND + i * SECOND / 2;
			allocated(c, PID, 0x10000 * (t + 1) + i * 0x1000, 2048, 1 + t);
		}
	}
	stack_of(PID, 100, (uint32_t)modules__add_known(modules, "/tmp/unknown.so"), 0x100);
	allocated(c, PID, 0x10, 16, 100); /* without a build ID it is other code */
	s = asked(BY_PROCESS, 10);
	CHECK_STR(rows(&s), "245760/120@1 16/1@100");
	CHECK_EQ(s.sites[0].judged.verdict, VERDICT_LEAK);
	snapshot__free(&s);
	end();
}

static void started(uint32_t pid, uint64_t id, uint32_t module)
{
	execed(c, pid, "worker");
	stack_of(pid, id, module, 0x100);
}

TEST(what_ended_processes_left_is_a_row_of_its_own)
{
	struct snapshot s;
	uint32_t module;

	begin(BY_STACK);
	module = module_at("/proc/self/exe");
	for (uint32_t i = 0; i < 4; i++) {
		started(PID + i, 1 + i, module);
		allocated(c, PID + i, 0x10, 100 + i, 1 + i);
	}
	happened(c, EVENT_EXIT, PID);
	happened(c, EVENT_EXIT, PID + 1);
	for (int folded = 0; folded < 2; folded++) {
		s = ask(c, (struct query){
			       .sort = SORT_BYTES, .top = 10, .by = BY_STACK, .commit = true });
		CHECK_STR(rows(&s), "205/2@1 201/2@1");
		CHECK_EQ(s.sites[0].processes, 2);
		CHECK_EQ(s.sites[0].pid, PID + 3);
		CHECK(s.processes[s.sites[1].process].exited);
		snapshot__free(&s);
	}
	end();
}

/* One of ten loses blocks, while the others have far more that come and go. */
TEST(a_leak_in_one_of_many)
{
	struct snapshot s;
	uint32_t module;

	begin(BY_STACK);
	module = module_at("/proc/self/exe");
	for (uint32_t i = 0; i < 10; i++)
		started(PID + i, 1 + i, module);
	for (uint64_t t = 0; t < 600; t++) {
		for (uint32_t i = 1; i < 10; i++) {
			now = START + t * 100 * MS;
			allocated(c, PID + i, 0x10, 1 << 20, 1 + i);
			freed(c, PID + i, 0x10);
		}
		allocated(c, PID, 0x10000 + t * 0x1000, 512, 1);
	}
	s = asked(BY_STACK, 10);
	CHECK_EQ(s.nsites, 1);
	CHECK_EQ(s.sites[0].processes, 10);
	CHECK_EQ(s.sites[0].judged.verdict, VERDICT_LEAK);
	CHECK(s.sites[0].judged.rate > 4000 && s.sites[0].judged.rate < 6500);
	snapshot__free(&s);
	end();
}

/* Every two seconds another process starts, and holds what it allocated then. */
TEST(more_processes_are_no_leak)
{
	struct snapshot s;
	uint32_t module;

	begin(BY_STACK);
	module = module_at("/proc/self/exe");
	for (uint32_t i = 0; i < 60; i++) {
		now = START + i * 2 * SECOND;
		started(PID + i, 1 + i, module);
		for (uint64_t k = 0; k < 20; k++)
			allocated(c, PID + i, 0x1000 + k * 0x1000, 1000, 1 + i);
	}
	s = asked(BY_STACK, 10);
	CHECK_EQ(s.nsites, 1);
	CHECK_EQ(s.sites[0].live_blocks, 1200);
	CHECK_EQ(s.sites[0].judged.verdict, VERDICT_GROWING);
	snapshot__free(&s);
	end();
}

/* Each second a worker starts, allocates what it needs, and ends with it a few seconds later. */
static void workers(uint64_t seconds, enum merge_by by, unsigned int *leaks)
{
	uint32_t module = module_at("/proc/self/exe");
	struct event_exec ev;
	struct snapshot s;

	for (uint64_t t = 0; t < seconds; t++) {
		uint32_t pid = PID + 1 + (uint32_t)t;

		now = START + t * SECOND;
		ev = (struct event_exec){ .ev = head(EVENT_EXEC, pid), .comm = "worker" };
		CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
		stack_of(pid, 1000000 + t, module, 0x100);
		for (uint64_t i = 0; i < 5; i++)
			allocated(c, pid, 0x1000 + i * 64, 64, 1000000 + t);
		if (t >= 5)
			happened(c, EVENT_EXIT, pid - 5);
		if (t % 10)
			continue;
		s = ask(c, (struct query){ .top = 10, .by = by, .commit = true });
		for (size_t i = 0; i < s.nsites; i++)
			*leaks += s.sites[i].judged.verdict == VERDICT_LEAK;
		snapshot__free(&s);
	}
}

TEST(workers_that_come_and_go_leak_nothing)
{
	unsigned int leaks = 0;

	begin(BY_STACK);
	workers(300, BY_STACK, &leaks);
	CHECK_EQ(leaks, 0);
	end();
}

/* ---- ended processes ---- */

TEST(what_ended_processes_held_is_all_there)
{
	unsigned int leaks = 0;
	struct snapshot s;

	begin(BY_PROCESS);
	workers(300, BY_PROCESS, &leaks);
	s = asked(BY_PROCESS, 0);
	CHECK_EQ(s.nprocesses, 300);
	CHECK_EQ(s.nsites, 300);
	CHECK_EQ(s.live_blocks, 1500);
	CHECK_EQ(s.allocs, 1500);
	CHECK_EQ(s.stack_ends[STACK_COMPLETE], 1500);
	CHECK(s.processes[3].exited && s.processes[3].live_bytes == 320);
	snapshot__free(&s);
	end();
}

static double spent_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* One that allocates at a hundred places, frees most, and ends. */
static void short_program(uint32_t pid, uint32_t module, uint64_t n)
{
	struct event_exec ev = { .ev = head(EVENT_EXEC, pid), .comm = "short" };

	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
	for (uint64_t i = 0; i < 100; i++)
		stack_of(pid, n * 1000 + i, module, 0x100 + i);
	for (uint64_t i = 0; i < 300; i++)
		allocated(c, pid, 0x1000 + i * 64, 64, n * 1000 + i % 100);
	for (uint64_t i = 0; i < 300; i++)
		if (i % 100 >= 5)
			freed(c, pid, 0x1000 + i * 64);
	happened(c, EVENT_EXIT, pid);
}

TEST(five_thousand_processes)
{
	size_t memory[2], early = 0;
	double ms[2], began;
	struct snapshot s;
	uint32_t module;

	for (int merged = 0; merged < 2; merged++) {
		enum merge_by by = merged ? BY_STACK : BY_PROCESS;

		begin(by);
		module = module_at("/proc/self/exe");
		for (uint32_t i = 0; i < 5000; i++) {
			short_program(PID + i, module, i + 1);
			if (i == 1000)
				early = collector__memory(c);
		}
		s = ask(c, (struct query){ .top = 10, .by = by, .commit = true });
		snapshot__free(&s);
		memory[merged] = (collector__memory(c) - early) / 3999;
		began = spent_ms();
		s = ask(c, (struct query){ .top = 10, .by = by });
		ms[merged] = spent_ms() - began;
		CHECK_EQ(s.nprocesses, 5000);
		CHECK_EQ(s.live_blocks, 5000 * 15);
		CHECK_EQ(s.total_sites, merged ? 5 : 5000 * 5);
		CHECK_EQ(s.allocs, 5000 * 300);
		CHECK_EQ(s.frees, 5000 * 285);
		CHECK_EQ(s.stack_ends[STACK_COMPLETE], 5000 * 300);
		CHECK_EQ(s.sites[0].processes, merged ? 5000 : 1);
		snapshot__free(&s);
		end();
	}
	printf("# a process that ended takes %zu bytes; a query of 5,000 of them %.1f ms, merged "
	       "%.1f ms\n",
	       memory[0], ms[0], ms[1]);
	CHECK(memory[0] < 12000 && memory[1] < 12000);
}

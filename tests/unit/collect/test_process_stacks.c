/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a process's stacks lie: its mappings, as read and as reported, in the collector. */
#include <sys/stat.h>

#include "abi/unwind.h"
#include "util/kdev.h"

#include "events.h"

/* ---- stacks ---- */

struct maps {
	const char *text;
	int reads;
};

static int parse_maps(void *ctx, struct mappings *sp, struct modules *modules)
{
	struct maps *m = ctx;

	m->reads++;
	return mappings__parse(sp, modules, m->text, strlen(m->text));
}

#define PROGRAM "00010000-00020000 r-xp 00003000 08:01 777 /nowhere/program\n"
#define LIBRARY "00050000-00060000 r-xp 00000000 08:01 778 /nowhere/library\n"
#define JIT "00070000-00080000 rwxp 00000000 00:00 0 \n"

TEST(stacks_are_resolved_when_they_come)
{
	struct maps maps = { .text = PROGRAM JIT };
	struct modules *modules = modules__new();
	struct collector *c = make((struct collector_opts){
	    .modules = modules, .refresh = parse_maps, .refresh_ctx = &maps, .children = true });
	/* A return address may be the first one behind its mapping. */
	uint64_t one[] = { 0x10100, 0x20000, 0x70010 }, two[] = { 0x50500 };
	const struct stack *st;

	CHECK_EQ(stack_came(c, 1, STACK_COMPLETE, 3, one), 0);
	CHECK_EQ(maps.reads, 1);
	st = stacks__get(collector__stacks(c), 1);
	CHECK(st && st->n == 3 && st->pid == PID && st->end == STACK_COMPLETE);
	CHECK_STR(module__path(modules__get(modules, st->frames[0].module)), "/nowhere/program");
	CHECK_EQ(st->frames[0].offset, 0x3100);
	CHECK_EQ(st->frames[0].pc, 0x10100);
	CHECK_EQ(st->frames[1].offset, 0x13000);
	CHECK_EQ(st->frames[1].module, st->frames[0].module);
	CHECK(st->frames[2].module == FRAME_NO_MODULE);
	CHECK_EQ(st->frames[2].offset, 0x70010);
	/* A library is loaded: reported or not, the next stack in it makes the mappings be read. */
	maps.text = PROGRAM LIBRARY;
	CHECK_EQ(stack_came(c, 2, STACK_LIMIT, 1, two), 0);
	CHECK_EQ(maps.reads, 2);
	st = stacks__get(collector__stacks(c), 2);
	CHECK_STR(module__path(modules__get(modules, st->frames[0].module)), "/nowhere/library");
	/* Told of a change, even what would be found is looked up afresh. */
	now += 10 * MS;
	maps.text = "00010000-00020000 r-xp 00000000 08:01 779 /nowhere/new\n";
	happened(c, EVENT_FILES, PID);
	CHECK_EQ(maps.reads, 2);
	CHECK_EQ(stack_came(c, 3, STACK_COMPLETE, 1, one), 0);
	CHECK_EQ(maps.reads, 3);
	st = stacks__get(collector__stacks(c), 3);
	CHECK_STR(module__path(modules__get(modules, st->frames[0].module)), "/nowhere/new");
	/* The same ID with other frames is counted, and the first stays. */
	CHECK_EQ(stack_came(c, 3, STACK_COMPLETE, 2, one), 0);
	CHECK_EQ(stacks__get(collector__stacks(c), 3)->n, 1);
	collector__free(c);
	modules__free(modules);
}

TEST(what_is_mapped_below_an_allocation_function_is_the_allocators)
{
	struct maps maps = { .text = PROGRAM };
	struct modules *modules = modules__new();
	struct collector *c = make((struct collector_opts){
	    .modules = modules, .refresh = parse_maps, .refresh_ctx = &maps, .children = true });
	/* In the file: 0x3100, and the call at 0x3fff or behind the function's end. */
	uint64_t below[] = { 0x10100, 0x11000 }, beside[] = { 0x10100, 0x11001 };
	struct snapshot s;

	CHECK_EQ(stack_came(c, 1, STACK_COMPLETE, 2, below), 0);
	CHECK_EQ(stack_came(c, 2, STACK_COMPLETE, 2, beside), 0);
	CHECK_EQ(collector__add_allocator(c, stacks__get(collector__stacks(c), 1)->frames[0].module,
					  0x3f00, 0x4000),
		 0);
	mapped(c, EVENT_MAP, 0,
	       (struct event_map){ .addr = 0x100000, .len = 3 * PAGE, .stack = 1 });
	mapped(c, EVENT_MAP, 0, (struct event_map){ .addr = 0x200000, .len = PAGE, .stack = 2 });
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.processes[0].allocator_bytes, 3 * PAGE);
	CHECK_EQ(s.processes[0].mapped_bytes, PAGE);
	CHECK_EQ(s.nsites, 1);
	snapshot__free(&s);
	collector__free(c);
	modules__free(modules);
}

TEST(a_pc_in_no_mapping_does_not_read_for_ever)
{
	struct maps maps = { .text = PROGRAM };
	struct collector *c = make((struct collector_opts){
	    .refresh = parse_maps, .refresh_ctx = &maps, .children = true });
	uint64_t pc[] = { 0x10100, 0x999000, 0 };

	for (uint64_t id = 1; id <= 10; id++) /* within 10 ms */
		CHECK_EQ(stack_came(c, id, STACK_NO_MAPPING, 3, pc), 0);
	CHECK(maps.reads <= 2);
	now += 20 * MS;
	CHECK_EQ(stack_came(c, 11, STACK_NO_MAPPING, 3, pc), 0);
	CHECK(maps.reads <= 3);
	CHECK(stacks__get(collector__stacks(c), 11)->frames[1].module == FRAME_NO_MODULE);
	collector__free(c);
}

static uint64_t real_time;

static uint64_t read_clock(void)
{
	return real_time;
}

/* Reading takes 200 ms. */
static int parse_slowly(void *ctx, struct mappings *sp, struct modules *modules)
{
	real_time += 200 * MS;
	return parse_maps(ctx, sp, modules);
}

TEST(a_process_that_maps_code_all_the_time_is_read_some_times)
{
	struct maps maps = { .text = PROGRAM };
	struct collector *c = make((struct collector_opts){
	    .refresh = parse_slowly, .refresh_ctx = &maps, .clock = read_clock, .children = true });
	uint64_t pc[] = { 0x10100, 0x999000 };
	uint64_t began = now;

	/* An event each ms; they are consumed late. */
	for (uint64_t id = 1; id <= 5000; id++) {
		real_time = real_time > now ? real_time : now;
		happened(c, EVENT_FILES, PID);
		CHECK_EQ(stack_came(c, id, STACK_NO_MAPPING, 2, pc), 0);
	}
	CHECK(maps.reads >= (int)((now - began) / (1000 * MS)) - 3);
	/* A fifth of the time. */
	CHECK(maps.reads <= (int)((now - began) / (1000 * MS)) + 3);
	collector__free(c);
}

TEST(what_was_read_after_an_event_is_not_read_for_it)
{
	struct maps maps = { .text = PROGRAM };
	struct collector *c = make((struct collector_opts){
	    .refresh = parse_slowly, .refresh_ctx = &maps, .clock = read_clock, .children = true });
	uint64_t pc[] = { 0x10100 };

	real_time = now + 1000 * MS;
	CHECK_EQ(stack_came(c, 1, STACK_COMPLETE, 1, pc), 0);
	CHECK_EQ(maps.reads, 1);
	happened(c, EVENT_FILES, PID);
	CHECK_EQ(stack_came(c, 2, STACK_COMPLETE, 1, pc), 0);
	CHECK_EQ(maps.reads, 1);
	now = real_time;
	happened(c, EVENT_FILES, PID);
	CHECK_EQ(stack_came(c, 3, STACK_COMPLETE, 1, pc), 0);
	CHECK_EQ(maps.reads, 2);
	collector__free(c);
}

TEST(mappings_that_others_read_are_taken_over)
{
	struct maps maps = { .text = PROGRAM };
	struct modules *modules = modules__new();
	struct collector *c = make((struct collector_opts){
	    .modules = modules, .refresh = parse_maps, .refresh_ctx = &maps, .children = true });
	struct mappings *taken = mappings__new(PID), *late = mappings__new(PID);
	uint64_t one[] = { 0x10100 }, two[] = { 0x50500 };
	uint64_t before = now;

	CHECK_EQ(stack_came(c, 1, STACK_COMPLETE, 1, one), 0);
	CHECK_EQ(mappings__parse(taken, modules, LIBRARY, strlen(LIBRARY)), 0);
	CHECK_EQ(mappings__parse(late, modules, PROGRAM, strlen(PROGRAM)), 0);
	now += MS;
	collector__set_mappings(c, PID, taken, now);
	collector__set_mappings(c, PID, late, before); /* older than what is known */
	CHECK_EQ(stack_came(c, 2, STACK_COMPLETE, 1, two), 0);
	CHECK(stacks__get(collector__stacks(c), 2)->frames[0].module != FRAME_NO_MODULE);
	CHECK_EQ(maps.reads, 1);
	collector__set_mappings(c, PID + 1, mappings__new(PID + 1), now); /* not known */
	collector__free(c);
	modules__free(modules);
}

TEST(a_child_begins_in_its_parents_space)
{
	struct maps maps = { .text = PROGRAM };
	struct modules *modules = modules__new();
	struct collector *c = make((struct collector_opts){
	    .modules = modules, .refresh = parse_maps, .refresh_ctx = &maps, .children = true });
	struct event_stack ev = { .id = 5, .n = 1, .end = STACK_COMPLETE, .pc = { 0x10100 } };
	uint64_t pc[] = { 0x10100 };

	stack_came(c, 1, STACK_COMPLETE, 1, pc);
	forked(c, CHILD, 0);
	ev.ev = head(EVENT_STACK, CHILD);
	CHECK_EQ(collector__event(c, &ev, EVENT_STACK_HEAD + 8), 0);
	CHECK_EQ(maps.reads, 1);
	CHECK(stacks__get(collector__stacks(c), 5) == stacks__get(collector__stacks(c), 1));
	CHECK_EQ(stacks__get(collector__stacks(c), 5)->frames[0].offset, 0x3100);
	/* After exec, nothing of it holds. */
	maps.text = LIBRARY;
	execed(c, CHILD, "new");
	ev.ev = head(EVENT_STACK, CHILD);
	ev.id = 6;
	ev.pc[0] = 0x50001;
	CHECK_EQ(collector__event(c, &ev, EVENT_STACK_HEAD + 8), 0);
	CHECK_EQ(maps.reads, 2);
	CHECK_EQ(stacks__get(collector__stacks(c), 6)->frames[0].offset, 1);
	happened(c, EVENT_EXIT, CHILD);
	CHECK(!collector__mappings(c, CHILD));
	CHECK(collector__mappings(c, PID));
	collector__free(c);
	modules__free(modules);
}

TEST(allocations_by_the_end_of_their_walk)
{
	struct collector *c = plain();
	uint64_t pc[] = { 0x10100, 2 };
	struct snapshot s;

	stack_came(c, 1, STACK_COMPLETE, 2, pc);
	stack_came(c, 2, STACK_LIMIT, 2, pc);
	allocated(c, PID, 0x1000, 1, 1);
	allocated(c, PID, 0x2000, 1, 1);
	freed(c, PID, 0x2000);
	allocated(c, PID, 0x3000, 1, 2);
	allocated(c, PID, 0x4000, 1, 3); /* its frames come later */
	allocated(c, PID, 0x5000, 1, 0); /* no stack was taken */
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.stack_ends[STACK_COMPLETE], 2);
	CHECK_EQ(s.stack_ends[STACK_LIMIT], 1);
	CHECK_EQ(s.lost_stack_ids, 1);
	snapshot__free(&s);
	stack_came(c, 3, STACK_COMPLETE, 2, pc);
	stack_came(c, 3, STACK_COMPLETE, 1, pc);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.stack_ends[STACK_COMPLETE], 3);
	CHECK_EQ(s.lost_stack_ids, 0);
	CHECK_EQ(s.stack_collisions, 1);
	snapshot__free(&s);
	collector__free(c);
}

/* ---- code events ---- */

static int is_gone(void *ctx, struct mappings *sp, struct modules *modules)
{
	(void)ctx, (void)sp, (void)modules;
	return -ESRCH;
}

static int code_came(struct collector *c, uint64_t start, uint64_t end, uint64_t offset,
		     const struct stat *st)
{
	struct event_code ev = {
		.ev = head(EVENT_CODE, PID), .start = start, .end = end, .offset = offset
	};

	if (st) {
		ev.dev = kdev__from_user(st->st_dev);
		ev.ino = st->st_ino;
	}
	return collector__event(c, &ev, sizeof(ev));
}

TEST(stacks_of_an_ended_process_are_resolved_by_code_events)
{
	struct modules *modules = modules__new();
	struct collector *c = make(
	    (struct collector_opts){ .modules = modules, .refresh = is_gone, .children = true });
	uint64_t pcs[] = { 0x10100, 0x30100, 0x90000 }, again[] = { 0x10100 };
	const struct stack *st;
	struct stat exe, other;
	int64_t id;

	CHECK_EQ(stat("/proc/self/exe", &exe), 0);
	CHECK_EQ(stat("/proc/self", &other), 0);
	id = modules__add_path(modules, "/proc/self/exe");
	CHECK(id >= 0);
	execed(c, PID, "short");
	CHECK_EQ(code_came(c, 0x10000, 0x20000, 0x3000, &exe), 0);
	CHECK_EQ(code_came(c, 0x30000, 0x40000, 0, &other), 0); /* of a file that nobody has met */
	CHECK_EQ(code_came(c, 0x90000, 0x91000, 0, NULL), 0);	/* there is no vDSO yet */
	CHECK_EQ(code_came(c, 0x20000, 0x20000, 0, &exe), -EINVAL);
	CHECK_EQ(stack_came(c, 1, STACK_COMPLETE, 3, pcs), 0);
	st = stacks__get(collector__stacks(c), 1);
	CHECK(st && st->n == 3);
	CHECK_EQ(st->frames[0].module, id);
	CHECK_EQ(st->frames[0].offset, 0x3100);
	CHECK(st->frames[1].module == FRAME_NO_MODULE);
	CHECK(st->frames[2].module == FRAME_NO_MODULE);
	/* What is mapped later in its place counts; an exec takes all away. */
	CHECK_EQ(code_came(c, 0x10000, 0x11000, 0x8000, &exe), 0);
	CHECK_EQ(stack_came(c, 2, STACK_COMPLETE, 1, again), 0);
	CHECK_EQ(stacks__get(collector__stacks(c), 2)->frames[0].offset, 0x8100);
	execed(c, PID, "next");
	CHECK_EQ(stack_came(c, 3, STACK_COMPLETE, 1, again), 0);
	CHECK(stacks__get(collector__stacks(c), 3)->frames[0].module == FRAME_NO_MODULE);
	collector__free(c);
	modules__free(modules);
}

TEST(allocations_by_what_their_walk_hangs_on)
{
	struct modules *modules = modules__new();
	struct maps maps = { .text = PROGRAM };
	struct collector *c = make((struct collector_opts){
	    .modules = modules, .refresh = parse_maps, .refresh_ctx = &maps, .children = true });
	uint64_t pcs[] = { 0x10100, 0x10200 };
	struct event_stack ev = {
		.ev = head(EVENT_STACK, PID), .id = 7, .n = 2, .end = STACK_COMPLETE
	};
	struct snapshot s;

	ev.ev.flags = EVENT_F_GUESSED;
	memcpy(ev.pc, pcs, sizeof(pcs));
	CHECK_EQ(collector__event(c, &ev, EVENT_STACK_HEAD + sizeof(pcs)), 0);
	CHECK_EQ(stack_came(c, 8, STACK_COMPLETE, 1, pcs), 0);
	CHECK_EQ(stack_came(c, 8, STACK_COMPLETE, 2, pcs), 0); /* another with that id */
	for (uint64_t i = 0; i < 5; i++)
		allocated(c, PID, 0x1000 + i * 16, 10, i < 3 ? 7 : 8);
	s = ask(c, (struct query){ .heap = true });
	CHECK_EQ(s.stack_ends[STACK_COMPLETE], 5);
	CHECK_EQ(s.stack_guessed, 3);
	CHECK_EQ(s.stack_collisions, 1);
	snapshot__free(&s);
	collector__free(c);
	modules__free(modules);
}

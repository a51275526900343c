/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Call stacks of processes that come and go do not add up. */
#include "collect/internal.h"
#include "util/strtab.h"

#include "events.h"

#define DEPTH 10

/* A stack in a file, the same code for all processes if it has the same offset. */
static void sent(struct collector *c, uint32_t pid, uint64_t id, uint64_t offset)
{
	struct stack *st = calloc(1, sizeof(*st) + DEPTH * sizeof(st->frames[0]));

	*st = (struct stack){ .id = id, .pid = pid, .n = DEPTH, .end = STACK_COMPLETE };
	for (unsigned int i = 0; i < DEPTH; i++)
		st->frames[i] = (struct frame){ .pc = id * 100 + i, .offset = offset + i };
	now += MS;
	CHECK_EQ(collector__add_stack(c, now, st), 0);
	free(st);
}

static const struct stack *known(struct collector *c, uint64_t id)
{
	return stacks__get(collector__stacks(c), id);
}

static size_t stored(struct collector *c)
{
	return stacks__count(collector__stacks(c));
}

/* The frames of the site that holds a block of this size. */
static const struct stack *frames_of(struct collector *c, uint64_t size)
{
	struct query q = { 0 };
	struct snapshot s = ask(c, q);
	const struct stack *st = NULL;

	for (size_t i = 0; i < s.nsites; i++)
		if (s.sites[i].live_bytes == size)
			st = known(c, s.sites[i].stack);
	snapshot__free(&s);
	return st;
}

static void report(struct collector *c)
{
	struct query q = { .commit = true };
	struct snapshot s = ask(c, q);

	snapshot__free(&s);
}

TEST(ids_of_a_process_end_with_it)
{
	struct collector *c = plain();

	sent(c, PID, 1, 1000);
	sent(c, PID + 1, 2, 1000);
	allocated(c, PID + 1, 0x1000, 50, 2);
	CHECK(known(c, 2) && known(c, 2) == known(c, 1));
	happened(c, EVENT_EXIT, PID + 1);
	CHECK(!known(c, 2));
	CHECK(known(c, 1));
	CHECK(frames_of(c, 50) == known(c, 1));
	collector__free(c);
}

TEST(a_site_that_came_before_its_stack_keeps_it)
{
	struct collector *c = plain();

	sent(c, PID, 1, 1000);
	allocated(c, PID + 1, 0x1000, 50, 2);
	sent(c, PID + 1, 2, 1000);
	happened(c, EVENT_EXIT, PID + 1);
	CHECK(!known(c, 2));
	CHECK(frames_of(c, 50) && frames_of(c, 50) == known(c, 1));
	collector__free(c);
}

/* Its mappings change again and again, and with each change all its stacks get new IDs. */
TEST(a_living_process_has_so_many_ids)
{
	struct collector *c = plain();
	uint64_t n = 3 * ALIASES_MAX;

	sent(c, PID, 1, 1000);
	for (uint64_t id = 2; id <= n; id++)
		sent(c, PID, id, 1000);
	CHECK(!known(c, 2));
	CHECK(known(c, 1) && known(c, n) == known(c, 1));
	CHECK(known(c, n - ALIASES_MAX / 2 + 1));
	CHECK(collector__memory(c) < ALIASES_MAX * 100);
	collector__free(c);
}

static void come_and_go(struct collector *c, uint32_t *pid, int processes)
{
	for (int i = 0; i < processes; i++, ++*pid) {
		for (uint64_t k = 1; k <= 10; k++) {
			sent(c, *pid, *pid * 100ull + k, *pid * 1000ull + k * 20);
			allocated(c, *pid, k << 12, 10, *pid * 100ull + k);
			freed(c, *pid, k << 12);
		}
		happened(c, EVENT_EXIT, *pid);
		if (i % 100)
			continue;
		report(c);
		CHECK_EQ(collector__tidy(c), 0);
	}
}

TEST(stacks_of_ended_processes_are_freed)
{
	struct collector *c = plain();
	uint32_t pid = PID + 10;
	size_t after;

	sent(c, PID, 1, 5); /* a living process may use it at any time */
	sent(c, PID + 1, 2, 6);
	allocated(c, PID + 1, 0x1000, 77, 2); /* an ended one still holds something */
	sent(c, PID + 2, 3, 7);
	sent(c, PID + 3, 4, 7); /* a living process's ID for the stack of one that ended */
	happened(c, EVENT_EXIT, PID + 1);
	happened(c, EVENT_EXIT, PID + 2);
	come_and_go(c, &pid, 2000);
	after = stored(c);
	come_and_go(c, &pid, 4000);
	CHECK(stored(c) <= after + 1000);
	CHECK(stored(c) < 20000);
	CHECK(known(c, 1));
	CHECK(frames_of(c, 77) && frames_of(c, 77)->frames[0].offset == 6);
	CHECK(known(c, 4) && known(c, 4)->frames[0].offset == 7);
	/* A new process has code that was freed before. */
	sent(c, pid, 9, (PID + 10) * 1000ull + 20);
	CHECK_EQ(known(c, 9)->id, 9);
	collector__free(c);
}

TEST(files_that_are_referred_to)
{
	struct collector *c = plain();
	bool used[3] = { false, false, false };

	sent(c, PID, 1, 5);
	CHECK_EQ(collector__add_allocator(c, 1, 100, 200), 0);
	collector__use_modules(c, used, 3);
	CHECK(used[0] && !used[1] && !used[2]);
	collector__forget_module(c, 1);
	collector__forget_module(c, 1);
	collector__free(c);
}

/* Each container has a name of its own. */
TEST(names_of_processes_that_are_folded_are_freed)
{
	struct collector *c = plain();
	char name[64];

	for (uint32_t i = 0; i < 60000; i++) {
		snprintf(name, sizeof(name), "container-%u", i);
		allocated(c, PID + 1 + i, 0x1000, 10, 0);
		collector__set_container(c, PID + 1 + i, name);
		happened(c, EVENT_EXIT, PID + 1 + i);
		if (i % 1000)
			continue;
		report(c);
		CHECK_EQ(collector__tidy(c), 0);
	}
	CHECK(strtab__count(c->names) < 20000);
	for (uint32_t i = 0; i < c->nprocesses; i++) {
		const struct process *p = c->processes[i];

		if (p->folds)
			continue;
		snprintf(name, sizeof(name), "container-%u", p->pid - PID - 1);
		CHECK_STR(p->container, name);
	}
	collector__free(c);
}

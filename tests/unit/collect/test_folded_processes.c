/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts whose processes come and go: what is kept of those that ended is bounded. */
#include <stdio.h>
#include <string.h>

#include "collect/internal.h"
#include "util/clock.h"
#include "util/cursor.h"
#include "util/strbuf.h"

#include "events.h"

#define BLOCK 100

/* A program starts, allocates two blocks, frees one, and ends. */
static void live(struct collector *c, uint32_t pid, const char *comm, uint64_t stack)
{
	execed_as(c, pid, comm, EVENT_F_WHOLE);
	freed(c, pid, 0x9000); /* not seen to be allocated */
	allocated(c, pid, 0x1000, BLOCK, stack);
	allocated(c, pid, 0x2000, 7, stack);
	freed(c, pid, 0x2000);
	happened(c, EVENT_EXIT, pid);
}

static struct snapshot asked(struct collector *c, bool commit)
{
	struct query q = { .commit = commit };

	return ask(c, q);
}

static const struct process_row *row_of(const struct snapshot *s, const char *comm)
{
	for (size_t i = 0; i < s->nprocesses; i++)
		if (s->processes[i].processes > 1 && !strcmp(s->processes[i].comm, comm))
			return &s->processes[i];
	return NULL;
}

static uint64_t all_processes(const struct snapshot *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->nprocesses; i++)
		n += s->processes[i].processes;
	return n;
}

TEST(the_sums_stay_exact)
{
	const uint32_t n = 3 * ENDED_MAX;
	struct collector *c = plain();
	const struct process_row *even, *odd;
	uint64_t blocks = 0, bytes = 0, holders = 0;
	struct snapshot s;

	for (uint32_t i = 0; i < n; i++) {
		live(c, PID + i, i % 2 ? "odd" : "even", 1 + i % 3);
		if (i % 1000)
			continue;
		s = asked(c, true);
		snapshot__free(&s);
	}
	s = asked(c, true);
	snapshot__free(&s);
	s = asked(c, true);
	CHECK_EQ(s.growth_bytes, 0);
	CHECK(s.nprocesses <= ENDED_MAX + 2);
	CHECK_EQ(all_processes(&s), n);
	CHECK_EQ(s.live_blocks, n);
	CHECK_EQ(s.live_bytes, (uint64_t)n * BLOCK);
	CHECK_EQ(s.allocs, 2ull * n);
	CHECK_EQ(s.frees, n);
	CHECK_EQ(s.unmatched_frees, n);
	CHECK_EQ(s.unseen_frees, n);
	for (size_t i = 0; i < s.nsites; i++) {
		blocks += s.sites[i].live_blocks;
		bytes += s.sites[i].live_bytes;
		holders += s.sites[i].processes;
		CHECK_EQ(s.sites[i].growth_bytes, 0);
		/* Three events after the block, it ended. */
		CHECK_EQ(s.sites[i].oldest, 3 * MS);
		CHECK_EQ(s.sites[i].newest, 3 * MS);
	}
	CHECK_EQ(blocks, n);
	CHECK_EQ(bytes, (uint64_t)n * BLOCK);
	CHECK_EQ(holders, n);
	CHECK_EQ(s.folded_stackless, 0);
	even = row_of(&s, "even");
	odd = row_of(&s, "odd");
	CHECK(even && odd && even->exited && !even->pid);
	CHECK(even && even->live_blocks == even->processes && even->allocs == 2 * even->processes);
	snapshot__free(&s);
	collector__free(c);
}

TEST(memory_does_not_grow_with_the_processes)
{
	struct collector *c = plain();
	size_t before = 0, after;

	for (uint32_t i = 0; i < 6 * ENDED_MAX; i++) {
		if (i == 2 * ENDED_MAX)
			before = collector__memory(c);
		live(c, PID + i, "worker", 1 + i % 5);
	}
	after = collector__memory(c);
	printf("# %zu bytes, and then %zu\n", before, after);
	CHECK(after <= before + before / 5);
	collector__free(c);
}

/* Every process is another program with another call stack. */
TEST(programs_and_call_stacks_beyond_the_caps)
{
	const uint32_t n = ENDED_MAX + FOLDED_SITES_MAX + 3000;
	struct collector *c = plain();
	const struct process_row *others;
	struct snapshot s;
	char comm[16];

	for (uint32_t i = 0; i < n; i++) {
		snprintf(comm, sizeof(comm), "job%u", i);
		live(c, PID + i, comm, 1 + i);
	}
	s = asked(c, true);
	snapshot__free(&s);
	s = asked(c, true);
	CHECK_EQ(all_processes(&s), n);
	CHECK_EQ(s.live_blocks, n);
	CHECK(s.nprocesses <= ENDED_MAX + FOLDED_PROGRAMS_MAX + 1);
	CHECK(s.nsites <= ENDED_MAX + FOLDED_SITES_MAX + 1);
	CHECK(s.folded_stackless >= 2000);
	others = row_of(&s, "other programs");
	CHECK(others && others->processes > FOLDED_SITES_MAX - FOLDED_PROGRAMS_MAX);
	snapshot__free(&s);
	collector__free(c);
}

TEST(a_process_that_the_user_named_keeps_its_row)
{
	struct collector *c = plain();
	struct snapshot s;
	bool found = false;

	/* This process, which exists, so that it can be named. */
	CHECK_EQ(collector__add_process(c, (uint32_t)getpid()), 0);
	now = clock__now_ns();
	allocated(c, (uint32_t)getpid(), 0x1000, BLOCK, 1);
	happened(c, EVENT_EXIT, (uint32_t)getpid());
	for (uint32_t i = 0; i < 2 * ENDED_MAX; i++)
		live(c, PID + i, "worker", 1);
	s = asked(c, false);
	for (size_t i = 0; i < s.nprocesses; i++)
		found |= s.processes[i].pid == (uint32_t)getpid() && s.processes[i].named;
	CHECK(found);
	snapshot__free(&s);
	collector__free(c);
}

static int restore_error;

static void restore(void *to, const struct strbuf *sb)
{
	struct cursor c = { (const uint8_t *)sb->data, (const uint8_t *)sb->data + sb->len, false };
	int err = collector__restore(to, &c);

	restore_error = restore_error ? restore_error : err;
}

TEST(a_saved_state_has_them)
{
	struct collector *a = plain(), *b;
	struct snapshot x, y;
	uint64_t was;

	for (uint32_t i = 0; i < 2 * ENDED_MAX; i++)
		live(a, PID + i, i % 2 ? "odd" : "even", 1 + i % 3);
	was = now;
	b = make((struct collector_opts){ .offline = true, .children = true });
	now = was;
	CHECK_EQ(collector__save(a, restore, b), 0);
	CHECK_EQ(restore_error, 0);
	for (uint32_t i = 0; i < ENDED_MAX; i++) {
		now = was + i * 10 * MS;
		live(a, 2 * PID + i, "later", 1);
		now = was + i * 10 * MS;
		live(b, 2 * PID + i, "later", 1);
	}
	x = asked(a, false);
	y = asked(b, false);
	CHECK_EQ(all_processes(&x), 3 * ENDED_MAX);
	CHECK_EQ(all_processes(&y), 3 * ENDED_MAX);
	CHECK_EQ(x.live_bytes, y.live_bytes);
	CHECK_EQ(x.nprocesses, y.nprocesses);
	CHECK_EQ(x.nsites, y.nsites);
	CHECK_EQ(row_of(&x, "even")->allocs, row_of(&y, "even")->allocs);
	CHECK_EQ(row_of(&x, "later")->processes, row_of(&y, "later")->processes);
	snapshot__free(&x);
	snapshot__free(&y);
	collector__free(a);
	collector__free(b);
}

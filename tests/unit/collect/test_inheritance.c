/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frees of blocks that the process did not allocate while it was traced: what they are taken for.
 */
#include "events.h"

#include "heap/judge.h"

#define GRANDCHILD (PID + 2)
#define SECOND (1000 * MS)

static void execed_whole(struct collector *c, uint32_t pid)
{
	execed_as(c, pid, "whole", EVENT_F_WHOLE);
}

static void freed_by_libc(struct collector *c, uint32_t pid, uint64_t addr)
{
	struct event_free ev = { head(EVENT_FREE, pid), addr };

	ev.ev.flags = EVENT_F_LIBC;
	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
}

static void forked_by(struct collector *c, uint32_t parent, uint32_t child)
{
	struct event_fork ev = { head(EVENT_FORK, parent), child, 0 };

	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
}

static void reallocated_by(struct collector *c, uint32_t pid, uint64_t old, uint64_t addr)
{
	struct event_realloc ev = { head(EVENT_REALLOC, pid), old, addr, 500, 9, 0 };

	ev.began = now;
	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
}

/* The frees of process `i`, as "FREES UNMATCHED UNSEEN INHERITED". */
static const char *frees(struct collector *c, size_t i)
{
	struct snapshot s = ask(c, (struct query){ .top = 10 });
	static char text[64];

	snprintf(text, sizeof(text), "%d %d %d %d", (int)s.processes[i].frees,
		 (int)s.processes[i].unmatched_frees, (int)s.processes[i].unseen_frees,
		 (int)s.processes[i].inherited_frees);
	snapshot__free(&s);
	return text;
}

TEST(inherited_blocks_are_matched)
{
	struct collector *c = plain();

	for (uint64_t i = 1; i <= 10; i++)
		allocated(c, PID, i * 0x1000, 100, 1);
	forked_by(c, PID, CHILD);
	freed(c, PID, 0x1000); /* the parent's copy */
	allocated(c, PID, 0x1000, 77, 1);
	freed(c, CHILD, 0x1000);
	freed(c, CHILD, 0x2000);
	allocated(c, CHILD, 0x2000, 30, 2);
	freed(c, CHILD, 0x2000);
	reallocated_by(c, CHILD, 0x3000, 0x3100);
	freed(c, CHILD, 0x99000); /* older than the tracing */
	CHECK_STR(frees(c, 1), "1 1 0 3");
	CHECK_STR(frees(c, 0), "1 0 0 0");
	check_rows(c, (struct query){ .top = 10 }, "977/10@1 500/1@9");
	/* What the child allocated and what it did not free goes to its own child. */
	forked_by(c, CHILD, GRANDCHILD);
	freed(c, GRANDCHILD, 0x3100);
	freed(c, GRANDCHILD, 0x4000);
	freed(c, GRANDCHILD, 0x2000); /* freed before */
	CHECK_STR(frees(c, 2), "0 1 0 2");
	freed(c, CHILD, 0x4000);
	CHECK_STR(frees(c, 1), "1 1 0 4");
	/* A new program has nothing of it. */
	execed(c, GRANDCHILD, "other");
	freed(c, GRANDCHILD, 0x5000);
	CHECK_STR(frees(c, 2), "0 2 0 2");
	collector__free(c);
}

TEST(blocks_outlive_the_parent)
{
	struct collector *c = plain();

	allocated(c, PID, 0x1000, 100, 1);
	forked_by(c, PID, CHILD);
	happened(c, EVENT_EXIT, PID);
	forked_by(c, CHILD, GRANDCHILD);
	happened(c, EVENT_EXIT, CHILD);
	freed(c, GRANDCHILD, 0x1000);
	CHECK_STR(frees(c, 2), "0 0 0 1");
	collector__free(c);
}

TEST(sizes_that_are_not_counted_are_not_counted_as_inherited)
{
	struct collector *c = make(
	    (struct collector_opts){ .refresh = no_refresh, .children = true, .min_size = 50 });

	allocated(c, PID, 0x1000, 49, 1);
	allocated(c, PID, 0x2000, 50, 1);
	forked_by(c, PID, CHILD);
	freed(c, CHILD, 0x1000);
	freed(c, CHILD, 0x2000);
	CHECK_STR(frees(c, 1), "0 0 0 1");
	collector__free(c);
}

TEST(what_the_c_library_gives_back_is_no_free)
{
	struct collector *c = plain();

	freed_by_libc(c, PID, 0x1000);
	CHECK_STR(frees(c, 0), "0 0 0 0");
	/* The free that came before was lost. */
	allocated(c, PID, 0x2000, 100, 1);
	freed_by_libc(c, PID, 0x2000);
	CHECK_STR(frees(c, 0), "1 0 0 0");
	collector__free(c);
}

/* What inherits is a program of its own, with no block from before. */
TEST(a_program_traced_from_its_first_instruction)
{
	struct collector *c = plain();
	struct event_files late;

	execed_whole(c, PID);
	freed(c, PID, 0x1000);
	CHECK_STR(frees(c, 0), "0 1 1 0");
	forked_by(c, PID, CHILD);
	freed(c, CHILD, 0x1000);
	CHECK_STR(frees(c, 1), "0 1 1 0");
	execed(c, PID, "unprobed"); /* its first instructions were not seen */
	freed(c, PID, 0x2000);
	CHECK_STR(frees(c, 0), "0 2 1 0");
	execed_whole(c, PID);
	late = (struct event_files){ head(EVENT_FILES, PID), 0 };
	late.ev.flags = EVENT_F_LATE;
	CHECK_EQ(collector__event(c, &late, sizeof(late)), 0);
	freed(c, PID, 0x3000);
	CHECK_STR(frees(c, 0), "0 3 1 0");
	collector__free(c);
}

/* A leak beside as many frees of blocks that the process did not allocate. */
static struct judgement judge_beside_frees(bool whole, uint16_t flags, bool fork)
{
	struct collector *c = plain();
	uint32_t pid = fork ? CHILD : PID;
	struct judgement j = { 0 };
	struct snapshot s;

	if (whole)
		execed_whole(c, PID);
	else
		execed(c, PID, "process");
	for (uint64_t i = 0; fork && i < 8000; i++)
		allocated(c, PID, 0x900000 + i * 32, 16, 1);
	if (fork)
		forked_by(c, PID, CHILD);
	for (uint64_t i = 0; i < 4000; i++) {
		struct event_free ev = { head(EVENT_FREE, pid), 0x900000 + i * 32 };

		ev.ev.flags = flags;
		collector__event(c, &ev, sizeof(ev));
		allocated(c, pid, 0x100000 + i * 64, 40, 2);
		allocated(c, pid, 0x80, 24, 3);
		freed(c, pid, 0x80);
		now += 11 * MS;
	}
	s = ask(c, (struct query){ .top = 10, .heap = true });
	for (size_t i = 0; i < s.nsites; i++)
		if (s.sites[i].stack == 2)
			j = s.sites[i].judged;
	snapshot__free(&s);
	collector__free(c);
	return j;
}

TEST(only_older_blocks_are_evidence_against_a_leak)
{
	struct judgement j = judge_beside_frees(false, 0, false);

	CHECK_EQ(j.verdict, VERDICT_GROWING);
	CHECK_EQ(j.doubt, DOUBT_OLDER);
	CHECK_EQ(judge_beside_frees(true, 0, false).verdict, VERDICT_LEAK);
	CHECK_EQ(judge_beside_frees(false, EVENT_F_LIBC, false).verdict, VERDICT_LEAK);
	CHECK_EQ(judge_beside_frees(false, 0, true).verdict, VERDICT_LEAK);
}

/* Beyond the limit, the frees of what a process inherited are not known to be that. */
TEST(inheritance_takes_no_more_memory_than_allowed)
{
	struct collector *c = make((struct collector_opts){
	    .refresh = no_refresh, .children = true, .max_inherited = 2 << 20 });
	struct snapshot s;
	size_t before;

	execed_whole(c, PID);
	for (uint64_t i = 1; i <= 50000; i++)
		allocated(c, PID, i * 16, 8, 1);
	before = collector__memory(c);
	for (uint32_t child = 1; child <= 20; child++) {
		forked_by(c, PID, PID + child);
		for (uint64_t i = 1; i <= 50000; i += 500) {
			freed(c, PID, i * 16);
			allocated(c, PID, i * 16, 8, 1);
		}
	}
	for (uint32_t child = 1; child <= 20; child++)
		freed(c, PID + child, 16);
	CHECK(collector__memory(c) < before + (2 << 20) + 20 * (64 << 10));
	s = ask(c, (struct query){ .top = 10 });
	CHECK(s.disinherited > 10 && s.disinherited < 20);
	CHECK_EQ(s.inherited_frees, 20 - s.disinherited);
	CHECK_EQ(s.unseen_frees, s.disinherited);
	CHECK_EQ(s.live_blocks, 50000);
	/* The first lost theirs first. */
	CHECK_EQ(s.processes[1].unseen_frees, 1);
	CHECK_EQ(s.processes[20].inherited_frees, 1);
	snapshot__free(&s);
	collector__free(c);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes in the collector: how they begin, what they are called, how they end. */
#include <sys/prctl.h>

#include "events.h"

/* ---- processes ---- */

TEST(fork_charges_nothing_twice)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	mapped(c, EVENT_MAP, 0, (struct event_map){ .addr = 0x100000, .len = PAGE, .stack = 1 });
	forked(c, CHILD, 0);
	freed(c, CHILD, 0x1000); /* inherited */
	mapped(c, EVENT_UNMAP, 0,
	       (struct event_map){ .ev.pid = CHILD, .addr = 0x100000, .len = PAGE });
	allocated(c, CHILD, 0x1000, 30, 1);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "4096/1@1 100/1@1 30/1@1");
	CHECK_EQ(s.nprocesses, 2);
	CHECK_EQ(s.processes[1].pid, CHILD);
	CHECK_EQ(s.processes[1].live_bytes, 30);
	CHECK_EQ(s.processes[1].mapped_bytes, 0);
	CHECK_EQ(s.processes[1].frees, 0);
	CHECK_EQ(s.processes[1].unmatched_frees, 0);
	CHECK_EQ(s.processes[1].inherited_frees, 1);
	CHECK_EQ(s.processes[1].first_seen, START + 3 * MS);
	CHECK_EQ(s.processes[0].live_bytes, 100);
	CHECK_EQ(s.processes[0].unmatched_frees, 0);
	CHECK_EQ(s.sites[2].process, 1);
	CHECK_EQ(s.sites[2].pid, CHILD);
	snapshot__free(&s);
	collector__free(c);
}

/* Its first events may overtake the fork: then the fork says nothing new, and ends nothing. */
TEST(fork_reported_after_the_child)
{
	struct collector *c = plain();
	struct event_fork ev;
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	ev = (struct event_fork){ head(EVENT_FORK, PID), CHILD, 0 };
	execed(c, CHILD, "child");
	allocated(c, CHILD, 0x2000, 30, 2);
	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
	allocated(c, CHILD, 0x3000, 40, 3);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "100/1@1 40/1@3 30/1@2");
	CHECK_EQ(s.nprocesses, 2);
	CHECK_EQ(s.processes[1].pid, CHILD);
	CHECK(!s.processes[1].exited);
	CHECK_STR(s.processes[1].comm, "child");
	CHECK_EQ(s.processes[1].live_blocks, 2);
	snapshot__free(&s);

	/* A younger fork to the same pid is another process: the end of the first was lost. */
	forked(c, CHILD, 0);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.nprocesses, 3);
	CHECK(s.processes[1].exited && !s.processes[2].exited);
	snapshot__free(&s);
	collector__free(c);
}

TEST(fork_that_makes_no_process)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	forked(c, CHILD, 1);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.nprocesses, 1);
	snapshot__free(&s);
	collector__free(c);

	c = make((struct collector_opts){ .refresh = no_refresh, .children = false });
	allocated(c, PID, 0x1000, 100, 1);
	forked(c, CHILD, 0);
	execed(c, CHILD, "other");
	happened(c, EVENT_EXIT, CHILD);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.nprocesses, 1);
	snapshot__free(&s);
	collector__free(c);
}

TEST(exec_ends_what_is_live)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	freed(c, PID, 0x9999);
	mapped(c, EVENT_MAP, 0, (struct event_map){ .addr = 0x100000, .len = PAGE, .stack = 1 });
	mapped(c, EVENT_MAP, EVENT_F_ALLOCATOR,
	       (struct event_map){ .addr = 0x200000, .len = PAGE });
	execed(c, PID, "a-name-that-is-too-long");
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "");
	CHECK_EQ(s.live_bytes, 0);
	CHECK_EQ(s.allocs, 1);
	CHECK_EQ(s.frees, 0);
	CHECK_EQ(s.peak_bytes, 100);
	CHECK_EQ(s.processes[0].allocator_bytes, 0);
	CHECK_EQ(s.processes[0].mapped_bytes, 0);
	CHECK_STR(s.processes[0].comm, "a-name-that-is-");
	snapshot__free(&s);
	/* The new program's blocks may lie at the old one's addresses. */
	allocated(c, PID, 0x1000, 40, 1);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "40/1@1");
	CHECK_EQ(s.superseded, 0);
	CHECK_EQ(s.peak_bytes, 100);
	snapshot__free(&s);
	/* exec of an unknown process adds it. */
	execed(c, CHILD, "late");
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.nprocesses, 2);
	CHECK_STR(s.processes[1].comm, "late");
	snapshot__free(&s);
	collector__free(c);
}

TEST(exit_keeps_what_was_left)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	allocated(c, PID, 0x2000, 100, 1);
	mapped(c, EVENT_MAP, 0, (struct event_map){ .addr = 0x100000, .len = PAGE, .stack = 2 });
	allocated(c, PID, 0x3000, 1, 3);
	freed(c, PID, 0x3000);
	happened(c, EVENT_EXIT, PID);
	now += 1000 * MS;
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "4096/1@2 200/2@1");
	CHECK(s.processes[0].exited);
	CHECK_EQ(s.processes[0].ended, START + 6 * MS);
	CHECK_EQ(s.processes[0].live_bytes, 200);
	CHECK_EQ(s.sites[1].oldest, 5 * MS); /* when it ended */
	CHECK_EQ(s.sites[1].newest, 4 * MS);
	CHECK_EQ(s.sites[0].oldest, 3 * MS);
	CHECK_EQ(s.sites[0].map_addr, 0x100000);
	snapshot__free(&s);
	/* The pid comes again, with the same addresses and stacks: another process. */
	allocated(c, PID, 0x1000, 7, 1);
	freed(c, PID, 0x2000);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "4096/1@2 200/2@1 7/1@1");
	CHECK_EQ(s.nprocesses, 2);
	CHECK_EQ(s.processes[0].pid, PID);
	CHECK_EQ(s.processes[1].pid, PID);
	CHECK(!s.processes[1].exited);
	CHECK_EQ(s.processes[1].unmatched_frees, 1);
	CHECK_EQ(s.sites[2].process, 1);
	snapshot__free(&s);
	collector__free(c);
}

TEST(a_pid_that_comes_again_without_an_exit)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	allocated(c, CHILD, 0x1000, 100, 1);
	forked(c, CHILD, 0);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.nprocesses, 3);
	CHECK(s.processes[1].exited && !s.processes[2].exited);
	snapshot__free(&s);
	collector__free(c);
}

TEST(named_processes)
{
	struct collector *c = make((struct collector_opts){ .children = true });
	uint32_t self = (uint32_t)getpid();
	struct snapshot s;
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = '\0';
	prctl(PR_SET_NAME, "mt-named");
	CHECK_EQ(collector__add_process(c, PID), -ESRCH);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.nprocesses, 0);
	snapshot__free(&s);
	CHECK_EQ(collector__add_process(c, self), 0);
	CHECK_EQ(collector__add_process(c, self), 0);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.nprocesses, 1);
	CHECK(s.processes[0].named);
	CHECK_STR(s.processes[0].comm, "mt-named");
	CHECK_STR(s.processes[0].exe, exe);
	snapshot__free(&s);
	CHECK(collector__mappings(c, self) && mappings__count(collector__mappings(c, self)) > 3);
	CHECK(!collector__mappings(c, PID));
	happened(c, EVENT_EXIT, self);
	CHECK(collector__mappings(c, self) && mappings__count(collector__mappings(c, self)) > 3);
	collector__free(c);
}

/* ---- notifications ---- */

static void note(void *ctx, const struct event *ev)
{
	static const char letters[EVENT_TYPES] = {
		[EVENT_FORK] = 'f',
		[EVENT_EXEC] = 'x',
		[EVENT_EXIT] = 'e',
		[EVENT_FILES] = 'l',
	};
	char *text = ctx;

	text[strlen(text)] = letters[ev->type] ? letters[ev->type] : '?';
}

TEST(process_events_are_passed_on)
{
	char notified[64] = "";
	struct collector *c = make((struct collector_opts){
	    .refresh = no_refresh, .notify = note, .notify_ctx = notified, .children = true });

	allocated(c, PID, 0x1000, 1, 1);
	forked(c, CHILD, 0);
	execed(c, CHILD, "x");
	happened(c, EVENT_FILES, PID);
	happened(c, EVENT_EXIT, CHILD);
	CHECK_STR(notified, "fxle");
	collector__free(c);
}

/* ---- allocation functions that are not probed ---- */

#define SECOND (1000 * MS)

/* A block a tenth of a second stays, and one that was never seen to come is freed. */
static void replace_slowly(struct collector *c)
{
	for (uint64_t i = 0; i < 300; i++) {
		now += SECOND / 10;
		allocated(c, PID, 0x10000 + i * 4096, 1000, 1);
		freed(c, PID, 0x9000000 + i * 4096);
	}
}

static struct snapshot ask_now(struct collector *c)
{
	return ask(c, (struct query){ .top = 1, .heap = true, .now = now });
}

TEST(frees_of_what_is_not_probed_are_no_older_blocks)
{
	struct collector *c = plain();
	struct snapshot s;

	replace_slowly(c);
	s = ask_now(c);
	CHECK_EQ(s.sites[0].judged.doubt, DOUBT_OLDER);
	snapshot__free(&s);
	collector__add_unprobed(c, PID, "operator new of libx.so");
	s = ask_now(c);
	CHECK_EQ(s.sites[0].judged.verdict, VERDICT_LEAK);
	CHECK_EQ(s.unmatched_frees, 300);
	snapshot__free(&s);
	collector__free(c);
}

TEST(functions_that_are_not_probed_are_known_by_process)
{
	struct collector *c = plain();
	struct snapshot s;

	collector__add_unprobed(c, PID, "operator new of libx.so"); /* not known yet */
	allocated(c, PID, 0x1000, 100, 1);
	s = ask(c, (struct query){ .top = 10 });
	CHECK(!s.processes[0].unprobed);
	snapshot__free(&s);
	for (int i = 0; i < 2; i++) {
		collector__add_unprobed(c, PID, "operator new of libx.so");
		collector__add_unprobed(c, PID, "operator new of liby.so");
	}
	forked(c, CHILD, 0);
	execed(c, PID, "other");
	s = ask(c, (struct query){ .top = 10 });
	CHECK(!s.processes[0].unprobed);
	CHECK_STR(s.processes[1].unprobed, "operator new of libx.so, operator new of liby.so");
	snapshot__free(&s);
	collector__free(c);
}

TEST(how_a_process_ended)
{
	struct collector *c = plain();
	struct event ev;
	struct snapshot s;

	allocated(c, PID, 0x1000, 10, 1);
	allocated(c, CHILD, 0x1000, 10, 1);
	allocated(c, CHILD + 1, 0x1000, 10, 1);
	ev = head(EVENT_EXIT, PID);
	ev.api = EVENT_EXIT_STATUS;
	ev.flags = 139;
	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
	happened(c, EVENT_EXIT, CHILD); /* of an older recording: it does not say */
	s = ask(c, (struct query){ .sort = SORT_BYTES });
	CHECK(s.processes[0].exited && s.processes[1].exited && !s.processes[2].exited);
	CHECK_EQ(s.processes[0].status, 139);
	CHECK_EQ(s.processes[1].status, -1);
	CHECK_EQ(s.processes[2].status, -1);
	snapshot__free(&s);
	collector__free(c);
}

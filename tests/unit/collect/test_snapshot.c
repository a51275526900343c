/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What queries of the collector answer. */
#include "events.h"
#include "util/clock.h"

/* ---- queries ---- */

TEST(top_and_rest)
{
	struct collector *c = plain();
	struct snapshot s;

	for (uint64_t i = 1; i <= 1000; i++)
		allocated(c, PID, i * 16, (i * 7919) % 1009, i);
	s = ask(c, (struct query){ .top = 3 });
	CHECK_EQ(s.nsites, 3);
	CHECK_EQ(s.total_sites, 1000);
	CHECK_EQ(s.sites[0].live_bytes, 1008);
	CHECK_EQ(s.sites[1].live_bytes, 1007);
	CHECK_EQ(s.sites[2].live_bytes, 1006);
	CHECK_EQ(s.rest_bytes, s.live_bytes - 1008 - 1007 - 1006);
	CHECK_EQ(s.rest_blocks, 997);
	snapshot__free(&s);
	s = ask(c, (struct query){ .top = 2000 });
	CHECK_EQ(s.nsites, 1000);
	CHECK_EQ(s.rest_bytes, 0);
	for (size_t i = 1; i < s.nsites; i++)
		CHECK(s.sites[i - 1].live_bytes > s.sites[i].live_bytes);
	snapshot__free(&s);
	collector__free(c);
}

TEST(every_order)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 500, 1); /* the oldest, then nothing more */
	for (uint64_t i = 0; i < 5; i++)
		allocated(c, PID, 0x2000 + i * 16, 10, 2); /* many blocks */
	allocated(c, PID, 0x3000, 100, 3);
	s = ask(c, (struct query){ .top = 1, .commit = true });
	snapshot__free(&s);
	allocated(c, PID, 0x4000, 300, 3); /* grows */
	freed(c, PID, 0x2000);		   /* shrinks */
	for (uint64_t i = 0; i < 3; i++) { /* churns, and holds nothing */
		allocated(c, PID, 0x5000, 1000, 4);
		freed(c, PID, 0x5000);
	}
	check_rows(c, (struct query){ .top = 10, .sort = SORT_LEAK }, "500/1@1 400/2@3 40/4@2");
	check_rows(c, (struct query){ .top = 10, .sort = SORT_BYTES }, "500/1@1 400/2@3 40/4@2");
	check_rows(c, (struct query){ .top = 10, .sort = SORT_BLOCKS }, "40/4@2 400/2@3 500/1@1");
	check_rows(c, (struct query){ .top = 10, .sort = SORT_GROWTH }, "400/2@3 500/1@1 40/4@2");
	check_rows(c, (struct query){ .top = 10, .sort = SORT_AGE }, "500/1@1 40/4@2 400/2@3");
	check_rows(c, (struct query){ .top = 2, .sort = SORT_RATE }, "0/0@4 400/2@3");
	check_rows(c, (struct query){ .top = 0, .sort = SORT_BYTES },
		   "500/1@1 400/2@3 40/4@2 0/0@4");
	collector__free(c);
}

TEST(ties_are_broken_the_same_way)
{
	struct collector *c = plain();

	forked(c, CHILD, 0);
	for (uint64_t i = 1; i <= 4; i++)
		allocated(c, PID, i * 16, 8, i);
	for (uint64_t i = 1; i <= 4; i++)
		allocated(c, CHILD, i * 16, 8, i + 10);
	/* The child came first, so its sites come first. */
	check_rows(c, (struct query){ .top = 6 }, "8/1@11 8/1@12 8/1@13 8/1@14 8/1@1 8/1@2");
	check_rows(c, (struct query){ .top = 1 }, "8/1@11");
	collector__free(c);
}

TEST(growth_since_the_last_committed_query)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	s = ask(c, (struct query){ .top = 10, .commit = true });
	CHECK_EQ(s.since, START);
	CHECK_EQ(s.growth_bytes, 100);
	CHECK_EQ(s.sites[0].growth_bytes, 100);
	CHECK_EQ(s.sites[0].allocs_since, 1);
	CHECK_EQ(s.allocs_since, 1);
	snapshot__free(&s);
	allocated(c, PID, 0x2000, 30, 1);
	freed(c, PID, 0x1000);
	for (int i = 0; i < 2; i++) { /* looking changes nothing */
		s = ask(c, (struct query){ .top = 10 });
		CHECK_EQ(s.since, START + MS);
		CHECK_EQ(s.growth_bytes, -70);
		CHECK_EQ(s.sites[0].growth_bytes, -70);
		CHECK_EQ(s.sites[0].allocs_since, 1);
		CHECK_EQ(s.frees_since, 1);
		snapshot__free(&s);
	}
	s = ask(c, (struct query){ .top = 10, .commit = true });
	snapshot__free(&s);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.growth_bytes, 0);
	CHECK_EQ(s.sites[0].growth_bytes, 0);
	CHECK_EQ(s.allocs_since, 0);
	CHECK_EQ(s.frees_since, 0);
	snapshot__free(&s);
	collector__free(c);
}

TEST(only_what_is_old_enough)
{
	struct collector *c = make(
	    (struct collector_opts){ .refresh = no_refresh, .children = true, .min_age = 10 * MS });
	struct query q = { .top = 10, .min_age = 10 * MS };
	struct snapshot s;

	check_rows(c, q, "");
	for (uint64_t i = 1; i <= 20; i++) /* births at 1 to 20 ms */
		allocated(c, PID, i * 16, i, i % 2 + 1);
	mapped(c, EVENT_MAP, 0,
	       (struct event_map){ .addr = 0x100000, .len = 3 * PAGE, .stack = 3 });
	mapped(c, EVENT_MAP, 0, (struct event_map){ .addr = 0x200000, .len = PAGE, .stack = 3 });
	mapped(c, EVENT_UNMAP, 0, (struct event_map){ .addr = 0x101000, .len = PAGE });
	/* Those born by 15 ms: 1 3 … 15 and 2 4 … 14. */
	q.now = START + 25 * MS;
	s = ask(c, q);
	CHECK_STR(rows(&s), "64/8@2 56/7@1");
	CHECK_EQ(s.live_bytes, 120);
	CHECK_EQ(s.processes[0].live_blocks, 15);
	CHECK_EQ(s.sites[0].oldest, 24 * MS);
	CHECK_EQ(s.sites[0].newest, 10 * MS);
	CHECK_EQ(s.total_sites, 2);
	snapshot__free(&s);
	q.now = START + 31 * MS; /* the first mapping too, in two pieces */
	check_rows(c, q, "8192/1@3 110/10@1 100/10@2");
	q.now = START + 33 * MS;
	check_rows(c, q, "12288/2@3 110/10@1 100/10@2");
	q.now = START + 5 * MS;
	check_rows(c, q, "");
	/* What a process leaves has the age that it had at the end. */
	now = START + 29 * MS;
	happened(c, EVENT_EXIT, PID); /* at 30 ms: born by 20 */
	q.now = START + 1000 * MS;
	s = ask(c, q);
	CHECK_STR(rows(&s), "110/10@1 100/10@2");
	CHECK_EQ(s.sites[0].oldest, 28 * MS);
	CHECK_EQ(s.sites[0].newest, 10 * MS);
	snapshot__free(&s);
	q.min_age = 0;
	check_rows(c, q, "12288/2@3 110/10@1 100/10@2");
	collector__free(c);
}

/* Thousands of processes with thousands of sites are no matter. */
TEST(many_processes_and_sites)
{
	struct collector *c = plain();
	uint64_t began, took;
	struct snapshot s;

	for (uint32_t p = 0; p < 2000; p++) {
		for (uint64_t i = 0; i < 50; i++)
			allocated(c, PID + p, 16 + i * 16, p + i, i + 1);
		if (p % 2)
			happened(c, EVENT_EXIT, PID + p);
	}
	began = clock__now_ns();
	s = ask(c, (struct query){ .top = 10, .min_age = MS });
	took = clock__now_ns() - began;
	printf("# a query of 2,000 processes with 100,000 sites took %.1f ms\n",
	       (double)took / 1e6);
	CHECK_EQ(s.total_sites, 100000);
	CHECK_EQ(s.nprocesses, 2000);
	CHECK_EQ(s.sites[0].live_bytes, 1999 + 49);
	CHECK(took < 2000 * MS);
	snapshot__free(&s);
	collector__free(c);
}

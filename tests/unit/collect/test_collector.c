/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the collector books, event by event. */
#include "events.h"

/* ---- heap ---- */

TEST(alloc_and_free)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	allocated(c, PID, 0x2000, 200, 2);
	allocated(c, PID, 0x3000, 300, 2);
	freed(c, PID, 0x2000);
	freed(c, PID, 0x2000); /* reported twice: operator delete calls free */
	freed(c, PID, 0x9000); /* from before the trace */
	freed(c, PID, 0x9000);
	freed(c, PID, 0xa000);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.live_bytes, 400);
	CHECK_EQ(s.live_blocks, 2);
	CHECK_EQ(s.peak_bytes, 600);
	CHECK_EQ(s.allocs, 3);
	CHECK_EQ(s.alloc_bytes, 600);
	CHECK_EQ(s.frees, 1);
	CHECK_EQ(s.free_bytes, 200);
	CHECK_EQ(s.unmatched_frees, 2);
	CHECK_EQ(s.events, 8);
	CHECK_EQ(s.bad_events, 0);
	CHECK_EQ(s.superseded, 0);
	CHECK_STR(rows(&s), "300/1@2 100/1@1");
	CHECK_EQ(s.total_sites, 2);
	CHECK_EQ(s.sites[0].pid, PID);
	CHECK_EQ(s.sites[0].kind, API_HEAP);
	CHECK_STR(alloc_functions__get(s.sites[0].api)->name, "malloc");
	CHECK_EQ(s.sites[0].allocs, 2);
	CHECK_EQ(s.sites[0].frees, 1);
	CHECK_EQ(s.sites[0].alloc_bytes, 500);
	CHECK_EQ(s.sites[0].oldest, 5 * MS);
	CHECK_EQ(s.sites[0].newest, 5 * MS);
	CHECK_EQ(s.sites[1].oldest, 7 * MS);
	CHECK_EQ(s.nprocesses, 1);
	CHECK_EQ(s.processes[0].pid, PID);
	CHECK_EQ(s.processes[0].live_bytes, 400);
	CHECK_EQ(s.processes[0].unmatched_frees, 2);
	CHECK_EQ(s.processes[0].first_seen, START + MS);
	CHECK(!s.processes[0].exited && !s.processes[0].named && !s.processes[0].exe);
	CHECK_EQ(s.lost_stack_ids, 3);
	snapshot__free(&s);
	collector__free(c);
}

TEST(a_live_address_handed_out_again)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	allocated(c, PID, 0x1000, 50, 2);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "50/1@2");
	CHECK_EQ(s.superseded, 1);
	CHECK_EQ(s.allocs, 2);
	CHECK_EQ(s.frees, 1);
	CHECK_EQ(s.free_bytes, 100);
	CHECK_EQ(s.unmatched_frees, 0);
	CHECK_EQ(s.peak_bytes, 100);
	snapshot__free(&s);
	collector__free(c);
}

TEST(zero_sized_blocks_count)
{
	struct collector *c = plain();

	allocated(c, PID, 0x1000, 0, 1);
	check_rows(c, (struct query){ .top = 10 }, "0/1@1");
	freed(c, PID, 0x1000);
	check_rows(c, (struct query){ .top = 10 }, "");
	check_rows(c, (struct query){ .top = 0 }, "0/0@1");
	collector__free(c);
}

TEST(one_site_for_each_stack_and_function)
{
	struct collector *c = plain();

	allocated(c, PID, 0x1000, 1, 1);
	malloc_row = (uint8_t)alloc_functions__find("calloc");
	allocated(c, PID, 0x2000, 2, 1);
	malloc_row = 255; /* a row that does not exist */
	allocated(c, PID, 0x3000, 3, 1);
	check_rows(c, (struct query){ .top = 10 }, "3/1@1 2/1@1 1/1@1");
	collector__free(c);
}

TEST(sizes_beyond_belief)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, UINT64_MAX, 1);
	freed(c, PID, 0x1000);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.live_bytes, 0);
	CHECK(s.alloc_bytes == (1ull << 48) - 1 && s.free_bytes == s.alloc_bytes);
	snapshot__free(&s);
	collector__free(c);
}

/* ---- realloc ---- */

TEST(realloc_grows_moves_frees)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	reallocated(c, 0x1000, 0x1000, 150, 2, now); /* in place: now it is stack 2's */
	check_rows(c, (struct query){ .top = 10 }, "150/1@2");
	reallocated(c, 0x1000, 0x5000, 400, 3, now); /* moved */
	check_rows(c, (struct query){ .top = 10 }, "400/1@3");
	reallocated(c, 0, 0x6000, 10, 4, now); /* of NULL: a malloc */
	check_rows(c, (struct query){ .top = 10 }, "400/1@3 10/1@4");
	reallocated(c, 0x5000, 0, 0, 5, now);	    /* to size 0: a free */
	reallocated(c, 0x9000, 0x7000, 20, 6, now); /* of a block from before the trace */
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "20/1@6 10/1@4");
	CHECK_EQ(s.allocs, 5);
	CHECK_EQ(s.alloc_bytes, 680);
	CHECK_EQ(s.frees, 3);
	CHECK_EQ(s.free_bytes, 650);
	CHECK_EQ(s.unmatched_frees, 1);
	CHECK_EQ(s.superseded, 0);
	snapshot__free(&s);
	collector__free(c);
}

/* The longest life of a site's blocks, as their verdict has it. */
static uint64_t longest_life(struct collector *c, uint64_t stack)
{
	struct snapshot s = ask(c, (struct query){ .sort = SORT_BYTES });
	uint64_t longest = 0;

	for (size_t i = 0; i < s.nsites; i++)
		if (s.sites[i].stack == stack)
			longest = s.sites[i].judged.longest;
	snapshot__free(&s);
	return longest;
}

/* A block that is grown now and then is as old as its first allocation, wherever it is grown. */
TEST(realloc_keeps_a_block_s_birth)
{
	struct collector *c = plain();
	uint64_t born, life, longest;

	allocated(c, PID, 0x100, 10, 1);
	allocated(c, PID, 0x200, 10, 2);
	reallocated(c, 0x200, 0x200, 20, 2, now);
	allocated(c, PID, 0x1000, 10, 1);
	born = now;
	for (uint64_t i = 0; i < 20; i++) {
		now += 500 * MS;
		reallocated(c, 0x1000 + i * 0x1000, 0x2000 + i * 0x1000, 100 * i, i < 10 ? 1 : 2,
			    now);
	}
	CHECK_EQ(longest_life(c, 1), 0); /* nothing died */
	freed(c, PID, 0x2000 + 19 * 0x1000);
	life = now - born;
	longest = longest_life(c, 2);
	/* The beginning of a chain is rounded down, by a seventh at most. */
	CHECK(longest > life - 2 * MS && longest < life + life / 7 + 2 * MS);
	CHECK_EQ(longest_life(c, 1), 0);
	collector__free(c);
}

TEST(realloc_against_malloc)
{
	struct collector *c = plain();
	uint64_t began;
	struct snapshot s;

	/* T1's realloc moves A to B; T2's malloc gets A and is reported first. */
	allocated(c, PID, 0xa000, 100, 1);
	began = now + 1;
	allocated(c, PID, 0xa000, 7, 2);	       /* T2 */
	reallocated(c, 0xa000, 0xb000, 200, 3, began); /* T1 */
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "200/1@3 7/1@2");
	CHECK_EQ(s.allocs, 3);
	CHECK_EQ(s.frees, 1);
	CHECK_EQ(s.unmatched_frees, 0);
	CHECK_EQ(s.superseded, 0);
	snapshot__free(&s);
	freed(c, PID, 0xa000);
	freed(c, PID, 0xb000);
	/* T1: A to B, T2: C to A, T2 first; and freed to nothing. */
	allocated(c, PID, 0xa000, 100, 1);
	allocated(c, PID, 0xc000, 30, 1);
	began = now + 1;
	now += 10;
	reallocated(c, 0xc000, 0xa000, 40, 2, now);
	reallocated(c, 0xa000, 0, 0, 3, began);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "40/1@2");
	CHECK_EQ(s.allocs - s.frees, 1);
	CHECK_EQ(s.unmatched_frees, 0);
	CHECK_EQ(s.superseded, 0);
	snapshot__free(&s);
	collector__free(c);
}

/* ---- sizes outside the limits ---- */

TEST(sizes_outside_are_not_counted)
{
	struct collector *c = make(
	    (struct collector_opts){ .refresh = no_refresh, .min_size = 100, .max_size = 1000 });
	struct snapshot s;

	allocated(c, PID, 0x1000, 99, 1);
	allocated(c, PID, 0x2000, 100, 1);
	allocated(c, PID, 0x3000, 1000, 1);
	allocated(c, PID, 0x4000, 1001, 1);
	freed(c, PID, 0x1000);
	freed(c, PID, 0x2000);
	reallocated(c, 0x4000, 0x5000, 500, 2, now); /* from outside to inside */
	reallocated(c, 0x5000, 0x5000, 50, 2, now);  /* and out again */
	reallocated(c, 0x5000, 0x6000, 600, 2, now);
	allocated(c, PID, 0x7000, 5, 1);
	allocated(c, PID, 0x7000, 6, 1); /* nothing that counts was superseded */
	mapped(c, EVENT_MAP, 0, (struct event_map){ .addr = 0x100000, .len = PAGE, .stack = 9 });
	s = ask(c, (struct query){ .top = 0 });
	CHECK_STR(rows(&s), "1000/1@1 600/1@2");
	CHECK_EQ(s.allocs, 4);
	CHECK_EQ(s.alloc_bytes, 2200);
	CHECK_EQ(s.frees, 2);
	CHECK_EQ(s.free_bytes, 600);
	CHECK_EQ(s.unmatched_frees, 0);
	CHECK_EQ(s.superseded, 0);
	CHECK_EQ(s.peak_bytes, 1600);
	CHECK_EQ(s.processes[0].mapped_bytes, PAGE);
	snapshot__free(&s);
	mapped(c, EVENT_UNMAP, 0, (struct event_map){ .addr = 0x100000, .len = PAGE });
	s = ask(c, (struct query){ .top = 0 });
	CHECK_EQ(s.processes[0].mapped_bytes, 0);
	snapshot__free(&s);
	collector__free(c);
}

/* ---- bad records ---- */

TEST(records_that_are_none_of_ours)
{
	struct collector *c = plain();
	_Alignas(8) unsigned char raw[sizeof(struct event_stack) + 64] = { 0 };
	struct event *ev = (struct event *)raw;
	struct event_stack *st = (struct event_stack *)raw;
	size_t bad = 0;
	struct snapshot s;

	for (unsigned int type = 0; type < 256; type++) {
		for (size_t size = 0; size <= sizeof(raw); size++) {
			memset(raw, 0, sizeof(raw));
			*ev = (struct event){ .type = (uint8_t)type, .pid = PID, .time = START };
			/* A zero record of the right size lacks an address, but for these. */
			if ((type >= EVENT_MAP && type <= EVENT_BRK &&
			     size == sizeof(struct event_map)) ||
			    ((type == EVENT_EXEC || type == EVENT_ENTER ||
			      type == EVENT_CANDIDATE || type == EVENT_TRANSLATED) &&
			     size == sizeof(struct event_exec)) ||
			    (type == EVENT_FILES && size == sizeof(struct event_files)) ||
			    (type == EVENT_CODE && size == sizeof(struct event_code)) ||
			    (type == EVENT_EXIT && size == sizeof(*ev)))
				continue;
			CHECK_EQ(collector__event(c, raw, size), -EINVAL);
			bad++;
		}
	}
	memset(raw, 0, sizeof(raw));
	*st = (struct event_stack){ .ev = head(EVENT_STACK, PID),
				    .id = 1,
				    .n = EVENT_MAX_FRAMES + 1 };
	CHECK_EQ(collector__event(c, raw, EVENT_STACK_HEAD + (EVENT_MAX_FRAMES + 1) * 8), -EINVAL);
	st->n = 2;
	CHECK_EQ(collector__event(c, raw, EVENT_STACK_HEAD + 8), -EINVAL);
	CHECK_EQ(collector__event(c, raw, EVENT_STACK_HEAD + 24), -EINVAL);
	st->end = STACK_ENDS;
	CHECK_EQ(collector__event(c, raw, EVENT_STACK_HEAD + 16), -EINVAL);
	st->end = STACK_COMPLETE;
	CHECK_EQ(collector__event(c, raw, EVENT_STACK_HEAD + 16), 0);
	ev->pid = 0;
	CHECK_EQ(collector__event(c, raw, EVENT_STACK_HEAD + 16), -EINVAL);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.bad_events, bad + 5);
	CHECK_EQ(s.events, 1);
	CHECK_EQ(s.live_bytes, 0);
	snapshot__free(&s);
	collector__free(c);
}

/* A thread that ends: glibc frees block by block what its cache of freed blocks holds. */
TEST(a_thread_gives_back_its_cache)
{
	enum { THREADS = 20, CACHED = 300 };
	struct collector *c = plain();
	uint64_t first = 0;
	struct snapshot s;

	for (uint64_t t = 0; t < THREADS; t++) {
		uint64_t base = 0x100000 * (t + 1);

		for (uint64_t i = 0; i < CACHED; i++)
			allocated(c, PID, base + i * 32, 24, 1);
		for (uint64_t i = 0; i < CACHED; i++)
			freed(c, PID, base + i * 32);
		freed(c, PID, 0x9000000 + t * 32); /* older than the tracing */
		for (uint64_t i = 0; i < CACHED; i++)
			freed(c, PID, base + i * 32);
		if (t)
			continue;
		s = ask(c, (struct query){ .top = 0 });
		first = s.unmatched_frees;
		snapshot__free(&s);
	}
	s = ask(c, (struct query){ .top = 0 });
	CHECK_EQ(s.frees, THREADS * CACHED);
	CHECK(first <= CACHED + 1);
	/* The first thread was no warning; of the others, a few are forgotten because they share a
	 * slot. */
	CHECK(s.unmatched_frees >= first + THREADS - 1);
	CHECK(s.unmatched_frees < first + THREADS - 1 + THREADS * CACHED / 20);
	snapshot__free(&s);
	collector__free(c);
}

/* operator delete passes the block on to free, and both are probed. */
TEST(a_free_that_is_reported_twice)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 10, 1);
	freed(c, PID, 0x1000);
	freed(c, PID, 0x1000);
	freed(c, PID, 0x9000); /* older than the tracing */
	freed(c, PID, 0x9000);
	freed(c, PID, 0x9000);
	allocated(c, PID, 0x1000, 20, 1);
	freed(c, PID, 0x1000);
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.frees, 2);
	CHECK_EQ(s.free_bytes, 30);
	CHECK_EQ(s.unmatched_frees, 1);
	CHECK_EQ(s.live_blocks, 0);
	snapshot__free(&s);
	collector__free(c);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mappings, the break and shared memory, as the collector books them. */
#include "events.h"

TEST(maps_by_site)
{
	struct collector *c = plain();
	struct snapshot s;

	mapped(c, EVENT_MAP, 0,
	       (struct event_map){ .addr = 0x100000, .len = 10 * PAGE, .stack = 1 });
	mapped(c, EVENT_MAP, EVENT_F_FILE,
	       (struct event_map){ .addr = 0x50000, .len = 100, .stack = 1 });
	mapped(c, EVENT_MAP, EVENT_F_ALLOCATOR,
	       (struct event_map){ .addr = 0x200000, .len = 5 * PAGE, .stack = 1 });
	allocated(c, PID, 0x200010, 50, 1);
	mapped(c, EVENT_UNMAP, 0, (struct event_map){ .addr = 0x103000, .len = 2 * PAGE });
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "32768/1@1 4096/1@1 50/1@1");
	CHECK_EQ(s.sites[0].kind, API_MAP);
	CHECK_EQ(s.sites[0].api, API_MMAP);
	CHECK_EQ(s.sites[0].map_flags, 0);
	CHECK_EQ(s.sites[0].map_addr, 0x100000);
	CHECK_EQ(s.sites[0].alloc_bytes, 10 * PAGE);
	CHECK_EQ(s.sites[0].allocs, 1);
	CHECK_EQ(s.sites[0].oldest, 4 * MS);
	CHECK_EQ(s.sites[1].map_flags, EVENT_F_FILE);
	CHECK_EQ(s.sites[1].map_addr, 0x50000);
	/* The totals are the heap's: what is mapped stands beside it. */
	CHECK_EQ(s.live_bytes, 50);
	CHECK_EQ(s.live_blocks, 1);
	CHECK_EQ(s.peak_bytes, 50);
	CHECK_EQ(s.rest_bytes, 0);
	CHECK_EQ(s.allocs, 1);
	CHECK_EQ(s.processes[0].allocator_bytes, 5 * PAGE);
	CHECK_EQ(s.processes[0].mapped_bytes, 9 * PAGE);
	snapshot__free(&s);
	/* The kinds asked for are what the totals cover. */
	s = ask(c, (struct query){ .top = 10, .heap = true });
	CHECK_STR(rows(&s), "50/1@1");
	CHECK_EQ(s.live_bytes, 50);
	CHECK_EQ(s.processes[0].live_bytes, 50);
	CHECK_EQ(s.processes[0].mapped_bytes, 9 * PAGE);
	snapshot__free(&s);
	s = ask(c, (struct query){ .top = 10, .map = true });
	CHECK_EQ(s.live_bytes, 9 * PAGE);
	CHECK_EQ(s.total_sites, 2);
	snapshot__free(&s);
	/* Whoever unmaps what the allocator holds, it holds less. */
	mapped(c, EVENT_UNMAP, 0, (struct event_map){ .addr = 0x200000, .len = 2 * PAGE });
	mapped(c, EVENT_UNMAP, EVENT_F_ALLOCATOR,
	       (struct event_map){ .addr = 0x100000, .len = 3 * PAGE });
	s = ask(c, (struct query){ .top = 10 });
	CHECK_EQ(s.processes[0].allocator_bytes, 3 * PAGE);
	CHECK_EQ(s.processes[0].mapped_bytes, 6 * PAGE);
	snapshot__free(&s);
	collector__free(c);
}

TEST(mremap_keeps_the_site)
{
	struct collector *c = plain();
	struct snapshot s;

	mapped(c, EVENT_MAP, 0, (struct event_map){ .addr = 0x100000, .len = PAGE, .stack = 1 });
	mapped(
	    c, EVENT_REMAP, 0,
	    (struct event_map){
		.old = 0x100000, .old_len = PAGE, .addr = 0x300000, .len = 3 * PAGE, .stack = 2 });
	mapped(
	    c, EVENT_REMAP, 0,
	    (struct event_map){
		.old = 0x900000, .old_len = PAGE, .addr = 0x910000, .len = 3 * PAGE, .stack = 2 });
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "12288/1@1");
	CHECK_EQ(s.sites[0].oldest, 2 * MS);
	CHECK_EQ(s.sites[0].map_addr, 0x300000);
	snapshot__free(&s);
	mapped(c, EVENT_REMAP, EVENT_F_DONTUNMAP,
	       (struct event_map){
		   .old = 0x300000, .old_len = 3 * PAGE, .addr = 0x400000, .len = 3 * PAGE });
	check_rows(c, (struct query){ .top = 10 }, "24576/2@1");
	collector__free(c);
}

TEST(munmap_against_mmap)
{
	struct collector *c = plain();
	uint64_t began;

	mapped(c, EVENT_MAP, 0, (struct event_map){ .addr = 0x100000, .len = PAGE, .stack = 1 });
	began = now + 1;
	mapped(c, EVENT_MAP, 0, (struct event_map){ .addr = 0x100000, .len = PAGE, .stack = 2 });
	mapped(c, EVENT_UNMAP, 0,
	       (struct event_map){ .addr = 0x100000, .len = PAGE, .began = began });
	check_rows(c, (struct query){ .top = 10 }, "4096/1@2");
	collector__free(c);
}

TEST(brk)
{
	struct collector *c = plain();
	struct snapshot s;

	mapped(c, EVENT_BRK, 0, (struct event_map){ .addr = 0x10100, .old = 0, .stack = 1 });
	check_rows(c, (struct query){ .top = 10 }, "");
	/* Within the page that is mapped already, then over its border. */
	mapped(c, EVENT_BRK, 0, (struct event_map){ .addr = 0x10200, .old = 0x10100, .stack = 1 });
	check_rows(c, (struct query){ .top = 10 }, "");
	mapped(c, EVENT_BRK, 0, (struct event_map){ .addr = 0x12200, .old = 0x10200, .stack = 1 });
	mapped(c, EVENT_BRK, EVENT_F_ALLOCATOR,
	       (struct event_map){ .addr = 0x20000, .old = 0x12200 });
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "8192/1@1");
	CHECK_EQ(s.sites[0].api, API_BRK);
	CHECK_EQ(s.processes[0].allocator_bytes, 0x20000 - 0x13000);
	snapshot__free(&s);
	mapped(c, EVENT_BRK, EVENT_F_ALLOCATOR,
	       (struct event_map){ .addr = 0x12000, .old = 0x20000 });
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "4096/1@1");
	CHECK_EQ(s.processes[0].allocator_bytes, 0);
	snapshot__free(&s);
	collector__free(c);
}

TEST(shared_memory)
{
	struct collector *c = plain();
	struct snapshot s;

	mapped(c, EVENT_MAP, EVENT_F_SHM,
	       (struct event_map){ .addr = 0x100000, .len = 4 * PAGE, .stack = 1 });
	s = ask(c, (struct query){ .top = 10 });
	CHECK_STR(rows(&s), "16384/1@1");
	CHECK_EQ(s.sites[0].api, API_SHMAT);
	CHECK_EQ(s.sites[0].map_flags, EVENT_F_SHM);
	snapshot__free(&s);
	mapped(c, EVENT_UNMAP, EVENT_F_SHM, (struct event_map){ .addr = 0x100000 });
	check_rows(c, (struct query){ .top = 10 }, "");
	collector__free(c);
}

static int one_segment(void *ctx, struct mappings *sp, struct modules *modules)
{
	static const char maps[] = "00100000-00103000 rw-s 00000000 00:01 7 /SYSV00000000\n";

	(void)ctx;
	return mappings__parse(sp, modules, maps, strlen(maps));
}

TEST(shared_memory_of_unknown_length)
{
	struct collector *c = make((struct collector_opts){ .refresh = one_segment });

	mapped(c, EVENT_MAP, EVENT_F_SHM, (struct event_map){ .addr = 0x100000, .stack = 1 });
	mapped(c, EVENT_MAP, EVENT_F_SHM, (struct event_map){ .addr = 0x101000, .stack = 2 });
	mapped(c, EVENT_MAP, EVENT_F_SHM, (struct event_map){ .addr = 0x200000, .stack = 2 });
	check_rows(c, (struct query){ .top = 10 }, "12288/1@1");
	mapped(c, EVENT_UNMAP, EVENT_F_SHM, (struct event_map){ .addr = 0x100000 });
	check_rows(c, (struct query){ .top = 10 }, "");
	collector__free(c);
}

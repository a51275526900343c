/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/ranges.h"

#include <stdbool.h>
#include <time.h>

#include "abi/event.h"

#include "test.h"

#define PAGE 4096
#define SITES 4
#define EVER UINT64_MAX

struct sums {
	int64_t bytes[SITES + 1], blocks[SITES + 1]; /* the last: RANGE_ALLOCATOR */
};

static void on_change(void *ctx, const struct range *r, int64_t bytes, int blocks)
{
	struct sums *s = ctx;
	uint32_t site = r->site == RANGE_ALLOCATOR ? SITES : r->site;

	s->bytes[site] += bytes;
	s->blocks[site] += blocks;
}

/* Pages stand for addresses. */
static void map(struct ranges *l, uint64_t page, uint64_t pages, uint64_t birth, uint32_t site)
{
	struct range r = { page * PAGE, (page + pages) * PAGE, birth, site, 0, 0 };

	CHECK_EQ(ranges__map(l, &r), 0);
}

static void unmap(struct ranges *l, uint64_t page, uint64_t pages, uint64_t began)
{
	CHECK_EQ(ranges__unmap(l, page * PAGE, (page + pages) * PAGE, began), 0);
}

static void remap(struct ranges *l, uint64_t old, uint64_t old_pages, uint64_t page, uint64_t pages)
{
	CHECK_EQ(
	    ranges__remap(l, old * PAGE, old_pages * PAGE, page * PAGE, pages * PAGE, EVER, false),
	    0);
}

/* "10+4:1 20+2:0": page, pages and site of each range. */
static void check_ranges(const struct ranges *l, const char *want)
{
	char got[1024] = "", *p = got;
	size_t cursor = 0;
	struct range r;

	while (ranges__next(l, &cursor, &r))
		p += snprintf(p, sizeof(got) - (size_t)(p - got), "%s%d+%d:%d", p == got ? "" : " ",
			      (int)(r.start / PAGE), (int)((r.end - r.start) / PAGE), (int)r.site);
	CHECK_STR(got, want);
}

TEST(map_and_unmap_whole)
{
	struct sums s = { 0 };
	struct ranges *l = ranges__new(on_change, &s);

	map(l, 10, 4, 100, 1);
	map(l, 20, 2, 100, RANGE_ALLOCATOR);
	CHECK_EQ(s.bytes[1], 4 * PAGE);
	CHECK_EQ(s.blocks[1], 1);
	CHECK_EQ(s.bytes[SITES], 2 * PAGE);
	check_ranges(l, "10+4:1 20+2:-1");
	unmap(l, 10, 4, 200);
	CHECK_EQ(s.bytes[1], 0);
	CHECK_EQ(s.blocks[1], 0);
	CHECK_EQ(ranges__count(l), 1);
	unmap(l, 0, 10000, 200);
	CHECK_EQ(s.bytes[SITES], 0);
	CHECK_EQ(s.blocks[SITES], 0);
	unmap(l, 0, 10000, 200);
	CHECK_EQ(ranges__count(l), 0);
	ranges__free(l);
	ranges__free(NULL);
}

TEST(partial_unmap)
{
	struct sums s = { 0 };
	struct ranges *l = ranges__new(on_change, &s);

	map(l, 10, 10, 1, 0);
	unmap(l, 10, 2, EVER); /* head */
	check_ranges(l, "12+8:0");
	unmap(l, 18, 5, EVER); /* tail */
	check_ranges(l, "12+6:0");
	CHECK_EQ(s.blocks[0], 1);
	unmap(l, 14, 1, EVER); /* middle: two pieces, one mapping */
	check_ranges(l, "12+2:0 15+3:0");
	CHECK_EQ(s.bytes[0], 5 * PAGE);
	CHECK_EQ(s.blocks[0], 1);
	unmap(l, 12, 2, EVER);
	CHECK_EQ(s.blocks[0], 1);
	unmap(l, 15, 3, EVER);
	CHECK_EQ(s.blocks[0], 0);
	CHECK_EQ(s.bytes[0], 0);
	ranges__free(l);
}

TEST(fixed_replaces_what_overlaps)
{
	struct sums s = { 0 };
	struct ranges *l = ranges__new(on_change, &s);

	map(l, 10, 4, 1, 0);
	map(l, 14, 4, 1, 1);
	map(l, 18, 4, 1, 2);
	map(l, 12, 8, 2, 3);
	check_ranges(l, "10+2:0 12+8:3 20+2:2");
	CHECK_EQ(s.blocks[0], 1);
	CHECK_EQ(s.blocks[1], 0);
	CHECK_EQ(s.blocks[2], 1);
	CHECK_EQ(s.bytes[2], 2 * PAGE);
	CHECK_EQ(s.bytes[3], 8 * PAGE);
	map(l, 10, 12, 3, 0);
	check_ranges(l, "10+12:0");
	CHECK_EQ(s.blocks[0], 1);
	CHECK_EQ(s.blocks[3], 0);
	ranges__free(l);
}

TEST(rounds_out_to_pages)
{
	struct sums s = { 0 };
	struct ranges *l = ranges__new(on_change, &s);
	struct range r = { 0x1010, 0x2001, 1, 0, 0, 0 };

	ranges__map(l, &r);
	check_ranges(l, "1+2:0");
	ranges__unmap(l, 0x2000, 0x2001, EVER);
	check_ranges(l, "1+1:0");
	r = (struct range){ 0x5000, 0x5000, 1, 0, 0, 0 };
	ranges__map(l, &r);
	r = (struct range){ UINT64_MAX - 5, UINT64_MAX, 1, 0, 0, 0 };
	ranges__map(l, &r);
	r = (struct range){ 0x9000, 0x8000, 1, 0, 0, 0 };
	ranges__map(l, &r);
	check_ranges(l, "1+1:0");
	r = (struct range){ 0x10000, UINT64_MAX, 1, 1, 0, 0 };
	ranges__map(l, &r);
	CHECK_EQ(s.bytes[1], (1ll << 57) - 0x10000);
	ranges__unmap(l, 0, UINT64_MAX, EVER);
	CHECK_EQ(s.bytes[1], 0);
	CHECK_EQ(ranges__count(l), 0);
	ranges__free(l);
}

TEST(a_call_spares_what_is_younger)
{
	struct sums s = { 0 };
	struct ranges *l = ranges__new(on_change, &s);

	map(l, 10, 4, 100, 0);
	map(l, 14, 4, 200, 1);
	unmap(l, 8, 20, 150); /* began before the second was mapped */
	check_ranges(l, "14+4:1");
	unmap(l, 15, 1, 199); /* nor is it cut */
	check_ranges(l, "14+4:1");
	CHECK_EQ(ranges__remap(l, 14 * PAGE, 4 * PAGE, 40 * PAGE, 4 * PAGE, 199, false), 0);
	check_ranges(l, "14+4:1");
	unmap(l, 15, 1, 200);
	check_ranges(l, "14+1:1 16+2:1");
	ranges__free(l);
}

TEST(remap_grows_shrinks_moves)
{
	struct sums s = { 0 };
	struct ranges *l = ranges__new(on_change, &s);

	map(l, 10, 4, 1, 2);
	remap(l, 10, 4, 10, 6); /* in place */
	check_ranges(l, "10+6:2");
	remap(l, 10, 6, 10, 3);
	check_ranges(l, "10+3:2");
	remap(l, 10, 3, 50, 8); /* moved and grown */
	check_ranges(l, "50+8:2");
	remap(l, 50, 8, 20, 2); /* moved and shrunk */
	check_ranges(l, "20+2:2");
	CHECK_EQ(s.bytes[2], 2 * PAGE);
	CHECK_EQ(s.blocks[2], 1);
	remap(l, 90, 4, 95, 8); /* never seen: stays unknown */
	check_ranges(l, "20+2:2");
	map(l, 30, 2, 1, 1);
	remap(l, 20, 2, 30, 2); /* onto another, which is replaced */
	check_ranges(l, "30+2:2");
	CHECK_EQ(s.blocks[1], 0);
	remap(l, 28, 6, 38, 8); /* only the middle of it was seen, not its end */
	check_ranges(l, "40+2:2");
	ranges__free(l);
}

TEST(remap_of_a_part)
{
	struct sums s = { 0 };
	struct ranges *l = ranges__new(on_change, &s);

	map(l, 10, 6, 1, 0);
	remap(l, 12, 2, 30, 3); /* the middle goes elsewhere and grows: still one mapping */
	check_ranges(l, "10+2:0 14+2:0 30+3:0");
	CHECK_EQ(s.blocks[0], 1);
	CHECK_EQ(s.bytes[0], 7 * PAGE);
	unmap(l, 10, 6, EVER);
	CHECK_EQ(s.blocks[0], 1);
	unmap(l, 30, 3, EVER);
	CHECK_EQ(s.blocks[0], 0);
	/* Two neighbours in one call, as the kernel sees one area. */
	map(l, 10, 2, 1, 0);
	map(l, 12, 2, 1, 1);
	remap(l, 10, 4, 20, 6);
	check_ranges(l, "20+2:0 22+4:1");
	ranges__free(l);
}

TEST(remap_that_keeps_the_old)
{
	struct sums s = { 0 };
	struct ranges *l = ranges__new(on_change, &s);
	struct range r;
	size_t cursor = 0;

	map(l, 10, 4, 77, 1);
	CHECK_EQ(ranges__remap(l, 10 * PAGE, 4 * PAGE, 20 * PAGE, 4 * PAGE, EVER, true), 0);
	check_ranges(l, "10+4:1 20+4:1");
	CHECK_EQ(s.blocks[1], 2);
	CHECK_EQ(ranges__remap(l, 10 * PAGE, 0, 30 * PAGE, 2 * PAGE, EVER, false), 0);
	check_ranges(l, "10+4:1 20+4:1 30+2:1");
	CHECK_EQ(s.bytes[1], 10 * PAGE);
	while (ranges__next(l, &cursor, &r))
		CHECK_EQ(r.birth, 77);
	CHECK_EQ(ranges__remap(l, 50 * PAGE, 0, 60 * PAGE, 2 * PAGE, EVER, false), 0);
	CHECK_EQ(ranges__count(l), 3);
	ranges__free(l);
}

TEST(detach_takes_the_whole_segment)
{
	struct sums s = { 0 };
	struct ranges *l = ranges__new(on_change, &s);
	struct range shm = { 10 * PAGE, 20 * PAGE, 5, 1, EVENT_F_SHM, 0 };

	ranges__map(l, &shm);
	map(l, 20, 2, 5, 0);
	unmap(l, 12, 2, EVER);
	map(l, 12, 2, 6, 2); /* somebody else's, in the gap */
	CHECK_EQ(ranges__detach(l, 12 * PAGE, EVER), 0);
	CHECK_EQ(ranges__detach(l, 20 * PAGE, EVER), 0);
	check_ranges(l, "10+2:1 12+2:2 14+6:1 20+2:0");
	CHECK_EQ(ranges__detach(l, 10 * PAGE, 4), 0); /* began before it was attached */
	CHECK_EQ(ranges__count(l), 4);
	unmap(l, 10, 1, EVER); /* its head is gone, its address stays its name */
	CHECK_EQ(ranges__detach(l, 10 * PAGE, EVER), 0);
	check_ranges(l, "12+2:2 20+2:0");
	shm = (struct range){ 30 * PAGE, 34 * PAGE, 5, 1, EVENT_F_SHM, 0 };
	ranges__map(l, &shm);
	remap(l, 30, 4, 50, 4); /* a new address, a new name */
	CHECK_EQ(ranges__detach(l, 50 * PAGE, EVER), 0);
	check_ranges(l, "12+2:2 20+2:0");
	CHECK_EQ(s.bytes[1], 0);
	CHECK_EQ(s.blocks[1], 0);
	ranges__free(l);
}

TEST(parts_are_counted)
{
	struct sums s = { 0 };
	struct ranges *l = ranges__new(on_change, &s);
	struct range r;
	size_t cursor = 0;

	map(l, 10, 5, 1, 0);
	CHECK(ranges__next(l, &cursor, &r) && r.parts == 1);
	unmap(l, 12, 1, EVER);
	cursor = 0;
	CHECK(ranges__next(l, &cursor, &r) && r.parts == 2);
	CHECK(ranges__next(l, &cursor, &r) && r.parts == 2);
	unmap(l, 10, 2, EVER);
	cursor = 0;
	CHECK(ranges__next(l, &cursor, &r) && r.parts == 1);
	ranges__free(l);
}

/* ---- against a model: an array of pages ---- */

#define PAGES 3000
#define MAPPINGS 200000

struct model {
	uint32_t page[PAGES];
	uint32_t site[MAPPINGS];
	uint64_t birth[MAPPINGS];
	uint32_t mappings;
};

static void model_fill(struct model *m, uint64_t page, uint64_t pages, uint32_t mapping)
{
	for (uint64_t i = page; i < page + pages; i++)
		m->page[i] = mapping;
}

static void model_unmap(struct model *m, uint64_t page, uint64_t pages, uint64_t began)
{
	for (uint64_t i = page; i < page + pages; i++)
		if (m->birth[m->page[i]] <= began)
			m->page[i] = 0;
}

static void model_remap(struct model *m, uint64_t old, uint64_t old_pages, uint64_t page,
			uint64_t pages, uint64_t began)
{
	uint32_t moved[PAGES] = { 0 }, last = m->page[old + old_pages - 1];
	uint64_t n = old_pages < pages ? old_pages : pages;

	for (uint64_t i = 0; i < n; i++)
		if (m->birth[m->page[old + i]] <= began)
			moved[i] = m->page[old + i];
	for (uint64_t i = n; i < pages; i++)
		moved[i] = m->birth[last] <= began ? last : 0;
	model_unmap(m, old, old_pages, began);
	for (uint64_t i = 0; i < pages; i++)
		m->page[page + i] = moved[i];
}

static void check_model(const struct model *m, const struct ranges *l, const struct sums *s)
{
	static bool seen[MAPPINGS];
	struct sums want = { 0 }, listed = { 0 };
	double parts[SITES] = { 0 };
	uint64_t end = 0;
	size_t cursor = 0, n = 0;
	struct range r;

	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < PAGES; i++) {
		uint32_t id = m->page[i];

		if (!id)
			continue;
		want.bytes[m->site[id]] += PAGE;
		want.blocks[m->site[id]] += !seen[id];
		seen[id] = true;
	}
	for (; ranges__next(l, &cursor, &r); n++) {
		CHECK(r.start >= end && r.start < r.end);
		end = r.end;
		listed.bytes[r.site] += (int64_t)(r.end - r.start);
		parts[r.site] += 1.0 / r.parts;
		for (uint64_t i = r.start / PAGE; i < r.end / PAGE; i++)
			CHECK(m->page[i] && m->site[m->page[i]] == r.site &&
			      m->birth[m->page[i]] == r.birth);
	}
	CHECK_EQ(ranges__count(l), n);
	for (int i = 0; i < SITES; i++) {
		listed.blocks[i] = (int64_t)(parts[i] + 0.5);
		CHECK_EQ(s->bytes[i], want.bytes[i]);
		CHECK_EQ(s->blocks[i], want.blocks[i]);
		CHECK_EQ(listed.bytes[i], want.bytes[i]);
		CHECK_EQ(listed.blocks[i], want.blocks[i]);
	}
}

static uint64_t x = 7;

static uint64_t below(uint64_t n)
{
	x = x * 6364136223846793005 + 1442695040888963407;
	return (x >> 24) % n;
}

TEST(random_against_model)
{
	static struct model m;
	struct sums s = { 0 };
	struct ranges *l = ranges__new(on_change, &s);

	for (uint64_t now = 1; now < 60000; now++) {
		uint64_t most = now % 20000 < 10000 ? 8 : 300;
		uint64_t pages = 1 + below(most), page = below(PAGES - pages);
		uint64_t old_pages = 1 + below(most), old = below(PAGES - old_pages);
		uint64_t began = now - (below(4) ? 0 : below(400) % now);
		uint32_t site = (uint32_t)below(SITES);

		switch (below(5)) {
		case 0:
		case 1:
			map(l, page, pages, now, site);
			m.site[++m.mappings] = site;
			m.birth[m.mappings] = now;
			model_fill(&m, page, pages, m.mappings);
			break;
		case 2:
		case 3:
			unmap(l, page, pages, began);
			model_unmap(&m, page, pages, began);
			break;
		case 4:
			/* The kernel moves to somewhere else, or changes the size in place. */
			if (below(3) == 0) {
				page = old;
				if (page + pages > PAGES)
					pages = PAGES - page;
				began = now;
			} else if (page < old + old_pages && old < page + pages) {
				continue;
			}
			CHECK_EQ(ranges__remap(l, old * PAGE, old_pages * PAGE, page * PAGE,
					       pages * PAGE, began, false),
				 0);
			model_remap(&m, old, old_pages, page, pages, began);
			break;
		}
		if (now % 100 == 0)
			check_model(&m, l, &s);
	}
	ranges__free(l);
}

/* A hundred thousand ranges, in the order in which the kernel gives addresses out: downwards. */
TEST(many_ranges_are_fast)
{
	struct sums s = { 0 };
	struct ranges *l = ranges__new(on_change, &s);
	clock_t began = clock();
	double seconds;

	for (uint64_t i = 0; i < 100000; i++)
		map(l, 1000000 - i * 2, 1, i, i % SITES);
	for (uint64_t i = 0; i < 200000; i++) {
		uint64_t page = 1000000 - below(100000) * 2;

		unmap(l, page, 1, EVER);
		map(l, page, 1, i, i % SITES);
	}
	CHECK_EQ(ranges__count(l), 100000);
	CHECK_EQ(s.bytes[0] + s.bytes[1] + s.bytes[2] + s.bytes[3], 100000ll * PAGE);
	seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
	printf("# half a million calls at 100,000 ranges took %.3f s\n", seconds);
	CHECK(seconds < 5);
	ranges__free(l);
}

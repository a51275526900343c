/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slices never overlap, and neither a place nor an id is reused before it is safe. */
#include "test.h"

#include <errno.h>
#include <stdbool.h>

#include "unwind/slices.h"

static struct unwind_mapping all[UNWIND_MAX_MAPPINGS];

static struct unwind_mapping maps[UNWIND_MAX_MAPPINGS];

static struct slice add_slice(struct slices *s, size_t n, uint64_t mark)
{
	struct slice out = { 0 };

	for (size_t i = 0; i < n; i++)
		maps[i].start = mark + i;
	CHECK_EQ(slices__add(s, maps, n, &out), 0);
	CHECK_EQ(out.n, n);
	CHECK(out.id != 0);
	CHECK_EQ(all[out.first + n - 1].start, mark + n - 1);
	return out;
}

TEST(slices_follow_each_other)
{
	struct slices *s = slices__new(all);
	struct slice a = add_slice(s, 10, 1000), b = add_slice(s, 20, 2000), c;

	CHECK_EQ(a.first, 0);
	CHECK_EQ(b.first, 10);
	CHECK(a.id != b.id);
	slices__release(s, a.id);
	c = add_slice(s, 5, 3000);
	CHECK_EQ(c.first, 30);
	CHECK_EQ(all[0].start, 1000);
	slices__settle(s);
	c = add_slice(s, 10, 4000);
	CHECK_EQ(c.first, 0);
	CHECK(c.id != a.id && c.id != b.id);
	CHECK_EQ(all[10].start, 2000);
	slices__free(s);
}

TEST(a_full_array)
{
	struct slices *s = slices__new(all);
	struct slice a = add_slice(s, UNWIND_MAX_MAPPINGS / 2, 0),
		     b = add_slice(s, UNWIND_MAX_MAPPINGS / 2, 0), c;

	CHECK_EQ(slices__add(s, maps, 1, &c), -ENOSPC);
	slices__release(s, b.id);
	CHECK_EQ(slices__add(s, maps, 1, &c), -ENOSPC);
	slices__settle(s);
	CHECK_EQ(slices__add(s, maps, 1, &c), 0);
	CHECK_EQ(c.first, a.n);
	CHECK_EQ(slices__add(s, maps, UNWIND_MAX_MAPPINGS, &c), -ENOSPC);
	slices__free(s);
}

TEST(ids_run_out_until_they_are_reset)
{
	struct slices *s = slices__new(all);
	struct slice keep = add_slice(s, 1, 0), c = { 0 };

	for (uint32_t i = 1; i < UNWIND_MAX_ID; i++) {
		c = add_slice(s, 1, 0);
		CHECK_EQ(c.id, i + 1);
		slices__release(s, c.id);
		slices__settle(s);
	}
	CHECK_EQ(slices__add(s, maps, 1, &c), -ENOSR);
	slices__reset_ids(s);
	c = add_slice(s, 1, 0);
	CHECK_EQ(keep.id, 1);
	CHECK_EQ(c.id, 2);
	slices__free(s);
}

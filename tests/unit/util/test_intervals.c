/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"
#include "util/intervals.h"

TEST(the_innermost_range_is_found)
{
	struct intervals t = { 0 };

	CHECK(!intervals__find(&t, 0));
	CHECK_EQ(intervals__add(&t, 100, 200, 1), 0);
	CHECK_EQ(intervals__add(&t, 120, 150, 2), 0);
	CHECK_EQ(intervals__add(&t, 120, 130, 3), 0);
	CHECK_EQ(intervals__add(&t, 50, 50, 4), 0); /* empty */
	CHECK_EQ(intervals__add(&t, 60, 40, 5), 0); /* and worse */
	CHECK_EQ(intervals__add(&t, UINT64_MAX - 1, UINT64_MAX, 6), 0);
	intervals__sort(&t);
	CHECK_EQ(t.n, 4);
	CHECK(!intervals__find(&t, 50));
	CHECK(!intervals__find(&t, 99));
	CHECK_EQ(intervals__find(&t, 100)->value, 1);
	CHECK_EQ(intervals__find(&t, 120)->value, 3);
	CHECK_EQ(intervals__find(&t, 129)->value, 3);
	CHECK_EQ(intervals__find(&t, 130)->value, 2);
	CHECK_EQ(intervals__find(&t, 150)->value, 1);
	CHECK_EQ(intervals__find(&t, 199)->value, 1);
	CHECK(!intervals__find(&t, 200));
	CHECK_EQ(intervals__find(&t, UINT64_MAX - 1)->value, 6);
	CHECK(!intervals__find(&t, UINT64_MAX));
	intervals__free(&t);
	CHECK(!intervals__find(&t, 100));
}

TEST(any_ranges)
{
	uint64_t seed = 5;

	for (int round = 0; round < 300; round++) {
		struct interval all[40];
		struct intervals t = { 0 };
		int n = round % 40;

		for (int i = 0; i < n; i++) {
			seed = seed * 6364136223846793005 + 1442695040888963407;
			all[i].lo = (seed >> 33) % 200;
			all[i].hi = all[i].lo + (seed >> 45) % 50 + 1;
			intervals__add(&t, all[i].lo, all[i].hi, (uint32_t)i);
		}
		intervals__sort(&t);
		for (uint64_t a = 0; a < 260; a++) {
			const struct interval *got = intervals__find(&t, a), *want = NULL;

			for (int i = 0; i < n; i++) {
				if (a < all[i].lo || a >= all[i].hi)
					continue;
				if (!want || all[i].lo > want->lo ||
				    (all[i].lo == want->lo && all[i].hi < want->hi))
					want = &all[i];
			}
			if (!got != !want || (got && (got->lo != want->lo || got->hi != want->hi)))
				CHECK(!"the innermost is found");
		}
		intervals__free(&t);
	}
}

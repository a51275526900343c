/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/pace.h"

#include "test.h"

#define SECOND 1000000000ull

/* How often it is done within `time`, if it takes `cost` and is wanted all the time. */
static unsigned int times(uint64_t time, uint64_t cost)
{
	const uint64_t start = 5000 * SECOND;
	struct pace p = { 0 };
	unsigned int n = 0;

	for (uint64_t now = start; now < start + time; n++) {
		pace__took(&p, now, now + cost);
		now += cost;
		now = pace__next(&p) > now ? pace__next(&p) : now;
	}
	return n;
}

TEST(what_was_never_done_may_be_done)
{
	struct pace p = { 0 };

	CHECK_EQ(pace__next(&p), 0);
	pace__took(&p, SECOND, SECOND);
	CHECK(pace__next(&p) <= SECOND);
}

TEST(a_burst_and_then_ten_times_a_second)
{
	unsigned int n = times(10 * SECOND, 1000);

	CHECK(n >= 100);
	CHECK(n <= 100 + PACE_BURST);
}

TEST(what_takes_long_takes_a_fifth_of_the_time)
{
	unsigned int n = times(100 * SECOND, SECOND / 2);

	CHECK(n >= 38);
	CHECK(n <= 42);
}

TEST(what_was_not_used_is_not_saved_up)
{
	struct pace p = { 0 };
	unsigned int n = 0;

	pace__took(&p, SECOND, SECOND);
	for (; pace__next(&p) <= 1000 * SECOND; n++)
		pace__took(&p, 1000 * SECOND, 1000 * SECOND);
	CHECK_EQ(n, PACE_BURST);
}

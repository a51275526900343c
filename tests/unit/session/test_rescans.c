/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/rescans.h"

#include "util/pace.h"

#include "test.h"

#define MS 1000000ull

TEST(a_look_covers_what_happened_before_it_began)
{
	struct rescans *rs = rescans__new();

	CHECK(!rescans__covers(rs, 7, 0));
	rescans__took(rs, 7, 100, 200);
	CHECK(rescans__covers(rs, 7, 99));
	CHECK(!rescans__covers(rs, 7, 150)); /* it may have been missed */
	CHECK(!rescans__covers(rs, 8, 99));
	rescans__forget(rs, 7);
	CHECK(!rescans__covers(rs, 7, 99));
	rescans__free(rs);
}

/* Looks at a process until that would be too often. */
static void exhaust(struct rescans *rs, uint32_t pid, uint64_t now)
{
	for (int i = 0; i < PACE_BURST; i++) {
		CHECK(rescans__may(rs, pid, now));
		rescans__took(rs, pid, now, now);
	}
}

TEST(a_look_too_many_is_postponed)
{
	const uint64_t now = 1000 * MS;
	struct rescans *rs = rescans__new();

	exhaust(rs, 7, now);
	exhaust(rs, 8, now + 50 * MS);
	CHECK_EQ(rescans__next(rs), UINT64_MAX);
	CHECK(!rescans__may(rs, 7, now));
	CHECK(!rescans__may(rs, 7, now)); /* it waits once */
	CHECK(!rescans__may(rs, 8, now + 50 * MS));
	CHECK(rescans__may(rs, 9, now));
	CHECK_EQ(rescans__next(rs), now + 100 * MS);
	CHECK_EQ(rescans__due(rs, now), 0);
	CHECK_EQ(rescans__due(rs, now + 100 * MS), 7);
	rescans__took(rs, 7, now + 100 * MS, now + 100 * MS);
	CHECK_EQ(rescans__due(rs, now + 100 * MS), 0);
	CHECK_EQ(rescans__next(rs), now + 150 * MS);
	/* It ended before its time came. */
	rescans__forget(rs, 8);
	CHECK_EQ(rescans__due(rs, now + 1000 * MS), 0);
	CHECK_EQ(rescans__next(rs), UINT64_MAX);
	rescans__free(rs);
}

TEST(any_look_does_for_the_one_that_waits)
{
	const uint64_t now = 1000 * MS;
	struct rescans *rs = rescans__new();

	exhaust(rs, 7, now);
	CHECK(!rescans__may(rs, 7, now));
	rescans__took(rs, 7, now, now); /* it was held */
	CHECK_EQ(rescans__due(rs, now + 1000 * MS), 0);
	rescans__free(rs);
}

/* Processes whose end is not seen do not fill the memory, nor do they lose a look that waits. */
TEST(a_hundred_thousand_processes)
{
	struct rescans *rs = rescans__new();

	exhaust(rs, 7, MS);
	CHECK(!rescans__may(rs, 7, MS));
	for (uint32_t pid = 10; pid < 100000; pid++)
		rescans__took(rs, pid, MS + pid, MS + pid);
	for (uint32_t pid = 100000; pid < 200000; pid++)
		rescans__took(rs, pid, 1000 * MS + pid, 1000 * MS + pid);
	CHECK(!rescans__covers(rs, 10, 0));
	CHECK_EQ(rescans__due(rs, 1000 * MS), 7);
	rescans__free(rs);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/clock.h"

#include "test.h"

TEST(clocks_advance)
{
	uint64_t a = clock__now_ns(), b = clock__now_ns();

	CHECK(a > 0 && b >= a);
	CHECK(clock__wall_ns() > 1600000000ull * 1000000000);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/rate_unit.h"

#include "test.h"

static const char *rate(double largest, double bytes_per_s)
{
	static char buf[32];

	return rate_unit__print(buf, sizeof(buf), rate_unit__for(largest), bytes_per_s);
}

TEST(the_unit_suits_the_largest)
{
	CHECK_STR(rate(20000, 20000), "+68.7 MiB/h");
	CHECK_STR(rate(1, 1), "+3.5 KiB/h");
	CHECK_STR(rate(0.1, 0.1), "+360 B/h");
	CHECK_STR(rate(1e9, 1e9), "+3.3 TiB/h");
	/* What would round to 1024.0. */
	CHECK_STR(rate(1023.96 * 1024 / 3600, 1023.96 * 1024 / 3600), "+1.0 MiB/h");
}

TEST(others_keep_to_it)
{
	CHECK_STR(rate(20000, 200), "+0.69 MiB/h");
	CHECK_STR(rate(20000, 20), "+0.07 MiB/h");
	CHECK_STR(rate(20000, 0.1), "<0.01 MiB/h");
	CHECK_STR(rate(1, 20000), "+70,313 KiB/h");
	CHECK_STR(rate(0.1, 0.0001), "<1 B/h");
	CHECK_STR(rate(20000, 289.9), "+1.0 MiB/h");
}

TEST(none_and_negative_ones)
{
	CHECK_STR(rate(0, 0), "0 B/h");
	CHECK_STR(rate(20000, 0), "0 MiB/h");
	CHECK_STR(rate(20000, -20000), "-68.7 MiB/h");
}

TEST(any_rate)
{
	CHECK_STR(rate(1e30, 1e30), "+3,122,502,256,758,253 EiB/h");
	CHECK_STR(rate(1, 1e300), "+9,007,199,254,740,992 KiB/h");
	CHECK_STR(rate(0, -1e300), "-9,007,199,254,740,992 B/h");
}

/* One unit a report: that of its leaks, or else of what grows. */
TEST(of_a_report)
{
	struct profile p = { .leak = { .group_rate_bps = 20000 },
			     .growing = { .group_rate_bps = 1 } };
	char buf[32];

	CHECK_STR(rate_unit__print(buf, sizeof(buf), rate_unit__of(&p), 20000), "+68.7 MiB/h");
	p.leak.group_rate_bps = 0;
	CHECK_STR(rate_unit__print(buf, sizeof(buf), rate_unit__of(&p), 1), "+3.5 KiB/h");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/parse.h"

#include <errno.h>

#include "test.h"
#include "util/array.h"

TEST(u64)
{
	static const char *const bad[] = { "", " 1", "1 ", "-1", "+1", "0x10", "1.5", "x" };
	uint64_t n = 7;

	CHECK_EQ(parse__u64("0", &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(parse__u64("0042", &n), 0);
	CHECK_EQ(n, 42);
	CHECK_EQ(parse__u64("18446744073709551615", &n), 0);
	CHECK(n == UINT64_MAX);
	n = 7;
	CHECK_EQ(parse__u64("18446744073709551616", &n), -ERANGE);
	CHECK_EQ(parse__u64("99999999999999999999999", &n), -ERANGE);
	CHECK_EQ(parse__u64("99999999999999999999999x", &n), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(parse__u64(bad[i], &n), -EINVAL);
	CHECK_EQ(n, 7);
}

TEST(size)
{
	static const char *const bad[] = { "", "k", "1kk", "1t", "1 k", "-1k", "1.5k" };
	uint64_t n = 7;

	CHECK_EQ(parse__size("100", &n), 0);
	CHECK_EQ(n, 100);
	CHECK_EQ(parse__size("64k", &n), 0);
	CHECK_EQ(n, 65536);
	CHECK_EQ(parse__size("1M", &n), 0);
	CHECK_EQ(n, 1048576);
	CHECK_EQ(parse__size("2g", &n), 0);
	CHECK_EQ(n, 2147483648);
	CHECK_EQ(parse__size("17179869183g", &n), 0);
	CHECK(n == 17179869183ull << 30);
	n = 7;
	CHECK_EQ(parse__size("17179869184g", &n), -ERANGE);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(parse__size(bad[i], &n), -EINVAL);
	CHECK_EQ(n, 7);
}

TEST(seconds)
{
	static const char *const bad[] = { "",	  ".",	 "-1", "+1", "inf",  "nan",
					   "1e3", "0x1", " 1", "1s", "1.2.3" };
	char huge[400];
	double d = 7;

	CHECK_EQ(parse__seconds("10", &d), 0);
	CHECK(d == 10);
	CHECK_EQ(parse__seconds("0.25", &d), 0);
	CHECK(d == 0.25);
	CHECK_EQ(parse__seconds(".5", &d), 0);
	CHECK(d == 0.5);
	CHECK_EQ(parse__seconds("0", &d), 0);
	CHECK(d == 0);
	d = 7;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(parse__seconds(bad[i], &d), -EINVAL);
	memset(huge, '9', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	CHECK_EQ(parse__seconds(huge, &d), -ERANGE);
	CHECK(d == 7);
}

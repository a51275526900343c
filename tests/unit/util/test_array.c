/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/array.h"

#include <errno.h>

#include "test.h"

TEST(appending_keeps_what_is_there)
{
	size_t cap = 0, grown = 0;
	uint32_t *a = NULL;

	for (uint32_t i = 0; i < 10000; i++) {
		size_t before = cap;

		CHECK_EQ(array__grow(&a, &cap, i + 1, sizeof(*a)), 0);
		grown += cap != before;
		a[i] = i;
	}
	CHECK(cap >= 10000 && cap < 20000);
	CHECK(grown < 15);
	for (uint32_t i = 0; i < 10000; i++)
		if (a[i] != i)
			CHECK_EQ(a[i], i);
	free(a);
}

TEST(a_large_need_is_met_at_once)
{
	size_t cap = 0;
	char *a = NULL;

	CHECK_EQ(array__grow(&a, &cap, 0, 1), 0);
	CHECK(!a && cap == 0);
	CHECK_EQ(array__grow(&a, &cap, 1000, 1), 0);
	CHECK_EQ(cap, 1000);
	CHECK_EQ(array__grow(&a, &cap, 1000, 1), 0);
	CHECK_EQ(cap, 1000);
	CHECK_EQ(array__grow(&a, &cap, 1001, 1), 0);
	CHECK_EQ(cap, 2000);
	free(a);
}

TEST(failure_leaves_the_array)
{
	size_t cap = 0, huge = SIZE_MAX / 2 + 2;
	uint64_t *a = NULL, *before;

	CHECK_EQ(array__grow(&a, &cap, 5, sizeof(*a)), 0);
	a[4] = 44;
	before = a;
	CHECK_EQ(array__grow(&a, &cap, SIZE_MAX / 8 + 1, sizeof(*a)), -ENOMEM);
	CHECK_EQ(array__grow(&a, &cap, SIZE_MAX, sizeof(*a)), -ENOMEM);
	CHECK(a == before && cap == 8 && a[4] == 44);
	/* Doubling would overflow. */
	CHECK_EQ(array__grow(&a, &huge, SIZE_MAX, sizeof(*a)), -ENOMEM);
	CHECK_EQ(huge, SIZE_MAX / 2 + 2);
	free(a);
}

TEST(size_of_a_fixed_array)
{
	int a[7];

	CHECK_EQ(ARRAY_SIZE(a), 7);
}

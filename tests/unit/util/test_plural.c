/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/plural.h"

#include "test.h"

TEST(only_one_is_singular)
{
	CHECK_STR(plural(0), "s");
	CHECK_STR(plural(1), "");
	CHECK_STR(plural(2), "s");
	CHECK_STR(plural(UINT64_MAX), "s");
}

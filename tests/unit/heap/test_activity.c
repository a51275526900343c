/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/activity.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/codec.h"

#include "test.h"

#define SECOND 1000000000ull
#define ALL 1e18

static struct activity *of(uint64_t origin)
{
	struct activity *a = activity__new(origin);

	CHECK(a);
	return a;
}

/* `n` blocks, evenly in [from, to) seconds, that die at once. */
static void worked(struct activity *a, double from, double to, int n)
{
	for (int i = 0; i < n; i++) {
		uint64_t birth = (uint64_t)((from + (to - from) * i / n) * 1e9);

		activity__died(a, birth, birth + 1000);
	}
}

TEST(only_short_lives_are_work)
{
	struct activity *a = of(5 * SECOND);

	CHECK_EQ(activity__last(a), 0);
	activity__died(a, 6 * SECOND, 6 * SECOND + ACTIVITY_LIFE_NS);
	activity__died(a, 6 * SECOND, 6 * SECOND + ACTIVITY_LIFE_NS + 1);
	activity__died(a, 4 * SECOND, 5 * SECOND); /* older than the process */
	CHECK(activity__between(a, 0, ALL) == 1);
	CHECK(activity__between(a, 0, 5.5e9) == 0);
	CHECK(activity__last(a) > 6 * SECOND);
	free(a);
}

TEST(slots_get_wider_and_keep_the_sum)
{
	struct activity *a = of(0);

	worked(a, 0, 100, 1000);
	worked(a, 100, 1000, 900);
	CHECK(activity__between(a, 0, ALL) == 1900);
	CHECK(fabs(activity__between(a, 0, 100e9) - 1000) < 100);
	CHECK(fabs(activity__between(a, 500e9, 700e9) - 200) < 10);
	CHECK(activity__last(a) >= 999 * SECOND && activity__last(a) < 1020 * SECOND);
	free(a);
}

TEST(two_processes_as_one)
{
	for (int later = 0; later < 2; later++) {
		struct activity *a = of(0), *b = of(70 * SECOND);

		worked(a, 0, 100, 1000);
		worked(b, 70, 90, 400);
		activity__unite(later ? a : b, later ? b : a);
		CHECK(activity__between(later ? a : b, 0, ALL) == 1400);
		CHECK(fabs(activity__between(later ? a : b, 0, 60e9) - 600) < 60);
		free(a);
		free(b);
	}
}

TEST(saved_and_loaded)
{
	struct activity *a = of(3), *b;
	struct strbuf sb = { 0 };
	struct cursor in;

	worked(a, 0.1, 40, 100);
	activity__save(a, &sb);
	in = cursor__of(sb.data, sb.len);
	b = activity__load(&in);
	CHECK(b && !memcmp(a, b, sizeof(*a)));
	in = cursor__of(sb.data, sb.len - 1);
	CHECK(!activity__load(&in) && errno == EINVAL);
	free(a);
	free(b);
	strbuf__reset(&sb);
	codec__put(&sb, 0);
	codec__put(&sb, 200); /* a slot wider than any time */
	for (int i = 0; i < ACTIVITY_SLOTS; i++)
		codec__put(&sb, 1);
	in = cursor__of(sb.data, sb.len);
	CHECK(!activity__load(&in) && errno == EINVAL);
	strbuf__free(&sb);
}

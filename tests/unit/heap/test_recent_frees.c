/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was freed lately is found again; what was not is never taken for it. */
#include "test.h"

#include <stdlib.h>

#include "heap/recent_frees.h"

static size_t found(const struct recent_frees *f, uint64_t from, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += recent_frees__has(f, from + i * 16);
	return sum;
}

TEST(finds_the_latest)
{
	struct recent_frees f;

	CHECK_EQ(recent_frees__init(&f), 0);
	CHECK(!recent_frees__has(&f, 16));
	for (uint64_t addr = 16; addr < 100 * 16; addr += 16) {
		recent_frees__add(&f, addr);
		CHECK(recent_frees__has(&f, addr));
		CHECK(!recent_frees__has(&f, addr + 16));
	}
	/* One for each slot is left at most, and most slots are taken. */
	CHECK(found(&f, 16, 99) <= RECENT_FREES_MIN);
	CHECK(found(&f, 16, 99) > RECENT_FREES_MIN / 2);
	recent_frees__clear(&f);
	CHECK_EQ(found(&f, 16, 99), 0);
	recent_frees__free(&f);
	CHECK_EQ(f.size, 0);
}

TEST(grows_with_what_is_in_it)
{
	uint64_t x = 7, *has = calloc(RECENT_FREES_MAX, sizeof(*has));
	struct recent_frees f;
	size_t n = 0;

	CHECK_EQ(recent_frees__init(&f), 0);
	for (uint32_t wanted = 1; wanted < 4 * RECENT_FREES_MAX; wanted *= 3) {
		n = 0;
		for (uint32_t i = 0; i < f.size; i++)
			if (f.at[i])
				has[n++] = f.at[i];
		recent_frees__grow(&f, wanted);
		CHECK(f.size >= wanted || f.size == RECENT_FREES_MAX);
		CHECK(f.size <= RECENT_FREES_MAX);
		CHECK_EQ(f.size & (f.size - 1), 0);
		for (size_t i = 0; i < n; i++)
			CHECK(recent_frees__has(&f, has[i]));
		for (uint32_t i = 0; i < wanted; i++) {
			x = x * 6364136223846793005 + 1442695040888963407;
			recent_frees__add(&f, x >> 20 | 1);
		}
	}
	CHECK_EQ(f.size, RECENT_FREES_MAX);
	recent_frees__grow(&f, UINT64_MAX);
	CHECK_EQ(f.size, RECENT_FREES_MAX);
	recent_frees__free(&f);
	free(has);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/strtab.h"

#include "test.h"

TEST(numbers_come_in_order_and_the_first_is_empty)
{
	struct strtab *t = strtab__new();

	CHECK_EQ(strtab__count(t), 1);
	CHECK_EQ(strtab__add(t, ""), 0);
	CHECK_EQ(strtab__add(t, "a"), 1);
	CHECK_EQ(strtab__add(t, "b"), 2);
	CHECK_EQ(strtab__add(t, "a"), 1);
	CHECK_EQ(strtab__count(t), 3);
	CHECK_STR(strtab__get(t, 2), "b");
	CHECK_STR(strtab__get(t, 3), "");
	CHECK_STR(strtab__get(t, UINT32_MAX), "");
	CHECK(!strtab__copy(t, NULL));
	CHECK_EQ(strtab__error(t), 0);
	strtab__free(t);
	strtab__free(NULL);
}

TEST(strings_keep_their_place)
{
	struct strtab *t = strtab__new();
	const char *first = strtab__copy(t, "first"), *big;
	char s[32], *huge = malloc(100001);

	memset(huge, 'x', 100000);
	huge[100000] = '\0';
	big = strtab__copy(t, huge);
	for (uint32_t i = 0; i < 100000; i++) {
		snprintf(s, sizeof(s), "string %u", i);
		if (strtab__add(t, s) != i + 3)
			CHECK_EQ(strtab__add(t, s), i + 3);
	}
	CHECK_EQ(strtab__count(t), 100003);
	CHECK(strtab__copy(t, "first") == first);
	CHECK(strtab__copy(t, huge) == big);
	CHECK_STR(first, "first");
	for (uint32_t i = 0; i < 100000; i += 997) {
		snprintf(s, sizeof(s), "string %u", i);
		CHECK_STR(strtab__get(t, i + 3), s);
		CHECK_EQ(strtab__add(t, s), i + 3);
	}
	free(huge);
	strtab__free(t);
}

/* Found by search: their hashes have the same lower half, so they want the same slot in a table of
 * any size. */
TEST(strings_of_one_slot_are_stored_once_each)
{
	struct strtab *t = strtab__new();
	const char *a = strtab__copy(t, "name7897"), *b = strtab__copy(t, "name52562");
	size_t memory = strtab__memory(t);

	for (int i = 0; i < 1000; i++) {
		CHECK(strtab__copy(t, "name7897") == a);
		CHECK(strtab__copy(t, "name52562") == b);
	}
	CHECK_EQ(strtab__count(t), 3);
	CHECK_EQ(strtab__memory(t), memory);
	CHECK_STR(strtab__copy(t, ""), "");
	strtab__free(t);
}

TEST(memory_grows_with_what_is_stored)
{
	struct strtab *t = strtab__new();
	size_t empty = strtab__memory(t);
	char *huge = malloc(100001);

	memset(huge, 'x', 100000);
	huge[100000] = '\0';
	strtab__add(t, huge);
	CHECK(strtab__memory(t) > empty + 100000);
	free(huge);
	strtab__free(t);
}

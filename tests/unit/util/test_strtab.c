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

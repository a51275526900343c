/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/hashmap.h"

#include "test.h"

TEST(set_get_remove)
{
	struct hashmap *m = hashmap__new();
	uintptr_t v = 0;

	CHECK(!hashmap__get(m, 1, &v));
	CHECK_EQ(hashmap__set(m, 0, 10), 0);
	CHECK_EQ(hashmap__set(m, UINT64_MAX, 20), 0);
	CHECK_EQ(hashmap__set(m, 1, 0), 0);
	CHECK_EQ(hashmap__count(m), 3);
	CHECK(hashmap__get(m, 0, &v) && v == 10);
	CHECK(hashmap__get(m, UINT64_MAX, &v) && v == 20);
	CHECK(hashmap__get(m, 1, &v) && v == 0);
	CHECK_EQ(hashmap__set(m, 0, 11), 0);
	CHECK_EQ(hashmap__count(m), 3);
	CHECK(hashmap__remove(m, 0, &v) && v == 11);
	CHECK(!hashmap__remove(m, 0, NULL));
	CHECK(!hashmap__get(m, 0, &v));
	CHECK(hashmap__remove(m, 1, NULL));
	CHECK_EQ(hashmap__count(m), 1);
	hashmap__free(m);
	hashmap__free(NULL);
}

TEST(next_visits_all)
{
	struct hashmap *m = hashmap__new();
	uint64_t key, sum = 0;
	uintptr_t v;
	size_t pos = 0, n = 0;

	CHECK(!hashmap__next(m, &pos, &key, &v));
	for (uint64_t i = 1; i <= 1000; i++)
		hashmap__set(m, i << 12, i);
	for (pos = 0; hashmap__next(m, &pos, &key, &v); n++) {
		CHECK(key == (uint64_t)v << 12);
		sum += v;
	}
	CHECK_EQ(n, 1000);
	CHECK_EQ(sum, 500500);
	hashmap__free(m);
}

/* A small key space, so that runs collide, grow and are cut in their middle; the model is an array.
 */
TEST(random_against_array)
{
	static uintptr_t model[4096];
	static bool present[4096];
	struct hashmap *m = hashmap__new();
	uint64_t x = 1;
	size_t count = 0;
	uintptr_t v;

	for (int i = 0; i < 400000; i++) {
		uint32_t k;

		x = x * 6364136223846793005 + 1442695040888963407;
		k = (uint32_t)(x >> 33) % (i < 200000 ? 4096 : 100);
		if ((x >> 60) < 7) {
			CHECK_EQ(hashmap__set(m, (uint64_t)k * 64, (uintptr_t)i), 0);
			count += !present[k];
			present[k] = true;
			model[k] = (uintptr_t)i;
		} else if ((x >> 60) < 13) {
			CHECK(hashmap__remove(m, (uint64_t)k * 64, &v) == present[k]);
			if (present[k])
				CHECK(v == model[k]);
			count -= present[k];
			present[k] = false;
		} else {
			CHECK(hashmap__get(m, (uint64_t)k * 64, &v) == present[k]);
			if (present[k])
				CHECK(v == model[k]);
		}
	}
	CHECK_EQ(hashmap__count(m), count);
	hashmap__free(m);
}

struct entry {
	int owner, number;
};

static bool same_entry(const void *entry, const void *wanted)
{
	return ((const struct entry *)entry)->number == *(const int *)wanted;
}

TEST(pointers)
{
	struct hashmap *m = hashmap__new();
	struct entry a = { 1, 1 }, b = { 1, 2 };
	const struct entry *p;
	size_t pos = 0, n = 0;
	uint64_t key;

	CHECK(!hashmap__get_ptr(m, 5));
	CHECK_EQ(hashmap__set_ptr(m, 5, &a), 0);
	CHECK_EQ(hashmap__set_ptr(m, 6, &b), 0);
	CHECK(hashmap__get_ptr(m, 5) == &a);
	while ((p = hashmap__next_ptr(m, &pos, &key))) {
		CHECK(p == (key == 5 ? &a : &b));
		n++;
	}
	CHECK_EQ(n, 2);
	CHECK(hashmap__remove_ptr(m, 5) == &a);
	CHECK(!hashmap__remove_ptr(m, 5));
	hashmap__free(m);
}

TEST(entries_with_the_same_hash)
{
	static struct entry entries[1000];
	struct hashmap *m = hashmap__new();
	int missing = 1000;

	/* Three hashes for a thousand entries: they lie in long runs and survive growth. */
	for (int i = 0; i < 1000; i++) {
		entries[i] = (struct entry){ i % 3, i };
		CHECK(!hashmap__find_ptr(m, (uint64_t)entries[i].owner, same_entry, &i));
		CHECK_EQ(hashmap__add_ptr(m, (uint64_t)entries[i].owner, &entries[i]), 0);
	}
	CHECK_EQ(hashmap__count(m), 1000);
	for (int i = 0; i < 1000; i++)
		CHECK(hashmap__find_ptr(m, (uint64_t)i % 3, same_entry, &i) == &entries[i]);
	CHECK(!hashmap__find_ptr(m, 0, same_entry, &missing));
	CHECK(!hashmap__find_ptr(m, 3, same_entry, &missing));
	/* Only entries with that very hash are compared. */
	missing = 1;
	CHECK(!hashmap__find_ptr(m, 0, same_entry, &missing));
	hashmap__free(m);
}

static bool same_number(uintptr_t value, const void *wanted)
{
	return value % 1000 == *(const uintptr_t *)wanted;
}

TEST(numbers_with_the_same_hash)
{
	struct hashmap *m = hashmap__new();
	uintptr_t wanted = 7, value = 0;

	CHECK_EQ(hashmap__add(m, 1, 3006), 0);
	CHECK_EQ(hashmap__add(m, 1, 4007), 0);
	CHECK(hashmap__find(m, 1, same_number, &wanted, &value));
	CHECK_EQ(value, 4007);
	CHECK(hashmap__find(m, 1, same_number, &wanted, NULL));
	wanted = 8;
	CHECK(!hashmap__find(m, 1, same_number, &wanted, &value));
	hashmap__free(m);
}

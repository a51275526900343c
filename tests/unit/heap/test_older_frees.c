/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many frees of blocks older than the tracing may have been of blocks of a site's sizes. */
#include "test.h"

#include "heap/cohorts.h"
#include "heap/older_frees.h"
#include "heap/size_class.h"

#define SECOND 1000000000ull

TEST(classes_of_sizes)
{
	unsigned int last = 0, class;

	CHECK_EQ(size_class__of(0), 0);
	CHECK_EQ(size_class__of(16), 0);
	CHECK_EQ(size_class__of(17), 1);
	CHECK_EQ(size_class__of(128), 7);
	CHECK_EQ(size_class__of(129), 8);
	CHECK_EQ(size_class__of(160), 8);
	CHECK_EQ(size_class__of(161), 9);
	CHECK_EQ(size_class__of(256), 11);
	CHECK_EQ(size_class__of(257), 12);
	CHECK_EQ(size_class__of(UINT64_MAX), SIZE_CLASSES - 1);
	for (uint64_t size = 0; size < 100000; size++) {
		class = size_class__of(size);
		CHECK(class == last || class == last + 1);
		last = class;
	}
	CHECK_EQ(size_class__near(1), 3);
	CHECK_EQ(size_class__near(1ull << 63), 3ull << 62);
	CHECK_EQ(size_class__near(SIZE_CLASSES_ALL), SIZE_CLASSES_ALL);
}

static uint64_t now, next;

/* Known blocks of a size, each of whose addresses is next given to one of another size. */
static void reuse(struct older_frees *o, int n, uint64_t size, uint64_t got)
{
	for (int i = 0; i < n; i++, next += 4096) {
		older_frees__known(o, next, size);
		older_frees__reused(o, now += SECOND / 100, next, got);
	}
}

/* Older blocks, whose addresses are next given to blocks of a size. */
static void replace(struct older_frees *o, int n, uint64_t size)
{
	for (int i = 0; i < n; i++, next += 4096) {
		older_frees__came(o, now, next);
		older_frees__reused(o, now += SECOND / 100, next, size);
	}
}

static struct older_frees *begin(void)
{
	now = SECOND;
	next = 4096;
	return older_frees__new(now);
}

static int at_most(struct older_frees *o, uint64_t from, uint64_t size)
{
	return (int)older_frees__at_most(o, now, from, size_class__bit(size));
}

TEST(only_frees_of_blocks_of_its_size_are_the_sites)
{
	struct older_frees *o = begin();

	reuse(o, 100, 100, 100);
	reuse(o, 100, 1000, 1000);
	replace(o, 300, 1000);
	CHECK_EQ(at_most(o, 0, 1000), 300);
	CHECK_EQ(at_most(o, 0, 800), 300); /* an allocator may hold them to be the same */
	CHECK_EQ(at_most(o, 0, 100), 0);
	CHECK_EQ((int)older_frees__at_most(o, now, 0, size_class__bit(100) | size_class__bit(1000)),
		 300);
	CHECK_EQ((int)older_frees__at_most(o, now, 0, 0), 300); /* sizes that are not known */
	CHECK_EQ(at_most(o, now + SECOND, 1000), 0);
	older_frees__free(o);
}

TEST(where_addresses_say_little_any_site_may_have_freed_them)
{
	struct older_frees *o = begin();

	replace(o, 300, 1000);
	CHECK_EQ(at_most(o, 0, 100), 300); /* no block of a known size was freed */
	reuse(o, 100, 100, 2000);
	CHECK_EQ(at_most(o, 0, 100), 300); /* they are given to blocks of other sizes */
	reuse(o, 80, 100, 100);
	CHECK_EQ(at_most(o, 0, 100), 300);
	reuse(o, 80, 100, 100);
	CHECK_EQ(at_most(o, 0, 100), 0);
	older_frees__free(o);
}

TEST(what_was_not_learned_may_be_of_any_size)
{
	struct older_frees *o = begin();

	reuse(o, 100, 100, 100);
	reuse(o, 100, 1000, 1000);
	replace(o, 40, 10000);
	replace(o, 10, 1000);
	for (int i = 0; i < 100; i++)
		older_frees__came(o, now, next += 4096);
	/* But not all of it where none was learned to be. */
	CHECK_EQ(at_most(o, 0, 100), 8);
	CHECK_EQ(at_most(o, 0, 1000), 10 + 48);
	replace(o, 30, 1000);
	CHECK_EQ(at_most(o, 0, 1000), 40 + 100);
	/* All of it where little was learned at all. */
	for (int i = 0; i < 1000; i++)
		older_frees__came(o, now, next += 4096);
	CHECK_EQ(at_most(o, 0, 100), 1180);
	older_frees__free(o);
}

/* What is learned of a free counts at the time of the free. */
TEST(learned_later)
{
	struct older_frees *o = begin();
	uint64_t late;

	reuse(o, 100, 100, 100);
	for (int i = 0; i < 50; i++)
		older_frees__came(o, now, 16 + 4096 * (uint64_t)i);
	now += 100 * SECOND;
	late = now;
	for (int i = 0; i < 50; i++)
		older_frees__reused(o, now, 16 + 4096 * (uint64_t)i, 100);
	now += 100 * SECOND;
	CHECK_EQ(at_most(o, late, 100), 0);
	CHECK_EQ(at_most(o, 0, 100), 50);
	older_frees__free(o);
}

TEST(several_processes_as_one)
{
	struct older_frees *a = begin(), *b = begin(), *sum;

	reuse(a, 100, 100, 100);
	replace(a, 20, 100);
	replace(b, 30, 100);
	sum = older_frees__copy(a);
	CHECK_EQ(older_frees__unite(sum, b), 0);
	CHECK_EQ(at_most(sum, 0, 100), 50);
	CHECK_EQ(at_most(sum, 0, 1000), 50);
	CHECK(older_frees__memory(a) > older_frees__memory(sum));
	older_frees__free(sum);
	older_frees__free(a);
	older_frees__free(b);
	older_frees__free(NULL);
}

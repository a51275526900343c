/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/heap.h"
#include "heap/heap_copy.h"

#include <errno.h>
#include <time.h>

#include "test.h"

static struct block block(uint64_t addr, uint64_t size, uint64_t birth, uint32_t site)
{
	return (struct block){ .addr = addr, .size = size, .birth = birth, .site = site };
}

static int put(struct heap *h, uint64_t addr, uint64_t size, uint64_t birth, uint32_t site)
{
	struct block b = block(addr, size, birth, site), old;

	return heap__put(h, &b, &old);
}

static uint64_t next_random(uint64_t *x)
{
	*x = *x * 6364136223846793005 + 1442695040888963407;
	return *x >> 24;
}

TEST(put_and_take)
{
	struct heap *h = heap__new();
	struct block b;

	CHECK(!heap__take(h, 0x1000, UINT64_MAX, &b));
	CHECK_EQ(put(h, 0x1000, 100, 6400, 3), 0);
	CHECK_EQ(put(h, 0x2000, 0, 12800, 3), 0);
	CHECK_EQ(heap__count(h), 2);
	CHECK(heap__find(h, 0x1000, &b) && b.size == 100);
	CHECK(heap__take(h, 0x1000, UINT64_MAX, &b));
	CHECK_EQ(b.addr, 0x1000);
	CHECK_EQ(b.size, 100);
	CHECK_EQ(b.birth, 6400);
	CHECK_EQ(b.site, 3);
	CHECK(!heap__take(h, 0x1000, UINT64_MAX, &b));
	CHECK(!heap__find(h, 0x1000, &b));
	CHECK(heap__take(h, 0x2000, UINT64_MAX, &b));
	CHECK_EQ(b.size, 0);
	CHECK_EQ(heap__count(h), 0);
	CHECK_EQ(put(h, 0, 1, 1, 0), -EINVAL);
	heap__free(h);
	heap__free(NULL);
}

TEST(replaces_at_the_same_address)
{
	struct heap *h = heap__new();
	struct block b = block(0x1000, 10, 640, 1), old = { 0 };

	CHECK_EQ(heap__put(h, &b, &old), 0);
	CHECK_EQ(old.addr, 0);
	b = block(0x1000, 20, 1280, 2);
	CHECK_EQ(heap__put(h, &b, &old), 1);
	CHECK_EQ(old.addr, 0x1000);
	CHECK_EQ(old.size, 10);
	CHECK_EQ(old.birth, 640);
	CHECK_EQ(old.site, 1);
	CHECK_EQ(heap__count(h), 1);
	CHECK(!heap__site_oldest(h, 1, &b));
	CHECK(heap__site_oldest(h, 2, &b) && b.size == 20);
	heap__free(h);
}

TEST(not_after_spares_the_younger)
{
	struct heap *h = heap__new();
	struct block b;

	put(h, 0x1000, 10, 64000, 0);
	CHECK(!heap__take(h, 0x1000, 63999, &b));
	CHECK_EQ(heap__count(h), 1);
	CHECK(heap__take(h, 0x1000, 64000, &b));
	heap__free(h);
}

TEST(births_are_kept_to_64_ns)
{
	struct heap *h = heap__new();
	struct block b;

	put(h, 1, 1, 127, 0);
	CHECK(heap__find(h, 1, &b) && b.birth == 64);
	put(h, 1, 1, 1ull << 50, 0); /* 13 days */
	CHECK(heap__find(h, 1, &b) && b.birth == 1ull << 50);
	put(h, 1, UINT64_MAX, UINT64_MAX, 0);
	CHECK(heap__find(h, 1, &b) && b.birth == ((1ull << 48) - 1) << 6);
	CHECK(b.size == (1ull << 48) - 1);
	heap__free(h);
}

TEST(site_lists_are_oldest_first)
{
	struct heap *h = heap__new();
	uint32_t cursor = 0;
	struct block b;
	int n = 0;

	for (uint64_t i = 1; i <= 9; i++)
		put(h, i * 16, i, i * 640, (uint32_t)(i % 3));
	heap__take(h, 4 * 16, UINT64_MAX, &b); /* 1 4 7 is site 1 */
	for (; heap__site_next(h, 1, &cursor, &b); n++)
		CHECK_EQ(b.size, n ? 7 : 1);
	CHECK_EQ(n, 2);
	CHECK(heap__site_oldest(h, 2, &b) && b.size == 2);
	CHECK(heap__site_newest(h, 2, &b) && b.size == 8);
	CHECK(!heap__site_oldest(h, 99999, &b));
	CHECK(!heap__site_newest(h, 99999, &b));
	/* A late comer is put where its time belongs. */
	put(h, 0x9990, 5, 5 * 640 + 64, 1);
	cursor = 0;
	CHECK(heap__site_next(h, 1, &cursor, &b) && b.size == 1);
	CHECK(heap__site_next(h, 1, &cursor, &b) && b.size == 5);
	CHECK(heap__site_next(h, 1, &cursor, &b) && b.size == 7);
	CHECK(!heap__site_next(h, 1, &cursor, &b));
	put(h, 0x9980, 99, 64, 1);
	CHECK(heap__site_oldest(h, 1, &b) && b.size == 99);
	heap__free(h);
}

TEST(aged_sums)
{
	struct heap *h = heap__new();
	struct heap_sum sum = { 0 };

	heap__site_aged(h, 0, UINT64_MAX, &sum);
	CHECK_EQ(sum.blocks, 0);
	for (uint64_t i = 1; i <= 10; i++)
		put(h, i * 16, i, i * 6400, 0);
	/* Few old, few young, all, none: each as the plain walk would have it. */
	for (uint64_t old = 0; old <= 10; old++) {
		sum = (struct heap_sum){ .blocks = 10, .bytes = 55 };
		heap__site_aged(h, 0, old * 6400 + 100, &sum);
		CHECK_EQ(sum.blocks, old);
		CHECK_EQ(sum.bytes, old * (old + 1) / 2);
		CHECK_EQ(sum.newest, old * 6400);
	}
	heap__free(h);
}

/* ---- against a model that is too simple to be wrong ---- */

#define ADDRESSES 5000
#define SITES 7

struct model {
	struct block blocks[ADDRESSES]; /* addr 0: not live */
	size_t count;
};

static bool same(const struct block *a, const struct block *b)
{
	return a->addr == b->addr && a->size == b->size && a->birth == b->birth &&
	       a->site == b->site;
}

static void check_against_model(const struct heap *h, const struct model *m)
{
	uint64_t bytes = 0, model_bytes = 0, last, all = 0;
	uint32_t cursor = 0;
	struct block b;
	size_t n = 0;

	for (size_t i = 0; i < ADDRESSES; i++) {
		const struct block *want = &m->blocks[i];

		CHECK(heap__find(h, (i + 1) * 16, &b) == (want->addr != 0));
		if (!want->addr)
			continue;
		CHECK(same(&b, want));
		model_bytes += want->size;
	}
	for (uint32_t site = 0; site < SITES; site++) {
		last = cursor = 0;
		for (; heap__site_next(h, site, &cursor, &b); n++) {
			CHECK_EQ(b.site, site);
			CHECK(b.birth >= last);
			last = b.birth;
			bytes += b.size;
		}
	}
	CHECK_EQ(n, m->count);
	CHECK_EQ(bytes, model_bytes);
	for (n = 0; heap_copy__next(h, &all, &b); n++)
		CHECK_EQ(b.size, m->blocks[b.addr / 16 - 1].size);
	CHECK_EQ(n, m->count);
	CHECK_EQ(heap__count(h), m->count);
}

TEST(random_against_model)
{
	static struct model m;
	struct heap *h = heap__new();
	uint64_t x = 42, now = 0;
	struct block b, old, *want;
	int err;

	for (int i = 0; i < 300000; i++) {
		uint64_t slot = next_random(&x) % (i < 100000 ? ADDRESSES : 700);
		uint64_t limit = now - next_random(&x) % 64 * 64;

		now += 64;
		want = &m.blocks[slot];
		if (next_random(&x) % 100 < (i < 50000 ? 80 : 50)) {
			b.addr = (slot + 1) * 16;
			b.size = next_random(&x) % 5000;
			b.birth = now;
			b.site = (uint32_t)(next_random(&x) % SITES);
			err = heap__put(h, &b, &old);
			CHECK_EQ(err, want->addr != 0);
			if (err == 1)
				CHECK(old.size == want->size && old.site == want->site);
			m.count += !want->addr;
			*want = b;
		} else if (heap__take(h, (slot + 1) * 16, limit, &b)) {
			CHECK(want->addr && want->birth <= limit && same(&b, want));
			want->addr = 0;
			m.count--;
		} else {
			CHECK(!want->addr || want->birth > limit);
		}
		if (i % 30000 == 29999)
			check_against_model(h, &m);
	}
	heap__free(h);
}

/* However often a block is reallocated, its chain of reallocs keeps its origin. */
TEST(chains_of_reallocs)
{
	struct heap *h = heap__new();
	struct block b = block(0x1000, 1, 5000000000, 0), old;
	uint64_t start = 5000000000, now = start, x = 3, age, error;

	CHECK_EQ(heap__put(h, &b, &old), 0);
	CHECK_EQ(b.chain, 0);
	for (int i = 0; i < 100000; i++) {
		now += next_random(&x) % (i < 50000 ? 1000000 : 10000000000);
		CHECK(heap__take(h, 0x1000, UINT64_MAX, &old));
		b = block(0x1000, 1, now, 1);
		b.chain = heap__chain(&old, now);
		heap__put(h, &b, &old);
		age = now - start;
		error = start - heap__origin(&b);
		CHECK(error <= (1u << 20) || error <= age / 7);
		CHECK(b.chain <= b.birth);
	}
	CHECK(heap__find(h, 0x1000, &old) && old.chain == b.chain && old.birth == b.birth);
	CHECK_EQ(old.site, 1);
	b = block(0x2000, 1, 100, 0);
	b.chain = UINT64_MAX; /* longer than it can be: it begins at the epoch */
	heap__put(h, &b, &old);
	CHECK_EQ(b.chain, 0); /* in less than a step */
	b = block(0x3000, 1, 1ull << 40, (1 << 23) - 1);
	CHECK_EQ(heap__put(h, &b, &old), 0);
	CHECK_EQ(b.site, (1 << 23) - 1);
	b = block(0x4000, 1, 1, 1 << 23);
	CHECK_EQ(heap__put(h, &b, &old), -ENOMEM);
	heap__free(h);
}

/* At every size up to the worst, what a block costs in all. */
TEST(memory_per_block)
{
	struct heap *h = heap__new();
	double worst = 0, each;
	struct block b;
	size_t memory;

	for (uint64_t i = 1; i <= 2000000; i++) {
		put(h, 0x7f0000000000 + i * 48, 32, i * 64, (uint32_t)(i % 10000));
		if (i >= 1000000 && i % 10000 == 0) {
			each = (double)heap__memory(h) / (double)i;
			worst = each > worst ? each : worst;
		}
		if (i == 1000000)
			CHECK((double)heap__memory(h) / 1e6 <= 48);
	}
	printf("# at most %.1f bytes a block from 1 to 2 million\n", worst);
	CHECK(worst <= 48);
	CHECK(worst >= 32);
	/* What is freed is used again. */
	memory = heap__memory(h);
	for (uint64_t i = 1; i <= 2000000; i++)
		CHECK(heap__take(h, 0x7f0000000000 + i * 48, UINT64_MAX, &b));
	CHECK_EQ(heap__count(h), 0);
	for (uint64_t i = 1; i <= 1000000; i++)
		put(h, 0x550000000000 + i * 32, 32, i * 64, (uint32_t)(i % 10000));
	CHECK(heap__memory(h) < memory + memory / 8);
	heap__free(h);
}

static uint64_t thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Takes away from slow[] which of a million puts takes less than a millisecond of this thread's own
 * time. */
static void keep_slow(bool *slow)
{
	struct heap *h = heap__new();
	uint64_t before, after, slowest = 0;

	before = thread_ns();
	for (uint64_t i = 1; i <= 1000000; i++) {
		put(h, i * 32, 32, i * 64, 0);
		after = thread_ns();
		slow[i] &= after - before > 1000000;
		slowest = after - before > slowest ? after - before : slowest;
		before = after;
	}
	printf("# the slowest of a million puts took %.2f ms\n", (double)slowest / 1e6);
	heap__free(h);
}

/*
 * Growth is spread out: hardly any call takes long. One that moves the whole table is slow each
 * time; what a busy machine does to the clock hits other calls each time.
 */
TEST(no_call_stalls)
{
	bool *slow = malloc(1000001);
	int n = 0;

	memset(slow, true, 1000001);
	for (int i = 0; i < 3; i++)
		keep_slow(slow);
	for (int i = 1; i <= 1000000; i++)
		n += slow[i];
	CHECK(n <= 1);
	free(slow);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What processes inherit from each other, against a model in which each has an array of its own. */
#include "heap/inherited.h"

#include "heap/heap.h"

#include "test.h"

#define ADDRESSES 6000
#define PROCESSES 9

enum has { NOTHING, OWN, INHERITED };

struct process {
	struct heap *heap; /* NULL: there is no such process */
	struct inherited inherited;
	uint8_t has[ADDRESSES]; /* enum has */
	uint64_t size[ADDRESSES];
};

static struct process processes[PROCESSES];
static struct heap_copies copies;
static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return (random_state >> 24) % n;
}

static uint64_t address(size_t slot)
{
	return (slot + 1) * 16;
}

static struct process *any_process(void)
{
	struct process *p = NULL;

	while (!p || !p->heap)
		p = &processes[random_below(PROCESSES)];
	return p;
}

/* malloc gives out no address that the process has already, inherited or not. */
static void allocate(struct process *p, size_t slot)
{
	static uint64_t birth;
	struct block b = { address(slot), random_below(5000), birth += 64,
			   (uint32_t)random_below(7), 0 },
		     old;

	if (p->has[slot] != NOTHING)
		return;
	CHECK_EQ(heap__put(p->heap, &b, &old), 0);
	p->has[slot] = OWN;
	p->size[slot] = b.size;
}

static void release(struct process *p, size_t slot)
{
	bool own, inherited = false;
	struct block b = { 0 };

	own = heap__take(p->heap, address(slot), UINT64_MAX, &b);
	if (!own)
		inherited = inherited__take(&p->inherited, address(slot), &b);
	CHECK_EQ(own ? OWN : inherited ? INHERITED : NOTHING, p->has[slot]);
	CHECK(p->has[slot] == NOTHING || (b.addr == address(slot) && b.size == p->size[slot]));
	p->has[slot] = NOTHING;
}

static void fork_process(struct process *parent)
{
	struct process *child = processes;

	while (child < &processes[PROCESSES] && child->heap)
		child++;
	if (child == &processes[PROCESSES])
		return;
	CHECK_EQ(inherited__fork(&child->inherited, parent->heap, &parent->inherited, &copies), 0);
	child->heap = heap__new();
	for (size_t i = 0; i < ADDRESSES; i++) {
		child->has[i] = parent->has[i] == NOTHING ? NOTHING : INHERITED;
		child->size[i] = parent->size[i];
	}
}

static void end_process(struct process *p)
{
	inherited__free(&p->inherited);
	heap__free(p->heap);
	p->heap = NULL;
}

static void check_process(const struct process *p)
{
	uint64_t own = 0, inherited = 0, cursor = 0, n = 0;
	struct block b;

	for (size_t i = 0; i < ADDRESSES; i++) {
		own += p->has[i] == OWN;
		inherited += p->has[i] == INHERITED;
		CHECK_EQ(heap__find(p->heap, address(i), &b), p->has[i] == OWN);
	}
	CHECK_EQ(heap__count(p->heap), own);
	CHECK_EQ(inherited__count(&p->inherited), inherited);
	for (uint32_t i = 0; i < p->inherited.n; i++)
		for (cursor = 0; heap_copy__next(p->inherited.heaps[i], &cursor, &b); n++)
			CHECK(p->has[b.addr / 16 - 1] == INHERITED &&
			      p->size[b.addr / 16 - 1] == b.size);
	CHECK_EQ(n, inherited);
	own = 0;
	for (uint32_t site = 0, at = 0; site < 7; site++, at = 0)
		while (heap__site_next(p->heap, site, &at, &b))
			own += p->has[b.addr / 16 - 1] == OWN;
	CHECK_EQ(own, heap__count(p->heap));
}

static size_t living(void)
{
	size_t n = 0;

	for (size_t i = 0; i < PROCESSES; i++)
		n += processes[i].heap != NULL;
	return n;
}

static void run_at_random(uint64_t seed, int steps)
{
	random_state = seed;
	processes[0].heap = heap__new();
	memset(processes[0].has, NOTHING, sizeof(processes[0].has));
	for (int i = 0; i < steps; i++) {
		uint64_t what = random_below(2000);
		/* Hot spots, so that some parts are changed between forks and others are not. */
		size_t slot = random_below(random_below(3) ? ADDRESSES : ADDRESSES / 20);

		if (what == 0)
			fork_process(any_process());
		else if (what == 1 && living() > 1)
			end_process(any_process());
		else if (what < 1300)
			allocate(any_process(), slot);
		else
			release(any_process(), slot);
		if (i % 20000 == 19999)
			for (size_t k = 0; k < PROCESSES; k++)
				if (processes[k].heap)
					check_process(&processes[k]);
	}
	for (size_t i = 0; i < PROCESSES; i++)
		if (processes[i].heap)
			end_process(&processes[i]);
}

TEST(random_processes_against_a_model)
{
	copies = (struct heap_copies){ 0 };
	for (uint64_t seed = 1; seed <= 4; seed++) {
		run_at_random(seed, 100000);
		CHECK_EQ(copies.bytes, 0);
		CHECK(!copies.over && !copies.damaged);
	}
}

static void put(struct heap *h, uint64_t addr)
{
	struct block b = { addr, 100, addr, 0, 0 }, old;

	heap__put(h, &b, &old);
}

/* Each process forks the next, allocates and ends: what all generations left stays known. */
TEST(many_generations)
{
	struct inherited from = { 0 }, to;
	struct heap *h = heap__new();
	struct block b;

	copies = (struct heap_copies){ 0 };
	for (uint64_t i = 1; i <= 50; i++) {
		for (uint64_t k = 0; k < i * 10; k++)
			put(h, i << 32 | k << 4);
		CHECK_EQ(inherited__fork(&to, h, &from, &copies), 0);
		inherited__free(&from);
		heap__free(h);
		from = to;
		h = heap__new();
		CHECK(from.n <= INHERITED_HEAPS);
		CHECK_EQ(inherited__count(&from), 5 * i * (i + 1));
	}
	for (uint64_t i = 1; i <= 50; i++)
		for (uint64_t k = 0; k < i * 10; k++)
			CHECK(inherited__take(&from, i << 32 | k << 4, &b) && b.size == 100);
	CHECK_EQ(inherited__count(&from), 0);
	inherited__free(&from);
	heap__free(h);
	CHECK_EQ(copies.bytes, 0);
}

#define MANY 300000
#define CHILDREN 200

/* A fork shares what the parent has, and the parent changes a part of it between two forks. */
TEST(memory_of_many_forks)
{
	static struct inherited children[CHILDREN];
	struct inherited none = { 0 };
	struct heap *h = heap__new();
	size_t first, all;
	struct block b;

	copies = (struct heap_copies){ 0 };
	for (uint64_t i = 1; i <= MANY; i++)
		put(h, i * 16);
	for (int i = 0; i < CHILDREN; i++)
		CHECK_EQ(inherited__fork(&children[i], h, &none, &copies), 0);
	first = copies.bytes / CHILDREN;
	CHECK(first < heap__memory(h) / 1000);
	/* All that the parent changes at once is kept once, for all of them. */
	for (uint64_t i = 1; i <= MANY; i++)
		heap__take(h, i * 16, UINT64_MAX, &b);
	all = copies.bytes;
	CHECK(all > MANY * 32ull);
	CHECK(all < MANY * 64ull + CHILDREN * first);
	for (int i = 0; i < CHILDREN; i++) {
		CHECK(inherited__take(&children[i], 7 * 16, &b));
		CHECK(!inherited__take(&children[i], 7 * 16, &b));
	}
	CHECK(copies.bytes < all + CHILDREN * 8192);
	for (int i = 0; i < CHILDREN; i++)
		inherited__free(&children[i]);
	CHECK_EQ(copies.bytes, 0);
	heap__free(h);
}

TEST(a_limit_that_is_exceeded_is_reported)
{
	struct inherited none = { 0 }, child;
	struct heap *h = heap__new();
	struct block b;

	copies = (struct heap_copies){ .max = 1 << 20 };
	for (uint64_t i = 1; i <= MANY; i++)
		put(h, i * 16);
	CHECK_EQ(inherited__fork(&child, h, &none, &copies), 0);
	CHECK(!copies.over);
	for (uint64_t i = 1; i <= MANY && !copies.over; i++)
		heap__take(h, i * 16, UINT64_MAX, &b);
	CHECK(copies.over && !copies.damaged);
	CHECK(copies.bytes < 2 << 20);
	inherited__free(&child);
	CHECK_EQ(copies.bytes, 0);
	heap__free(h);
}

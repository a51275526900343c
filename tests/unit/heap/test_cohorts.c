/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/cohorts.h"

#include <stddef.h>

#include "test.h"
#include "util/codec.h"

#define S 1000000000ull

static uint64_t below(uint64_t *x, uint64_t n)
{
	*x = *x * 6364136223846793005 + 1442695040888963407;
	return (*x >> 33) % n;
}

static struct cohort sum(const struct cohorts *c)
{
	struct cohort all = { 0 };

	for (unsigned int i = 0; i < c->n; i++) {
		all.alive_bytes += c->cohort[i].alive_bytes;
		all.alive += c->cohort[i].alive;
		all.born += c->cohort[i].born;
	}
	return all;
}

static void check_layout(const struct cohorts *c)
{
	CHECK(c->n >= 1 && c->n <= COHORTS_MAX && c->tick < COHORTS_TICKS);
	CHECK(c->start[0] == 0 && c->start[c->n - 1] == c->tick);
	/* No cohort is wider than half of the age of its youngest, but for a tick. */
	for (unsigned int i = 0; i + 1u < c->n; i++)
		CHECK(c->start[i + 1] - c->start[i] <= 1 + (c->tick - c->start[i + 1] + 1) / 2 * 2);
}

/* At every time up to a month, in steps of all lengths. */
TEST(there_is_room_for_all)
{
	uint64_t x = 1;

	for (uint64_t step = 100000; step < 1000 * S; step *= 3) {
		struct cohorts *c = cohorts__new(5);
		uint64_t now = 5;

		for (int i = 0; i < 2000; i++) {
			now += below(&x, step);
			cohorts__came(c, now, now, 10);
			check_layout(c);
		}
		CHECK_EQ(sum(c).born, 2000);
		CHECK_EQ(sum(c).alive_bytes, 20000);
		free(c);
	}
}

static bool same(const struct cohorts *a, const struct cohorts *b)
{
	return a->n == b->n && !memcmp(a, b, offsetof(struct cohorts, start)) &&
	       !memcmp(a->start, b->start, a->n) &&
	       !memcmp(a->cohort, b->cohort, a->n * sizeof(a->cohort[0]));
}

/* Whether it is brought up to date at each step or once does not matter. */
TEST(catching_up_in_one_step)
{
	uint64_t x = 7, now = 3;
	struct cohorts *often = cohorts__new(3), *once = cohorts__new(3);

	for (int round = 0; round < 200; round++) {
		uint64_t until = now + below(&x, 30 * S);

		for (int i = 0; i < 20; i++)
			cohorts__advance(often, now + (until - now) * (uint64_t)i / 20);
		now = until;
		cohorts__came(often, now, now, 7);
		cohorts__came(once, now, now, 7);
		cohorts__advance(often, now);
		cohorts__advance(once, now);
		CHECK(same(often, once));
	}
	free(often);
	free(once);
}

/* Blocks die in the cohort that they were born in, however these merged since. */
TEST(random_against_model)
{
	struct {
		uint64_t birth, size;
	} live[500];
	struct cohorts *c = cohorts__new(0);
	uint64_t x = 3, now = 0, bytes = 0, deaths = 0, longest = 0;
	size_t n = 0, i;

	for (int k = 0; k < 200000; k++) {
		now += below(&x, k < 100000 ? 1000000 : S / 10);
		if (n < 500 && below(&x, 2)) {
			live[n].birth = now;
			live[n].size = below(&x, 1000);
			cohorts__came(c, now, now, live[n].size);
			bytes += live[n++].size;
		} else if (n) {
			i = below(&x, n);
			cohorts__died(c, now, live[i].birth, live[i].size);
			bytes -= live[i].size;
			longest = now - live[i].birth > longest ? now - live[i].birth : longest;
			deaths++;
			live[i] = live[--n];
		}
		if (k % 1000 == 0) {
			uint64_t died = 0;

			CHECK_EQ(sum(c).alive, n);
			CHECK_EQ(sum(c).alive_bytes, bytes);
			CHECK_EQ(c->bytes, bytes);
			CHECK_EQ(sum(c).born, n + deaths);
			for (int l = 0; l < COHORTS_LIVES; l++)
				died += c->lives[l];
			CHECK_EQ(died, deaths);
		}
	}
	while (n--)
		cohorts__died(c, now, live[n].birth, live[n].size);
	for (i = 0; i < c->n; i++)
		CHECK(!c->cohort[i].alive && !c->cohort[i].alive_bytes);
	CHECK(c->longest >= longest >> COHORTS_UNIT);
	free(c);
}

TEST(least_and_most)
{
	struct cohorts *c = cohorts__new(0);

	cohorts__came(c, 0, 0, 100);
	cohorts__came(c, 40 * S, 40 * S, 50);
	cohorts__died(c, 90 * S, 0, 100);
	cohorts__advance(c, 120 * S);
	CHECK(c->cohort[0].least == 0 && c->cohort[0].most == 100);
	CHECK(c->cohort[c->n - 1].least == 50 && c->cohort[c->n - 1].most == 50);
	CHECK_EQ(c->last, 40 * S >> COHORTS_UNIT);
	CHECK_EQ(c->longest, 90 * S >> COHORTS_UNIT);
	free(c);
}

/* When a block last came or grew, whenever it was born. */
TEST(last_change)
{
	struct cohorts *c = cohorts__new(0);

	cohorts__came(c, 1 * S, 1 * S, 100);
	cohorts__resized(c, 20 * S, 1 * S, -50);
	cohorts__became(c, 30 * S, 1 * S, 50, 1 * S, 50);
	CHECK_EQ(c->last, 1 * S >> COHORTS_UNIT);
	cohorts__resized(c, 40 * S, 1 * S, 50);
	CHECK_EQ(c->last, 40 * S >> COHORTS_UNIT);
	cohorts__became(c, 60 * S, 1 * S, 100, 1 * S, 101);
	CHECK_EQ(c->last, 60 * S >> COHORTS_UNIT);
	cohorts__came(c, 80 * S, 2 * S, 100);
	CHECK_EQ(c->last, 80 * S >> COHORTS_UNIT);
	free(c);
}

TEST(realloc_keeps_the_birth)
{
	struct cohorts *from = cohorts__new(0), *to = cohorts__new(0);

	cohorts__came(from, 1, 1, 10);
	cohorts__came(to, 50 * S, 50 * S, 1);
	cohorts__left(from, 60 * S, 1, 10);
	cohorts__came(to, 60 * S, 1, 20);
	CHECK_EQ(sum(from).born, 0);
	CHECK_EQ(sum(from).alive, 0);
	CHECK_EQ(from->longest, 0);
	CHECK_EQ(to->cohort[0].born, 1);
	CHECK_EQ(to->cohort[0].alive_bytes, 20);
	cohorts__became(to, 61 * S, 1, 20, 2, 40);
	CHECK_EQ(to->cohort[0].born, 1);
	CHECK_EQ(to->cohort[0].alive_bytes, 40);
	cohorts__resized(to, 62 * S, 2, -5);
	CHECK_EQ(to->cohort[0].alive_bytes, 35);
	CHECK_EQ(to->bytes, 36);
	free(from);
	free(to);
}

/* Two sites of one beginning as one; and one that began later. */
TEST(united)
{
	struct cohorts *a = cohorts__new(0), *b = cohorts__new(0), *both = cohorts__new(0);
	struct cohorts *late = cohorts__new(70 * S);

	for (uint64_t t = 0; t < 100; t++) {
		struct cohorts *one = t % 3 ? a : b;

		cohorts__came(one, t * S, t * S, t);
		cohorts__came(both, t * S, t * S, t);
		if (t % 5 == 4) {
			cohorts__died(one, t * S + S / 2, t * S, t);
			cohorts__died(both, t * S + S / 2, t * S, t);
		}
	}
	cohorts__advance(a, 100 * S);
	cohorts__advance(b, 100 * S);
	cohorts__advance(both, 100 * S);
	cohorts__unite(a, b);
	CHECK_EQ(a->n, both->n);
	for (unsigned int i = 0; i < both->n; i++) {
		CHECK_EQ(a->cohort[i].alive_bytes, both->cohort[i].alive_bytes);
		CHECK_EQ(a->cohort[i].born, both->cohort[i].born);
	}
	CHECK(!memcmp(a->lives, both->lives, sizeof(a->lives)));
	CHECK_EQ(a->bytes, both->bytes);
	for (uint64_t t = 70; t < 130; t++)
		cohorts__came(late, t * S, t * S, 1);
	cohorts__unite(late, a);
	CHECK_EQ(late->origin, 0);
	CHECK_EQ(sum(late).born, 160);
	CHECK_EQ(sum(late).alive_bytes, 60 + both->bytes);
	check_layout(late);
	free(a);
	free(b);
	free(both);
	free(late);
}

TEST(saved_and_loaded)
{
	struct cohorts *c = cohorts__new(9), *again;
	struct strbuf sb = { 0 };
	struct cursor in;

	for (uint64_t t = 0; t < 1000; t++) {
		cohorts__came(c, t * S, t * S, t);
		if (t % 3 == 0)
			cohorts__died(c, t * S + 1, t * S, t);
	}
	cohorts__save(c, &sb);
	in = (struct cursor){ (const uint8_t *)sb.data, (const uint8_t *)sb.data + sb.len, false };
	again = cohorts__load(&in);
	CHECK(again && !in.bad && in.p == in.end);
	CHECK(same(again, c));
	free(again);
	/* Damaged in any byte, it is refused or sound. */
	for (size_t i = 0; i < sb.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			sb.data[i] ^= (char)(1 << bit);
			in = (struct cursor){ (const uint8_t *)sb.data,
					      (const uint8_t *)sb.data + sb.len, false };
			again = cohorts__load(&in);
			if (again) {
				cohorts__came(again, 1500 * S, 1500 * S, 1);
				cohorts__died(again, 2500 * S, 9, 1);
				CHECK(again->n <= COHORTS_MAX);
			}
			free(again);
			sb.data[i] ^= (char)(1 << bit);
		}
	}
	strbuf__free(&sb);
	free(c);
}

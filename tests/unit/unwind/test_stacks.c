/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/stacks.h"

#include <errno.h>

#include "test.h"

static struct stack *make(uint64_t id, uint16_t n, uint64_t first)
{
	struct stack *st = calloc(1, sizeof(*st) + n * sizeof(st->frames[0]));

	st->id = id;
	st->pid = 42;
	st->n = n;
	st->end = 3;
	for (unsigned int i = 0; i < n; i++)
		st->frames[i] = (struct frame){ first + i, first + i + 1000, i };
	return st;
}

static int add_stack(struct stacks *s, uint64_t id, uint16_t n, uint64_t first)
{
	struct stack *st = make(id, n, first);
	int err = stacks__add(s, st);

	free(st);
	return err;
}

TEST(each_stack_is_stored_once)
{
	struct stacks *s = stacks__new();
	const struct stack *st;

	CHECK(!stacks__get(s, 7));
	CHECK_EQ(add_stack(s, 7, 3, 100), 0);
	CHECK_EQ(add_stack(s, 7, 3, 100), 1);
	CHECK_EQ(add_stack(s, 7, 3, 200), -EEXIST);
	CHECK_EQ(add_stack(s, 7, 2, 100), -EEXIST);
	CHECK_EQ(add_stack(s, 0, 0, 0), 0);
	CHECK_EQ(stacks__count(s), 2);
	st = stacks__get(s, 7);
	CHECK(st && st->id == 7 && st->pid == 42 && st->n == 3 && st->end == 3);
	CHECK(st && st->frames[2].pc == 102 && st->frames[2].offset == 1102 &&
	      st->frames[2].module == 2);
	stacks__free(s);
	stacks__free(NULL);
}

TEST(stacks_stay_valid_while_the_store_grows)
{
	struct stacks *s = stacks__new();
	const struct stack *first, *st;
	size_t before;

	add_stack(s, 1, 5, 50);
	first = stacks__get(s, 1);
	before = stacks__memory(s);
	for (uint64_t id = 2; id <= 20000; id++)
		CHECK_EQ(add_stack(s, id, (uint16_t)(id % 127 + 1), id * 3), 0);
	CHECK_EQ(stacks__count(s), 20000);
	CHECK(stacks__get(s, 1) == first && first->frames[4].pc == 54);
	for (uint64_t id = 2; id <= 20000; id++) {
		st = stacks__get(s, id);
		CHECK(st && st->id == id && st->n == id % 127 + 1);
		if (st && st->n)
			CHECK_EQ(st->frames[st->n - 1].pc, id * 3 + st->n - 1);
	}
	CHECK(stacks__memory(s) > before + 20000 * 63 * sizeof(struct frame));
	CHECK(stacks__memory(s) < before + 20000 * (64 * sizeof(struct frame) + 100));
	stacks__free(s);
}

TEST(many_ids_for_one_stack)
{
	struct stacks *s = stacks__new();
	struct stack *other = make(9, 3, 100);
	const struct stack *first;

	add_stack(s, 7, 3, 100);
	first = stacks__get(s, 7);
	CHECK_EQ(add_stack(s, 8, 3, 100), 0); /* the same code, added under another id */
	CHECK(stacks__get(s, 8) == first);
	CHECK_EQ(add_stack(s, 8, 3, 100), 1);
	for (int i = 0; i < 3; i++)
		other->frames[i].pc += 0x1000; /* mapped elsewhere: still the same code */
	CHECK_EQ(stacks__add(s, other), 0);
	CHECK(stacks__get(s, 9) == first);
	other->id = 10;
	other->frames[2].offset++; /* other code */
	CHECK_EQ(stacks__add(s, other), 0);
	CHECK(stacks__get(s, 10) != first);
	other->id = 11;
	other->pid++; /* of another process */
	CHECK_EQ(stacks__add(s, other), 0);
	CHECK_EQ(stacks__get(s, 11)->id, 10);
	other->id = 12;
	other->frames[1].module = FRAME_NO_MODULE; /* in no file: private to that process */
	CHECK_EQ(stacks__add(s, other), 0);
	CHECK_EQ(stacks__get(s, 12)->id, 12);
	other->id = 13;
	other->pid--;
	CHECK_EQ(stacks__add(s, other), 0);
	CHECK_EQ(stacks__get(s, 13)->id, 13);
	CHECK_EQ(stacks__count(s), 4);
	free(other);
	stacks__free(s);
}

TEST(a_large_stack)
{
	struct stacks *s = stacks__new();

	CHECK_EQ(add_stack(s, 1, 60000, 1), 0);
	CHECK_EQ(add_stack(s, 2, 1, 1), 0);
	CHECK_EQ(stacks__get(s, 1)->frames[59999].pc, 60000);
	stacks__free(s);
}

TEST(an_id_is_forgotten_but_not_its_stack)
{
	struct stacks *s = stacks__new();

	add_stack(s, 7, 3, 100);
	add_stack(s, 8, 3, 100);
	stacks__forget(s, 8);
	CHECK(!stacks__get(s, 8));
	stacks__forget(s, 7); /* its own */
	stacks__forget(s, 9); /* unknown */
	CHECK(stacks__get(s, 7));
	CHECK_EQ(add_stack(s, 8, 3, 100), 0);
	CHECK_EQ(stacks__get(s, 8)->id, 7);
	stacks__free(s);
}

static bool is_even(void *ctx, const struct stack *st)
{
	return ++*(int *)ctx && st->id % 2 == 0;
}

TEST(a_sweep_frees_what_is_not_kept)
{
	struct stacks *s = stacks__new();
	const struct stack *kept;
	size_t full, n = 0;
	int asked = 0;

	while (!stacks__due(s, false)) {
		n++;
		add_stack(s, n, 20, n * 100);
	}
	CHECK(n > 1000);
	add_stack(s, 1000001, 20, 100); /* another ID of stack 1, */
	add_stack(s, 1000002, 20, 200); /* and of stack 2 */
	kept = stacks__get(s, 2);
	full = stacks__memory(s);
	CHECK_EQ(stacks__sweep(s, is_even, &asked), (n + 1) / 2);
	CHECK_EQ(asked, n);
	CHECK_EQ(stacks__count(s), n / 2);
	CHECK(!stacks__due(s, false));
	CHECK(stacks__memory(s) < full * 2 / 3);
	CHECK(!stacks__get(s, 1) && !stacks__get(s, 1000001));
	CHECK(stacks__get(s, 2) == kept && stacks__get(s, 1000002) == kept);
	/* What was freed may come again. */
	CHECK_EQ(add_stack(s, 1000001, 20, 100), 0);
	CHECK_EQ(stacks__get(s, 1000001)->id, 1000001);
	stacks__free(s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/hashmap.h"

#define SWEEP_MIN 4096 /* stacks; fewer are not swept */

struct stacks {
	struct hashmap *by_id;
	struct hashmap *by_code; /* by a hash of the frames' places */
	size_t memory, swept;	 /* bytes of stacks; stacks after the last sweep */
};

static size_t size_of(const struct stack *st)
{
	return sizeof(*st) + st->n * sizeof(st->frames[0]);
}

struct stacks *stacks__new(void)
{
	struct stacks *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->by_id = hashmap__new();
	s->by_code = hashmap__new();
	if (s->by_id && s->by_code)
		return s;
	stacks__free(s);
	errno = ENOMEM;
	return NULL;
}

void stacks__free(struct stacks *s)
{
	struct stack *st;
	size_t pos = 0;

	if (!s)
		return;
	while (s->by_code && (st = hashmap__next_ptr(s->by_code, &pos, NULL)))
		free(st);
	hashmap__free(s->by_id);
	hashmap__free(s->by_code);
	free(s);
}

/* Returns 0 if every frame is in a file: then it does not matter which process has the stack. */
static uint32_t owning_pid(const struct stack *st)
{
	for (unsigned int i = 0; i < st->n; i++)
		if (st->frames[i].module == FRAME_NO_MODULE)
			return st->pid;
	return 0;
}

static bool same_code(const void *pa, const void *pb)
{
	const struct stack *a = pa, *b = pb;

	if (a->n != b->n || owning_pid(a) != owning_pid(b) || a->end != b->end)
		return false;
	for (unsigned int i = 0; i < a->n; i++)
		if (a->frames[i].module != b->frames[i].module ||
		    a->frames[i].offset != b->frames[i].offset)
			return false;
	return true;
}

static uint64_t hash_code(const struct stack *st)
{
	uint64_t h = hash__mix(owning_pid(st), st->n);

	for (unsigned int i = 0; i < st->n; i++)
		h = hash__mix(h, hash__mix(st->frames[i].module, st->frames[i].offset));
	return h;
}

/* Compares calls, not what they resolved to, which depends on the mappings known at that time. */
static bool same_calls(const struct stack *a, const struct stack *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned int i = 0; i < a->n; i++)
		if (a->frames[i].pc != b->frames[i].pc)
			return false;
	return true;
}

static int store_stack(struct stacks *s, const struct stack *st, uint64_t code)
{
	struct stack *copy = malloc(size_of(st));

	if (!copy)
		return -ENOMEM;
	memcpy(copy, st, size_of(st));
	if (hashmap__set_ptr(s->by_id, st->id, copy))
		goto fail;
	if (hashmap__add_ptr(s->by_code, code, copy)) {
		hashmap__remove(s->by_id, st->id, NULL);
		goto fail;
	}
	s->memory += size_of(st);
	return 0;
fail:
	free(copy);
	return -ENOMEM;
}

int stacks__add(struct stacks *s, const struct stack *st)
{
	const struct stack *known = hashmap__get_ptr(s->by_id, st->id);
	uint64_t code;

	if (known)
		return same_calls(known, st) || same_code(known, st) ? 1 : -EEXIST;
	code = hash_code(st);
	known = hashmap__find_ptr(s->by_code, code, same_code, st);
	return known ? hashmap__set_ptr(s->by_id, st->id, known) : store_stack(s, st, code);
}

const struct stack *stacks__get(const struct stacks *s, uint64_t id)
{
	return hashmap__get_ptr(s->by_id, id);
}

void stacks__forget(struct stacks *s, uint64_t id)
{
	const struct stack *st = hashmap__get_ptr(s->by_id, id);

	if (st && st->id != id)
		hashmap__remove(s->by_id, id, NULL);
}

/* ---- sweeps ---- */

bool stacks__due(const struct stacks *s, bool scarce)
{
	size_t n = hashmap__count(s->by_code);

	return n > 2 * s->swept + SWEEP_MIN || (scarce && n > s->swept + s->swept / 8 + SWEEP_MIN);
}

/* The stacks that stay, by their code, and the others in a list. Returns 0 or -ENOMEM. */
static int divide(const struct stacks *s, stacks_keep_fn keeps, void *ctx, struct hashmap *by_code,
		  struct hashmap *gone)
{
	struct stack *st;
	size_t pos = 0;
	uint64_t code;
	int err = 0;

	while (!err && (st = hashmap__next_ptr(s->by_code, &pos, &code)))
		err = keeps(ctx, st) ? hashmap__add_ptr(by_code, code, st)
				     : hashmap__set_ptr(gone, (uintptr_t)st, st);
	return err;
}

static int copy_ids(const struct stacks *s, const struct hashmap *gone, struct hashmap *by_id)
{
	struct stack *st;
	size_t pos = 0;
	uint64_t id;
	int err = 0;

	while (!err && (st = hashmap__next_ptr(s->by_id, &pos, &id)))
		if (!hashmap__get_ptr(gone, (uintptr_t)st))
			err = hashmap__set_ptr(by_id, id, st);
	return err;
}

int64_t stacks__sweep(struct stacks *s, stacks_keep_fn keeps, void *ctx)
{
	struct hashmap *by_id = hashmap__new(), *by_code = hashmap__new(), *gone = hashmap__new();
	int64_t n = by_id && by_code && gone ? 0 : -ENOMEM;
	struct stack *st;
	size_t pos = 0;

	if (!n)
		n = divide(s, keeps, ctx, by_code, gone);
	if (!n)
		n = copy_ids(s, gone, by_id);
	if (n) {
		hashmap__free(by_id);
		hashmap__free(by_code);
		hashmap__free(gone);
		return n;
	}
	for (; (st = hashmap__next_ptr(gone, &pos, NULL)); n++) {
		s->memory -= size_of(st);
		free(st);
	}
	hashmap__free(gone);
	hashmap__free(s->by_id);
	hashmap__free(s->by_code);
	s->by_id = by_id;
	s->by_code = by_code;
	s->swept = hashmap__count(by_code);
	return n;
}

bool stacks__next(const struct stacks *s, size_t *pos, uint64_t *id, const struct stack **st)
{
	*st = hashmap__next_ptr(s->by_id, pos, id);
	return *st;
}

size_t stacks__count(const struct stacks *s)
{
	return hashmap__count(s->by_code);
}

size_t stacks__memory(const struct stacks *s)
{
	return sizeof(*s) + s->memory + hashmap__memory(s->by_id) + hashmap__memory(s->by_code);
}

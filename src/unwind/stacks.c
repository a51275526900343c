/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/hashmap.h"

/* Stacks live as long as the store, so they are cut from slabs and freed with them. */
#define SLAB_BYTES (64 * 1024)

struct slab {
	struct slab *next;
	size_t used, size;
	max_align_t data[];
};

struct stacks {
	struct hashmap *by_id;
	struct hashmap *by_code; /* by a hash of the frames' places */
	struct slab *slabs;	 /* the first one has room */
	size_t memory;
};

struct stacks *stacks__new(void)
{
	struct stacks *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->by_id = hashmap__new();
	s->by_code = hashmap__new();
	if (!s->by_id || !s->by_code) {
		hashmap__free(s->by_id);
		hashmap__free(s->by_code);
		free(s);
		errno = ENOMEM;
		return NULL;
	}
	return s;
}

void stacks__free(struct stacks *s)
{
	struct slab *slab, *next;

	if (!s)
		return;
	for (slab = s->slabs; slab; slab = next) {
		next = slab->next;
		free(slab);
	}
	hashmap__free(s->by_id);
	hashmap__free(s->by_code);
	free(s);
}

/* Finds room for a stack at the end of the first slab, without claiming it. */
static struct stack *reserve_stack(struct stacks *s, size_t need)
{
	size_t size = need > SLAB_BYTES ? need : SLAB_BYTES;
	struct slab *slab = s->slabs;

	if (!slab || slab->size - slab->used < need) {
		slab = malloc(sizeof(*slab) + size);
		if (!slab)
			return NULL;
		*slab = (struct slab){ .next = s->slabs, .size = size };
		s->slabs = slab;
		s->memory += sizeof(*slab) + size;
	}
	return (struct stack *)((char *)slab->data + slab->used);
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

/* The copy is complete before it can be found, even if finding it by its code fails. */
static int store_stack(struct stacks *s, const struct stack *st, uint64_t code)
{
	size_t size = sizeof(*st) + st->n * sizeof(st->frames[0]);
	struct stack *copy = reserve_stack(s, size);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, st, size);
	s->slabs->used += (size + sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t);
	if (hashmap__set_ptr(s->by_id, st->id, copy) || hashmap__add_ptr(s->by_code, code, copy))
		return -ENOMEM;
	return 0;
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

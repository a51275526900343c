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
	struct hashmap *by_code; /* a hash of the frames' places; on collision the next free key */
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

/* Room for a stack at the end of the first slab, not yet claimed. */
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

/* 0 if every frame lies in a file: then it does not matter which process has the stack. */
static uint32_t owning_pid(const struct stack *st)
{
	for (unsigned int i = 0; i < st->n; i++)
		if (st->frames[i].module == FRAME_NO_MODULE)
			return st->pid;
	return 0;
}

static bool same_code(const struct stack *a, const struct stack *b)
{
	if (a->n != b->n || owning_pid(a) != owning_pid(b) || a->end != b->end)
		return false;
	for (unsigned int i = 0; i < a->n; i++)
		if (a->frames[i].module != b->frames[i].module ||
		    a->frames[i].offset != b->frames[i].offset)
			return false;
	return true;
}

/* The stored stack in the same code, or NULL; then *key is free for this one. */
static const struct stack *find_code(const struct stacks *s, const struct stack *st, uint64_t *key)
{
	uintptr_t known;

	*key = hash__mix(owning_pid(st), st->n);
	for (unsigned int i = 0; i < st->n; i++)
		*key = hash__mix(*key, hash__mix(st->frames[i].module, st->frames[i].offset));
	for (; hashmap__get(s->by_code, *key, &known); ++*key)
		if (same_code((const struct stack *)known, st))
			return (const struct stack *)known;
	return NULL;
}

/* Whether the calls are the same: what they resolved to depends on what was known of the mappings
 * at that time. */
static bool same_calls(const struct stack *a, const struct stack *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned int i = 0; i < a->n; i++)
		if (a->frames[i].pc != b->frames[i].pc)
			return false;
	return true;
}

int stacks__add(struct stacks *s, const struct stack *st)
{
	size_t size = sizeof(*st) + st->n * sizeof(st->frames[0]);
	const struct stack *older;
	struct stack *copy;
	uintptr_t known;
	uint64_t key;

	if (hashmap__get(s->by_id, st->id, &known)) {
		older = (const struct stack *)known;
		return same_calls(older, st) || same_code(older, st) ? 1 : -EEXIST;
	}
	older = find_code(s, st, &key);
	if (older)
		return hashmap__set(s->by_id, st->id, (uintptr_t)older);
	copy = reserve_stack(s, size);
	if (!copy || hashmap__set(s->by_id, st->id, (uintptr_t)copy) ||
	    hashmap__set(s->by_code, key, (uintptr_t)copy))
		return -ENOMEM;
	memcpy(copy, st, size);
	s->slabs->used += (size + sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t);
	return 0;
}

const struct stack *stacks__get(const struct stacks *s, uint64_t id)
{
	uintptr_t known;

	return hashmap__get(s->by_id, id, &known) ? (const struct stack *)known : NULL;
}

bool stacks__next(const struct stacks *s, size_t *pos, uint64_t *id, const struct stack **st)
{
	uintptr_t known;

	if (!hashmap__next(s->by_id, pos, id, &known))
		return false;
	*st = (const struct stack *)known;
	return true;
}

size_t stacks__count(const struct stacks *s)
{
	return hashmap__count(s->by_code);
}

size_t stacks__memory(const struct stacks *s)
{
	return sizeof(*s) + s->memory + hashmap__memory(s->by_id) + hashmap__memory(s->by_code);
}

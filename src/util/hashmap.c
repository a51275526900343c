/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Uses open addressing with linear probing, at most three quarters full. `tag` holds one byte for
 * each slot: 0 for an empty one, else seven bits of the key's hash, so that no key has to be
 * reserved and a probe mostly reads tags. Removal moves later entries of the run back, so there are
 * no tombstones, and a map stays fast however long it is changed.
 */
#include "util/hashmap.h"

#include <errno.h>
#include <stdlib.h>

struct slot {
	uint64_t key;
	uintptr_t value;
};

struct hashmap {
	struct slot *slots;
	uint8_t *tag;
	size_t mask; /* slots - 1 */
	size_t count;
};

#define FIRST_SLOTS 16

static uint64_t spread(uint64_t key)
{
	key = (key ^ (key >> 32)) * 0xd6e8feb86659fd93;
	key = (key ^ (key >> 32)) * 0xd6e8feb86659fd93;
	return key ^ (key >> 32);
}

static uint8_t tag_of(uint64_t h)
{
	return (uint8_t)(h >> 57) | 0x80;
}

/* The key's slot, or the empty one where it would go. */
static size_t probe(const struct hashmap *m, uint64_t key)
{
	uint64_t h = spread(key);
	uint8_t tag = tag_of(h);
	size_t i = h & m->mask;

	while (m->tag[i] && !(m->tag[i] == tag && m->slots[i].key == key))
		i = (i + 1) & m->mask;
	return i;
}

/* The empty slot where one more entry of the key goes. */
static size_t probe_empty(const struct hashmap *m, uint64_t key)
{
	size_t i = spread(key) & m->mask;

	while (m->tag[i])
		i = (i + 1) & m->mask;
	return i;
}

static int allocate_slots(struct hashmap *m, size_t slots)
{
	m->slots = calloc(slots, sizeof(*m->slots));
	m->tag = calloc(slots, sizeof(*m->tag));
	if (!m->slots || !m->tag) {
		free(m->slots);
		free(m->tag);
		return -ENOMEM;
	}
	m->mask = slots - 1;
	return 0;
}

struct hashmap *hashmap__new(void)
{
	struct hashmap *m = calloc(1, sizeof(*m));

	if (!m || allocate_slots(m, FIRST_SLOTS)) {
		free(m);
		errno = ENOMEM;
		return NULL;
	}
	return m;
}

void hashmap__free(struct hashmap *m)
{
	if (!m)
		return;
	free(m->slots);
	free(m->tag);
	free(m);
}

static int double_slots(struct hashmap *m)
{
	struct hashmap bigger = { .count = m->count };
	size_t at;

	if (allocate_slots(&bigger, (m->mask + 1) * 2))
		return -ENOMEM;
	for (size_t i = 0; i <= m->mask; i++) {
		if (!m->tag[i])
			continue;
		at = probe_empty(&bigger, m->slots[i].key);
		bigger.slots[at] = m->slots[i];
		bigger.tag[at] = m->tag[i];
	}
	free(m->slots);
	free(m->tag);
	*m = bigger;
	return 0;
}

int hashmap__add(struct hashmap *m, uint64_t key, uintptr_t value)
{
	size_t i;

	if ((m->count + 1) * 4 > (m->mask + 1) * 3 && double_slots(m))
		return -ENOMEM;
	i = probe_empty(m, key);
	m->tag[i] = tag_of(spread(key));
	m->slots[i] = (struct slot){ .key = key, .value = value };
	m->count++;
	return 0;
}

int hashmap__set(struct hashmap *m, uint64_t key, uintptr_t value)
{
	size_t i = probe(m, key);

	if (!m->tag[i])
		return hashmap__add(m, key, value);
	m->slots[i].value = value;
	return 0;
}

bool hashmap__get(const struct hashmap *m, uint64_t key, uintptr_t *value)
{
	size_t i = probe(m, key);

	if (!m->tag[i])
		return false;
	*value = m->slots[i].value;
	return true;
}

bool hashmap__find(const struct hashmap *m, uint64_t key, hashmap_equal_fn equal,
		   const void *wanted, uintptr_t *value)
{
	uint64_t h = spread(key);
	uint8_t tag = tag_of(h);

	for (size_t i = h & m->mask; m->tag[i]; i = (i + 1) & m->mask) {
		if (m->tag[i] != tag || m->slots[i].key != key || !equal(m->slots[i].value, wanted))
			continue;
		if (value)
			*value = m->slots[i].value;
		return true;
	}
	return false;
}

void *hashmap__find_ptr(const struct hashmap *m, uint64_t key, hashmap_equal_ptr_fn equal,
			const void *wanted)
{
	uint64_t h = spread(key);
	uint8_t tag = tag_of(h);

	for (size_t i = h & m->mask; m->tag[i]; i = (i + 1) & m->mask) {
		void *entry = (void *)m->slots[i].value;

		if (m->tag[i] == tag && m->slots[i].key == key && equal(entry, wanted))
			return entry;
	}
	return NULL;
}

bool hashmap__remove(struct hashmap *m, uint64_t key, uintptr_t *value)
{
	size_t hole = probe(m, key), i, home;

	if (!m->tag[hole])
		return false;
	if (value)
		*value = m->slots[hole].value;
	for (i = (hole + 1) & m->mask; m->tag[i]; i = (i + 1) & m->mask) {
		home = spread(m->slots[i].key) & m->mask;
		/* It may move back to the hole unless its home lies between the two. */
		if (((i - home) & m->mask) < ((i - hole) & m->mask))
			continue;
		m->slots[hole] = m->slots[i];
		m->tag[hole] = m->tag[i];
		hole = i;
	}
	m->tag[hole] = 0;
	m->count--;
	return true;
}

size_t hashmap__count(const struct hashmap *m)
{
	return m->count;
}

size_t hashmap__memory(const struct hashmap *m)
{
	return sizeof(*m) + (m->mask + 1) * (sizeof(*m->slots) + sizeof(*m->tag));
}

bool hashmap__next(const struct hashmap *m, size_t *pos, uint64_t *key, uintptr_t *value)
{
	for (; *pos <= m->mask; ++*pos) {
		if (!m->tag[*pos])
			continue;
		if (key)
			*key = m->slots[*pos].key;
		if (value)
			*value = m->slots[*pos].value;
		++*pos;
		return true;
	}
	return false;
}

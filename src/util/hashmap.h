/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash map from 64-bit keys to numbers or pointers. Any key and any value may be used. The map
 * does not own what its pointers point to.
 *
 * A map is used in one of two ways. If the key itself identifies an entry: hashmap__set, get,
 * remove. If the key is only a hash of something larger, several entries may share one:
 * hashmap__find compares them with an equality function and hashmap__add adds another. One map
 * should not mix hashmap__add with hashmap__set and remove, which act on just one of the entries.
 */
#ifndef MEMTRACE_UTIL_HASHMAP_H
#define MEMTRACE_UTIL_HASHMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/hash.h"

struct hashmap;

struct hashmap *hashmap__new(void);    /* NULL on failure, errno set */
void hashmap__free(struct hashmap *m); /* takes NULL */
size_t hashmap__count(const struct hashmap *m);
size_t hashmap__memory(const struct hashmap *m); /* bytes that it holds */

/* ---- numbers ---- */

int hashmap__set(struct hashmap *m, uint64_t key, uintptr_t value); /* 0 or -ENOMEM */
bool hashmap__get(const struct hashmap *m, uint64_t key, uintptr_t *value);
bool hashmap__remove(struct hashmap *m, uint64_t key, uintptr_t *value); /* value may be NULL */
/* Iterates: start with *pos = 0; false at the end. The map must not change meanwhile. key and value
 * may be NULL. */
bool hashmap__next(const struct hashmap *m, size_t *pos, uint64_t *key, uintptr_t *value);

/* Returns whether the entry with this value is the wanted one. */
typedef bool (*hashmap_equal_fn)(uintptr_t value, const void *wanted);

/* Finds an entry with this key for which `equal` is true. value may be NULL. */
bool hashmap__find(const struct hashmap *m, uint64_t key, hashmap_equal_fn equal,
		   const void *wanted, uintptr_t *value);
/* Adds an entry, even if others have the same key. Returns 0 or -ENOMEM. */
int hashmap__add(struct hashmap *m, uint64_t key, uintptr_t value);

/* ---- pointers: likewise, with NULL for "none" ---- */

static inline int hashmap__set_ptr(struct hashmap *m, uint64_t key, const void *p)
{
	return hashmap__set(m, key, (uintptr_t)p);
}

static inline int hashmap__add_ptr(struct hashmap *m, uint64_t key, const void *p)
{
	return hashmap__add(m, key, (uintptr_t)p);
}

static inline void *hashmap__get_ptr(const struct hashmap *m, uint64_t key)
{
	uintptr_t value;

	return hashmap__get(m, key, &value) ? (void *)value : NULL;
}

static inline void *hashmap__remove_ptr(struct hashmap *m, uint64_t key)
{
	uintptr_t value;

	return hashmap__remove(m, key, &value) ? (void *)value : NULL;
}

static inline void *hashmap__next_ptr(const struct hashmap *m, size_t *pos, uint64_t *key)
{
	uintptr_t value;

	return hashmap__next(m, pos, key, &value) ? (void *)value : NULL;
}

/* `entry` is a pointer that the map holds. */
typedef bool (*hashmap_equal_ptr_fn)(const void *entry, const void *wanted);

void *hashmap__find_ptr(const struct hashmap *m, uint64_t key, hashmap_equal_ptr_fn equal,
			const void *wanted);

#endif

/* A hash map from a 64-bit key to a pointer-sized value: open addressing, any key but none
 * reserved. */
#ifndef MEMTRACE_UTIL_HASHMAP_H
#define MEMTRACE_UTIL_HASHMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hashmap;

struct hashmap *hashmap__new(void);    /* NULL and errno */
void hashmap__free(struct hashmap *m); /* takes NULL; values are the caller's */
int hashmap__set(struct hashmap *m, uint64_t key, uintptr_t value); /* 0 or -ENOMEM */
bool hashmap__get(const struct hashmap *m, uint64_t key, uintptr_t *value);
bool hashmap__remove(struct hashmap *m, uint64_t key, uintptr_t *value); /* value may be NULL */
size_t hashmap__count(const struct hashmap *m);
size_t hashmap__memory(const struct hashmap *m); /* bytes it holds */
/* Start with *pos = 0; false at the end. The map must not change meanwhile. key, value may be NULL.
 */
bool hashmap__next(const struct hashmap *m, size_t *pos, uint64_t *key, uintptr_t *value);

/* A good 64-bit mixer, for keys made of several parts. */
uint64_t hashmap__mix(uint64_t a, uint64_t b);

#endif

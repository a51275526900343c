/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/strtab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/hash.h"

/* Size of the first chunk: each further one is as large as all before it together, since many
 * tables are small. */
#define CHUNK_MIN 256
#define CHUNK_MAX 16384
#define FIRST_SLOTS 16

/* The bytes are in chunks that never move; a string longer than a chunk gets one of its own. */
struct chunk {
	struct chunk *next;
	size_t used, cap;
	char data[];
};

struct strtab {
	struct chunk *chunks;
	const char **strings;
	uint32_t count, cap;
	uint32_t *slots; /* open addressing: number + 1, 0 for a free slot */
	uint32_t nslots; /* a power of two */
	size_t chunk_bytes;
	int error;
};

/* The slot that holds `s`, or the free one where it belongs. */
static uint32_t *find_slot(const struct strtab *t, const char *s)
{
	uint64_t h = hash__string(HASH_START, s);
	uint32_t i = (uint32_t)(h ^ h >> 32) & (t->nslots - 1);

	while (t->slots[i] && strcmp(t->strings[t->slots[i] - 1], s))
		i = (i + 1) & (t->nslots - 1);
	return &t->slots[i];
}

static int double_slots(struct strtab *t)
{
	uint32_t nslots = t->nslots ? t->nslots * 2 : FIRST_SLOTS, *slots;
	const char **strings;

	/* At most half full. */
	if (t->count + 1 <= t->nslots / 2)
		return 0;
	if (nslots < t->nslots)
		return -ENOMEM;
	strings = reallocarray(t->strings, nslots / 2, sizeof(*strings));
	if (!strings)
		return -ENOMEM;
	t->strings = strings;
	slots = calloc(nslots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(t->slots);
	t->slots = slots;
	t->nslots = nslots;
	for (uint32_t i = 0; i < t->count; i++)
		*find_slot(t, t->strings[i]) = i + 1;
	return 0;
}

static struct chunk *add_chunk(struct strtab *t, size_t len)
{
	size_t cap = t->chunk_bytes < CHUNK_MIN	  ? CHUNK_MIN
		     : t->chunk_bytes < CHUNK_MAX ? t->chunk_bytes
						  : CHUNK_MAX;
	struct chunk *c;

	if (cap < len)
		cap = len;
	c = malloc(sizeof(*c) + cap);
	if (!c)
		return NULL;
	*c = (struct chunk){ .next = t->chunks, .cap = cap };
	t->chunks = c;
	t->chunk_bytes += sizeof(*c) + cap;
	return c;
}

static const char *store_string(struct strtab *t, const char *s)
{
	size_t len = strlen(s) + 1;
	struct chunk *c = t->chunks;
	char *copy;

	if (!c || c->cap - c->used < len)
		c = add_chunk(t, len);
	if (!c)
		return NULL;
	copy = memcpy(c->data + c->used, s, len);
	c->used += len;
	return copy;
}

struct strtab *strtab__new(void)
{
	struct strtab *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	strtab__add(t, "");
	if (t->error) {
		strtab__free(t);
		errno = ENOMEM;
		return NULL;
	}
	return t;
}

void strtab__free(struct strtab *t)
{
	struct chunk *next;

	if (!t)
		return;
	for (struct chunk *c = t->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	free(t->strings);
	free(t->slots);
	free(t);
}

uint32_t strtab__add(struct strtab *t, const char *s)
{
	const char *copy;
	uint32_t *at;

	if (double_slots(t))
		goto fail;
	at = find_slot(t, s);
	if (*at)
		return *at - 1;
	copy = store_string(t, s);
	if (!copy)
		goto fail;
	t->strings[t->count] = copy;
	*at = ++t->count;
	return t->count - 1;
fail:
	t->error = -ENOMEM;
	return 0;
}

const char *strtab__get(const struct strtab *t, uint32_t i)
{
	return i < t->count ? t->strings[i] : "";
}

const char *strtab__copy(struct strtab *t, const char *s)
{
	uint32_t i = s ? strtab__add(t, s) : 0;

	/* 0 for any string but "" means failure. */
	return s && (i || !*s) ? strtab__get(t, i) : NULL;
}

uint32_t strtab__count(const struct strtab *t)
{
	return t->count;
}

int strtab__error(const struct strtab *t)
{
	return t->error;
}

size_t strtab__memory(const struct strtab *t)
{
	return sizeof(*t) + t->chunk_bytes + t->nslots * sizeof(*t->slots) +
	       t->nslots / 2 * sizeof(*t->strings);
}

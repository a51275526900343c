#include "util/texts.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/hashmap.h"

struct text {
	struct text *older;
	char s[];
};

struct texts {
	struct hashmap *by_hash;
	struct text *newest;
	size_t bytes;
};

struct texts *texts__new(void)
{
	struct texts *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->by_hash = hashmap__new();
	if (!t->by_hash) {
		free(t);
		errno = ENOMEM;
		return NULL;
	}
	return t;
}

void texts__free(struct texts *t)
{
	if (!t)
		return;
	while (t->newest) {
		struct text *older = t->newest->older;

		free(t->newest);
		t->newest = older;
	}
	hashmap__free(t->by_hash);
	free(t);
}

static uint64_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return h;
}

const char *texts__keep(struct texts *t, const char *s)
{
	uint64_t key = s ? hash(s) : 0;
	uintptr_t value;
	struct text *text = NULL;
	size_t size;

	if (!s)
		return NULL;
	if (hashmap__get(t->by_hash, key, &value))
		text = (struct text *)value;
	if (text && !strcmp(text->s, s))
		return text->s;
	size = strlen(s) + 1;
	text = malloc(sizeof(*text) + size);
	if (!text)
		return NULL;
	memcpy(text->s, s, size);
	text->older = t->newest;
	t->newest = text;
	t->bytes += sizeof(*text) + size;
	/* Of two that hash alike the newer is found from now on; should the map not grow, it is
	 * just kept twice. */
	hashmap__set(t->by_hash, key, (uintptr_t)text);
	return text->s;
}

size_t texts__memory(const struct texts *t)
{
	return sizeof(*t) + t->bytes + hashmap__count(t->by_hash) * 2 * sizeof(uint64_t);
}

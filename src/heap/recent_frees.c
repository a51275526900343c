#include "heap/recent_frees.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/hashmap.h"

static uint64_t *slot_of(uint64_t *at, uint32_t size, uint64_t addr)
{
	return &at[hashmap__mix(addr, 0) & (size - 1)];
}

int freed__init(struct freed *f)
{
	f->at = calloc(FREED_LEAST, sizeof(*f->at));
	f->size = f->at ? FREED_LEAST : 0;
	return f->at ? 0 : -ENOMEM;
}

void freed__free(struct freed *f)
{
	free(f->at);
	*f = (struct freed){ 0 };
}

void freed__clear(struct freed *f)
{
	memset(f->at, 0, f->size * sizeof(*f->at));
}

void freed__add(struct freed *f, uint64_t addr)
{
	*slot_of(f->at, f->size, addr) = addr;
}

bool freed__has(const struct freed *f, uint64_t addr)
{
	return *slot_of(f->at, f->size, addr) == addr;
}

void freed__grow(struct freed *f, uint64_t wanted)
{
	uint32_t size = f->size;
	uint64_t *at;

	while (size < wanted && size < FREED_MOST)
		size *= 2;
	at = size > f->size ? calloc(size, sizeof(*at)) : NULL;
	if (!at)
		return;
	for (uint32_t i = 0; i < f->size; i++)
		if (f->at[i])
			*slot_of(at, size, f->at[i]) = f->at[i];
	free(f->at);
	f->at = at;
	f->size = size;
}

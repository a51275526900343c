/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/recent_frees.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/hash.h"

static uint64_t *slot_of(uint64_t *at, uint32_t size, uint64_t addr)
{
	return &at[hash__mix(addr, 0) & (size - 1)];
}

int recent_frees__init(struct recent_frees *f)
{
	f->at = calloc(RECENT_FREES_MIN, sizeof(*f->at));
	f->size = f->at ? RECENT_FREES_MIN : 0;
	return f->at ? 0 : -ENOMEM;
}

void recent_frees__free(struct recent_frees *f)
{
	free(f->at);
	*f = (struct recent_frees){ 0 };
}

void recent_frees__clear(struct recent_frees *f)
{
	memset(f->at, 0, f->size * sizeof(*f->at));
}

void recent_frees__add(struct recent_frees *f, uint64_t addr)
{
	*slot_of(f->at, f->size, addr) = addr;
}

bool recent_frees__has(const struct recent_frees *f, uint64_t addr)
{
	return *slot_of(f->at, f->size, addr) == addr;
}

void recent_frees__grow(struct recent_frees *f, uint64_t wanted)
{
	uint32_t size = f->size;
	uint64_t *at;

	while (size < wanted && size < RECENT_FREES_MAX)
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

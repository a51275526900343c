/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/rebuilt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "util/hashmap.h"

struct rebuilt {
	struct hashmap *common; /* build IDs that both have, hashed */
};

static uint64_t hash_id(const struct profile_mapping *m)
{
	return hash__string(HASH_START, m->build_id);
}

static bool has(struct hashmap *set, uint64_t key)
{
	uintptr_t value;

	return hashmap__get(set, key, &value);
}

static int find_common(struct rebuilt *r, const struct profile *p, const struct profile *q)
{
	struct hashmap *old = hashmap__new();
	int err = old && r->common ? 0 : -ENOMEM;

	for (size_t i = 0; i < p->nmappings && !err; i++)
		if (*p->mappings[i].build_id)
			err = hashmap__set(old, hash_id(&p->mappings[i]), 1);
	for (size_t i = 0; i < q->nmappings && !err; i++)
		if (has(old, hash_id(&q->mappings[i])))
			err = hashmap__set(r->common, hash_id(&q->mappings[i]), 1);
	hashmap__free(old);
	return err;
}

struct rebuilt *rebuilt__new(const struct profile *before, const struct profile *after)
{
	struct rebuilt *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return NULL;
	r->common = hashmap__new();
	err = find_common(r, before, after);
	if (!err)
		return r;
	rebuilt__free(r);
	errno = -err;
	return NULL;
}

void rebuilt__free(struct rebuilt *r)
{
	if (!r)
		return;
	hashmap__free(r->common);
	free(r);
}

uint64_t rebuilt__id(const struct rebuilt *r, const struct profile *of,
		     const struct profile_site *site)
{
	uint64_t id = hash__mix(hash__string(HASH_START, site->api),
				(uint64_t)site->mapping << 8 | site->kind);

	for (size_t i = 0; i < site->nstack; i++) {
		const struct profile_frame *f = &site->stack[i];
		const struct profile_mapping *m =
		    f->mapping < of->nmappings ? &of->mappings[f->mapping] : NULL;

		if (m && has(r->common, hash_id(m)))
			id = hash__mix(hash__mix(id, hash_id(m)), f->offset);
		else if (f->func && *f->func)
			id = hash__string(hash__mix(id, f->inlined), f->func);
		else
			return 0;
	}
	return site->nstack ? id : 0;
}

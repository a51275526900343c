/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/slices.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

struct held {
	struct slice slice;
	bool released;
};

struct slices {
	struct unwind_mapping *all;
	struct held *held; /* by first */
	size_t n, cap;
	uint32_t next_id; /* ids from here on are unused since the last reset */
	bool id_held[UNWIND_MAX_ID + 1];
};

struct slices *slices__new(struct unwind_mapping *all)
{
	struct slices *s = calloc(1, sizeof(*s));

	if (s) {
		s->all = all;
		s->next_id = 1;
	}
	return s;
}

void slices__free(struct slices *s)
{
	if (!s)
		return;
	free(s->held);
	free(s);
}

/* Finds the first gap that is wide enough; *at is its index in `held`. */
static bool find_gap(const struct slices *s, uint32_t n, uint32_t *first, size_t *at)
{
	uint32_t end = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct slice *h = &s->held[i].slice;

		if (h->first - end >= n) {
			*first = end;
			*at = i;
			return true;
		}
		end = h->first + h->n;
	}
	*first = end;
	*at = s->n;
	return UNWIND_MAX_MAPPINGS - end >= n;
}

int slices__add(struct slices *s, const struct unwind_mapping *maps, size_t n, struct slice *out)
{
	uint32_t first;
	size_t at;

	if (n >= UNWIND_MAX_MAPPINGS || !find_gap(s, (uint32_t)n, &first, &at))
		return -ENOSPC;
	while (s->next_id <= UNWIND_MAX_ID && s->id_held[s->next_id])
		s->next_id++;
	if (s->next_id > UNWIND_MAX_ID)
		return -ENOSR;
	if (array__grow(&s->held, &s->cap, s->n + 1, sizeof(*s->held)))
		return -ENOMEM;
	memmove(s->held + at + 1, s->held + at, (s->n - at) * sizeof(*s->held));
	*out = (struct slice){ first, (uint32_t)n, (uint16_t)s->next_id };
	s->held[at] = (struct held){ .slice = *out };
	s->n++;
	s->id_held[s->next_id++] = true;
	memcpy(s->all + first, maps, n * sizeof(*maps));
	return 0;
}

void slices__release(struct slices *s, uint16_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->held[i].slice.id == id)
			s->held[i].released = true;
}

void slices__settle(struct slices *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->held[i].released)
			s->id_held[s->held[i].slice.id] = false;
		else
			s->held[n++] = s->held[i];
	}
	s->n = n;
}

void slices__reset_ids(struct slices *s)
{
	s->next_id = 1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A chunk or segment that the heap changed, or that the heap left behind when it was freed, is kept
 * for the copies alone. Only these count as memory that copies take. A copy changes segments, where
 * a block is taken out, and never a chunk.
 */
#include "heap/heap_copy.h"

#include <stdlib.h>
#include <string.h>

#include "heap/heap_internal.h"

static void count_bytes(struct heap_copies *copies, size_t bytes)
{
	copies->bytes += bytes;
	if (copies->max && copies->bytes > copies->max)
		copies->over = true;
}

/* The heap gives up something that copies may have, too. Returns whether nothing has it now. */
static bool give_up(const struct heap *h, uint32_t *refs, bool *left, size_t bytes)
{
	if (--*refs) {
		if (!h->is_copy) {
			*left = true;
			count_bytes(h->copies, bytes);
		}
		return false;
	}
	if (*left)
		h->copies->bytes -= bytes;
	return true;
}

static void leave_chunk(struct heap *h, struct chunk *c)
{
	if (give_up(h, &c->refs, &c->left, sizeof(*c)))
		free(c);
}

static void leave_segment(struct heap *h, struct segment *s)
{
	if (give_up(h, &s->refs, &s->left, sizeof(*s)))
		free(s);
}

void heap_copy__own_chunk(struct heap *h, uint32_t chunk)
{
	struct chunk *shared = h->chunks[chunk], *own;

	h->common[chunk] = false;
	h->ncommon_left--;
	if (shared->refs == 1)
		return;
	own = malloc(sizeof(*own));
	if (!own) {
		h->copies->over = h->copies->damaged = true;
		return;
	}
	memcpy(own, shared, sizeof(*own));
	own->refs = 1;
	h->chunks[chunk] = own;
	leave_chunk(h, shared);
}

struct segment *heap_copy__own_segment(struct heap *h, uint64_t hashed)
{
	struct segment *shared = segment_of(h, hashed), *own = malloc(sizeof(*own));
	uint64_t step = 1ull << shared->depth;

	if (!own) {
		h->copies->over = h->copies->damaged = true;
		return shared;
	}
	memcpy(own, shared, sizeof(*own));
	own->refs = 1;
	own->left = h->is_copy;
	if (own->left)
		count_bytes(h->copies, sizeof(*own));
	for (size_t i = hashed & (step - 1); i < (size_t)1 << h->depth; i += step)
		h->directory[i] = own;
	leave_segment(h, shared);
	return own;
}

/* Each segment once: many entries of the directory may point to it. NULL: another entry has it. */
static struct segment *segment_at(const struct heap *h, size_t entry)
{
	struct segment *s = h->directory[entry];

	return s && entry < (size_t)1 << s->depth ? s : NULL;
}

void heap_copy__release(struct heap *h)
{
	struct segment *s;

	/* Downwards, since a segment's own entry is its lowest. */
	for (size_t i = (size_t)1 << h->depth; h->directory && i-- > 0;) {
		s = segment_at(h, i);
		if (s)
			leave_segment(h, s);
	}
	for (uint32_t i = 0; i < h->nchunks; i++)
		leave_chunk(h, h->chunks[i]);
	if (h->is_copy)
		h->copies->bytes -= h->copy_bytes;
}

/* Marks all chunks as common to the heap and a copy. */
static bool mark_common(struct heap *h)
{
	bool *common = h->common;

	if (h->is_copy || !h->nchunks)
		return true;
	if (h->ncommon < h->nchunks) {
		common = realloc(common, h->nchunks * sizeof(*common));
		if (!common)
			return false;
		h->common = common;
		h->ncommon = h->nchunks;
	}
	memset(common, true, h->nchunks * sizeof(*common));
	h->ncommon_left = h->nchunks;
	return true;
}

static bool copy_pointers(const struct heap *h, struct heap *to)
{
	size_t chunks = h->nchunks * sizeof(*h->chunks), entries = sizeof(*h->directory)
								   << h->depth;

	to->chunks = malloc(chunks + 1);
	to->directory = malloc(entries);
	if (!to->chunks || !to->directory)
		return false;
	if (chunks)
		memcpy(to->chunks, h->chunks, chunks);
	memcpy(to->directory, h->directory, entries);
	to->copy_bytes = sizeof(*to) + chunks + entries;
	return true;
}

struct heap *heap_copy__new(struct heap *h, struct heap_copies *copies)
{
	struct heap *copy = calloc(1, sizeof(*copy));
	struct segment *s;

	if (!copy)
		return NULL;
	if (!copy_pointers(h, copy) || !mark_common(h)) {
		free(copy->chunks);
		free(copy->directory);
		free(copy);
		return NULL;
	}
	h->copies = copy->copies = copies;
	copy->is_copy = true;
	copy->nchunks = h->nchunks;
	copy->depth = h->depth;
	copy->count = h->count;
	copy->key = h->key;
	for (uint32_t i = 0; i < h->nchunks; i++)
		h->chunks[i]->refs++;
	for (size_t i = 0; i < (size_t)1 << h->depth; i++) {
		s = segment_at(h, i);
		if (s)
			s->refs++;
	}
	count_bytes(copies, copy->copy_bytes);
	return copy;
}

void heap_copy__from(struct heap *h, struct heap_copies *copies)
{
	struct segment *s;

	h->copies = copies;
	h->is_copy = true;
	h->copy_bytes =
	    sizeof(*h) + h->nchunks * sizeof(*h->chunks) + (sizeof(*h->directory) << h->depth);
	count_bytes(copies, h->copy_bytes);
	for (uint32_t i = 0; i < h->nchunks; i++) {
		h->chunks[i]->left = true;
		count_bytes(copies, sizeof(*h->chunks[i]));
	}
	for (size_t i = 0; i < (size_t)1 << h->depth; i++) {
		s = segment_at(h, i);
		if (!s)
			continue;
		s->left = true;
		count_bytes(copies, sizeof(*s));
	}
}

bool heap_copy__take(struct heap *copy, uint64_t addr, struct block *out)
{
	uint64_t hashed = hash_address(copy, addr);
	const struct segment *s = segment_of(copy, hashed);
	unsigned int slot = find_slot(copy, s, hashed, addr);

	if (!s->index[slot])
		return false;
	unpack(block_at(copy, s->index[slot]), out);
	segment_remove(own_segment(copy, hashed), slot);
	copy->count--;
	return true;
}

bool heap_copy__next(const struct heap *h, uint64_t *cursor, struct block *out)
{
	const struct segment *s;
	uint64_t at;

	while (*cursor >> h->depth < SLOTS) {
		at = (*cursor)++;
		s = segment_at(h, at / SLOTS);
		if (!s)
			*cursor = (at / SLOTS + 1) * SLOTS;
		else if (s->index[at % SLOTS]) {
			unpack(block_at(h, s->index[at % SLOTS]), out);
			return true;
		}
	}
	return false;
}

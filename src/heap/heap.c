/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks take 32 bytes each, lie in chunks that never move, and are identified by a 32-bit index.
 * The blocks of a site form a doubly linked list of indices, oldest first.
 *
 * An address is looked up by extendible hashing (Fagin et al., 1979): the low bits of its hash
 * select an entry of the directory, which points to a segment of 1024 slots. A full segment is
 * split in two by one more bit of the hash, and the directory doubles if it has no entry to
 * distinguish the two. So growing never touches more than one segment and a directory of one
 * pointer per some 700 blocks: there is no moment when everything is hashed again.
 *
 * A segment is probed linearly. Beside the block's index a slot holds 16 bits of the hash. Ten say
 * which slot the block belongs in, so that removal moves entries back without reading blocks; the
 * other six save most reads of other blocks on the way. A slot takes 6 bytes and a segment is
 * between 7/16 and 7/8 full: 7 to 14 bytes a block on top of its 32.
 *
 * The hash has a random key, because addresses may come from a recording made to collide.
 *
 * After a fork, chunks and segments may be parts of copies as well (heap_copy.h): what is about to
 * change one asks for a chunk or a segment of its own first.
 */
#include "heap/heap_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "util/array.h"

#define SLOTS_FULL (SLOTS / 8 * 7)
#define REORDER_MAX 16

static uint32_t find_index(const struct heap *h, uint64_t hashed, uint64_t addr)
{
	const struct segment *s = segment_of(h, hashed);

	return s->index[find_slot(h, s, hashed, addr)];
}

static void segment_add(struct segment *s, uint16_t tag, uint32_t index)
{
	unsigned int i = tag % SLOTS;

	while (s->index[i])
		i = (i + 1) % SLOTS;
	s->tag[i] = tag;
	s->index[i] = index;
	s->n++;
}

static int double_directory(struct heap *h)
{
	size_t n = (size_t)1 << h->depth;
	struct segment **bigger;

	/* Only hashes that agree in many bits lead here: fail before memory runs out. */
	if (n > 64 * (h->nsegments + 16))
		return -ENOMEM;
	bigger = realloc(h->directory, 2 * n * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		bigger[n + i] = bigger[i];
	h->directory = bigger;
	h->depth++;
	return 0;
}

/* Moves those blocks of the segment for `hashed` whose next bit is set to a new segment. */
static int split_segment(struct heap *h, uint64_t hashed)
{
	struct segment *low = own_segment(h, hashed), *high, both;
	uint64_t bit = 1ull << low->depth, other;

	if (low->depth == h->depth && double_directory(h))
		return -ENOMEM;
	high = calloc(1, sizeof(*high));
	if (!high)
		return -ENOMEM;
	h->nsegments++;
	both = *low;
	*low = (struct segment){ .depth = both.depth + 1, .refs = 1 };
	high->depth = low->depth;
	high->refs = 1;
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (!both.index[i])
			continue;
		other = hash_address(h, block_at(h, both.index[i])->addr);
		segment_add(other & bit ? high : low, both.tag[i], both.index[i]);
	}
	for (size_t i = (hashed & (bit - 1)) | bit; i < (size_t)1 << h->depth; i += 2 * bit)
		h->directory[i] = high;
	return 0;
}

static int index_add(struct heap *h, uint64_t hashed, uint32_t index)
{
	while (segment_of(h, hashed)->n >= SLOTS_FULL) {
		if (split_segment(h, hashed))
			return -ENOMEM;
	}
	segment_add(own_segment(h, hashed), tag_of_hash(hashed), index);
	return 0;
}

static int add_chunk(struct heap *h)
{
	if (h->nchunks >= UINT32_MAX / CHUNK_BLOCKS ||
	    array__grow(&h->chunks, &h->cap_chunks, (size_t)h->nchunks + 1, sizeof(*h->chunks)))
		return -ENOMEM;
	h->chunks[h->nchunks] = calloc(1, sizeof(*h->chunks[0]));
	if (!h->chunks[h->nchunks])
		return -ENOMEM;
	h->chunks[h->nchunks++]->refs = 1;
	return 0;
}

/* An index for a new block; 0 where there is no memory. */
static uint32_t new_index(struct heap *h)
{
	uint32_t index = h->free;

	if (index) {
		h->free = block_at(h, index)->older;
		return index;
	}
	index = h->used + 1;
	if (index / CHUNK_BLOCKS >= h->nchunks && add_chunk(h))
		return 0;
	return h->used = index;
}

static void free_index(struct heap *h, uint32_t index)
{
	struct packed *p = own_block(h, index);

	p->addr = 0;
	p->older = h->free;
	h->free = index;
}

static int grow_sites(struct heap *h, uint32_t site)
{
	size_t before = h->nsites;

	if (site < h->nsites)
		return 0;
	if (site >= SITE_END ||
	    array__grow(&h->sites, &h->nsites, (size_t)site + 1, sizeof(*h->sites)))
		return -ENOMEM;
	memset(&h->sites[before], 0, (h->nsites - before) * sizeof(*h->sites));
	return 0;
}

/*
 * The block goes to the young end, before the few that are younger: processors race for their
 * places in the event stream, so times in it are not quite in order.
 */
static void link_block(struct heap *h, uint32_t index)
{
	struct packed *p = own_block(h, index);
	struct ends *ends = &h->sites[p->site];
	uint32_t older = ends->youngest, younger = 0;

	for (int i = 0; older && i < REORDER_MAX && birth_of(block_at(h, older)) > birth_of(p);
	     i++) {
		younger = older;
		older = block_at(h, older)->older;
	}
	p->older = older;
	p->younger = younger;
	*(older ? &own_block(h, older)->younger : &ends->oldest) = index;
	*(younger ? &own_block(h, younger)->older : &ends->youngest) = index;
}

static void unlink_block(struct heap *h, uint32_t index)
{
	const struct packed *p = block_at(h, index);
	struct ends *ends = &h->sites[p->site];

	*(p->older ? &own_block(h, p->older)->younger : &ends->oldest) = p->younger;
	*(p->younger ? &own_block(h, p->younger)->older : &ends->youngest) = p->older;
}

struct heap *heap__new(void)
{
	struct heap *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	if (getrandom(&h->key, sizeof(h->key), GRND_NONBLOCK) != sizeof(h->key))
		h->key = (uintptr_t)h;
	h->directory = calloc(1, sizeof(*h->directory));
	if (!h->directory)
		goto fail;
	h->directory[0] = calloc(1, sizeof(*h->directory[0]));
	if (!h->directory[0])
		goto fail;
	h->directory[0]->refs = 1;
	h->nsegments = 1;
	return h;
fail:
	heap__free(h);
	errno = ENOMEM;
	return NULL;
}

void heap__free(struct heap *h)
{
	if (!h)
		return;
	heap_copy__release(h);
	free(h->chunks);
	free(h->directory);
	free(h->sites);
	free(h->common);
	free(h);
}

/* Removes a block that is in no list any more from the table. */
static void remove_block(struct heap *h, uint64_t hashed, uint32_t index)
{
	struct segment *s = own_segment(h, hashed);

	segment_remove(s, find_slot(h, s, hashed, block_at(h, index)->addr));
	free_index(h, index);
	h->count--;
}

int heap__put(struct heap *h, struct block *b, struct block *old)
{
	uint64_t hashed = hash_address(h, b->addr);
	uint32_t was, index;

	old->addr = 0;
	if (!b->addr)
		return -EINVAL;
	was = index = find_index(h, hashed, b->addr);
	if (was) {
		unpack(block_at(h, was), old);
		unlink_block(h, was);
	}
	if (grow_sites(h, b->site))
		goto fail;
	if (!was) {
		index = new_index(h);
		if (!index)
			goto fail;
		if (index_add(h, hashed, index)) {
			free_index(h, index);
			goto fail;
		}
		h->count++;
	}
	pack(own_block(h, index), b);
	link_block(h, index);
	unpack(block_at(h, index), b);
	return was != 0;
fail:
	if (was)
		remove_block(h, hashed, was);
	return -ENOMEM;
}

bool heap__take(struct heap *h, uint64_t addr, uint64_t not_after, struct block *out)
{
	uint64_t hashed = hash_address(h, addr);
	uint32_t index = find_index(h, hashed, addr);

	if (!index || birth_of(block_at(h, index)) > birth_units(not_after))
		return false;
	unpack(block_at(h, index), out);
	unlink_block(h, index);
	remove_block(h, hashed, index);
	return true;
}

bool heap__find(const struct heap *h, uint64_t addr, struct block *out)
{
	uint32_t index = find_index(h, hash_address(h, addr), addr);

	if (index)
		unpack(block_at(h, index), out);
	return index != 0;
}

bool heap__has_room(const struct heap *h)
{
	return h->free || (h->used + 1) / CHUNK_BLOCKS < h->nchunks;
}

size_t heap__count(const struct heap *h)
{
	return h->count;
}

size_t heap__memory(const struct heap *h)
{
	return sizeof(*h) + h->cap_chunks * sizeof(*h->chunks) +
	       (size_t)h->nchunks * sizeof(struct chunk) + (sizeof(*h->directory) << h->depth) +
	       h->nsegments * sizeof(struct segment) + h->nsites * sizeof(*h->sites) +
	       h->ncommon * sizeof(*h->common);
}

bool heap__site_next(const struct heap *h, uint32_t site, uint32_t *cursor, struct block *out)
{
	uint32_t index = 0;

	if (*cursor)
		index = block_at(h, *cursor)->younger;
	else if (site < h->nsites)
		index = h->sites[site].oldest;
	if (!index)
		return false;
	unpack(block_at(h, index), out);
	*cursor = index;
	return true;
}

bool heap__site_oldest(const struct heap *h, uint32_t site, struct block *out)
{
	uint32_t cursor = 0;

	return heap__site_next(h, site, &cursor, out);
}

bool heap__site_newest(const struct heap *h, uint32_t site, struct block *out)
{
	uint32_t index = site < h->nsites ? h->sites[site].youngest : 0;

	if (index)
		unpack(block_at(h, index), out);
	return index != 0;
}

void heap__site_aged(const struct heap *h, uint32_t site, uint64_t born_by, struct heap_sum *sum)
{
	uint64_t limit = birth_units(born_by);
	struct heap_sum old = { 0 }, rest = *sum;
	uint32_t i = 0, j = 0;

	if (site < h->nsites) {
		i = h->sites[site].oldest;
		j = h->sites[site].youngest;
	}
	while (i && birth_of(block_at(h, i)) <= limit) {
		old.blocks++;
		old.bytes += block_at(h, i)->size;
		old.newest = birth_of(block_at(h, i)) << BIRTH_SHIFT;
		i = block_at(h, i)->younger;
		if (birth_of(block_at(h, j)) <= limit) {
			*sum = rest;
			sum->newest = birth_of(block_at(h, j)) << BIRTH_SHIFT;
			return;
		}
		rest.blocks--;
		rest.bytes -= block_at(h, j)->size;
		j = block_at(h, j)->older;
	}
	*sum = old;
}

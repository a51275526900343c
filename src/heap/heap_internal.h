/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a heap, which heap.c explains, for heap.c and heap_copy.c.
 *
 * Chunks and segments are counted by reference: a copy of a heap has the same ones. Whoever has one
 * alone may change it.
 */
#ifndef MEMTRACE_HEAP_HEAP_INTERNAL_H
#define MEMTRACE_HEAP_HEAP_INTERNAL_H

#include "heap/block.h"
#include "heap/heap_copy.h"
#include "util/hash.h"

#define CHUNK_BLOCKS 1024
#define SLOTS 1024

struct chunk {
	struct packed blocks[CHUNK_BLOCKS];
	uint32_t refs;
	bool left; /* only copies have it */
};

struct segment {
	uint16_t n;
	uint8_t depth; /* how many low bits of the hash all its blocks share */
	bool left;     /* only copies have it */
	uint32_t refs;
	uint16_t tag[SLOTS];   /* hash bits 48 to 63 */
	uint32_t index[SLOTS]; /* 0: empty */
};

struct ends {
	uint32_t oldest, youngest; /* 0, 0: the site has no blocks */
};

struct heap {
	struct chunk **chunks;
	uint32_t nchunks;
	size_t cap_chunks;
	uint32_t used;		    /* indices ever given out; 0 is not an index */
	uint32_t free;		    /* first of the free list */
	struct segment **directory; /* 1 << depth of them */
	uint8_t depth;
	bool is_copy; /* it changes nothing but its own segments */
	size_t nsegments;
	struct ends *sites;
	size_t nsites;
	size_t count;
	uint64_t key;
	/* Since a copy was made of it: for each chunk of then, whether a copy may have it, too. */
	bool *common;
	uint32_t ncommon, ncommon_left; /* chunks of then; those that are still marked */
	struct heap_copies *copies;	/* NULL: there never was a copy */
	size_t copy_bytes;		/* of a copy: what it takes besides chunks and segments */
};

static inline struct packed *block_at(const struct heap *h, uint32_t index)
{
	return &h->chunks[index / CHUNK_BLOCKS]->blocks[index % CHUNK_BLOCKS];
}

/* A block that is about to be changed. */
static inline struct packed *own_block(struct heap *h, uint32_t index)
{
	uint32_t chunk = index / CHUNK_BLOCKS;

	if (h->ncommon_left && chunk < h->ncommon && h->common[chunk])
		heap_copy__own_chunk(h, chunk);
	return block_at(h, index);
}

static inline uint64_t hash_address(const struct heap *h, uint64_t addr)
{
	return hash__mix(addr, h->key);
}

static inline struct segment *segment_of(const struct heap *h, uint64_t hashed)
{
	return h->directory[hashed & ((1ull << h->depth) - 1)];
}

/* A segment that is about to be changed. */
static inline struct segment *own_segment(struct heap *h, uint64_t hashed)
{
	struct segment *s = segment_of(h, hashed);

	return s->refs == 1 ? s : heap_copy__own_segment(h, hashed);
}

static inline uint16_t tag_of_hash(uint64_t hashed)
{
	return (uint16_t)(hashed >> 48);
}

/* The slot of the block at addr, or the empty one that ends the search. */
static inline unsigned int find_slot(const struct heap *h, const struct segment *s, uint64_t hashed,
				     uint64_t addr)
{
	uint16_t tag = tag_of_hash(hashed);
	unsigned int i = tag % SLOTS;

	while (s->index[i] && !(s->tag[i] == tag && block_at(h, s->index[i])->addr == addr))
		i = (i + 1) % SLOTS;
	return i;
}

static inline void segment_remove(struct segment *s, unsigned int hole)
{
	unsigned int i, home;

	for (i = (hole + 1) % SLOTS; s->index[i]; i = (i + 1) % SLOTS) {
		home = s->tag[i] % SLOTS;
		/* It may move back to the hole unless its home lies between the two. */
		if ((i - home) % SLOTS < (i - hole) % SLOTS)
			continue;
		s->tag[hole] = s->tag[i];
		s->index[hole] = s->index[i];
		hole = i;
	}
	s->index[hole] = 0;
	s->n--;
}

#endif

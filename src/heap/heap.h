/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live blocks of one process: a table from address to block, and for each call site a list of
 * its blocks from the oldest to the youngest. It takes at most 48 bytes a block in all from a
 * million blocks on, and grows incrementally, so that no single call takes long.
 */
#ifndef MEMTRACE_HEAP_HEAP_H
#define MEMTRACE_HEAP_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap;

struct block {
	uint64_t addr;	/* never 0 */
	uint64_t size;	/* bytes, below 2^48; more is kept as 2^48 - 1 */
	uint64_t birth; /* ns since the heap's epoch, kept to 64 ns */
	uint32_t site;	/* the owner's number for the call site, dense, below 2^23 */
	/* How long (ns) the chain of reallocs that led to it had lasted; 0: there was none. It is
	 * stored rounded up, by a seventh at most; further reallocs do not add to the error. */
	uint64_t chain;
};

/* When the chain of reallocs began that led to the block; its own birth where there was none. */
static inline uint64_t heap__origin(const struct block *b)
{
	return b->birth - b->chain;
}

/* The `chain` of a block born at `birth` that a realloc made of `from`. */
static inline uint64_t heap__chain(const struct block *from, uint64_t birth)
{
	return birth > heap__origin(from) ? birth - heap__origin(from) : 0;
}

struct heap *heap__new(void); /* NULL and errno */
void heap__free(struct heap *h);

/* Adds a block, and changes *b to how it is stored. Returns 0; 1 where it replaced a live block at
 * that address (copied to *old); -EINVAL for address 0; -ENOMEM, where a live block at the address
 * is removed all the same (then *old is set and old->addr != 0). */
int heap__put(struct heap *h, struct block *b, struct block *old);

/* Removes the block at addr if it was born at or before `not_after` (UINT64_MAX: always). Returns
 * whether it did; *out is the block. */
bool heap__take(struct heap *h, uint64_t addr, uint64_t not_after, struct block *out);

/* The same without removing it. */
bool heap__find(const struct heap *h, uint64_t addr, struct block *out);

/* Whether one more block takes no more memory: another one was freed. */
bool heap__has_room(const struct heap *h);

size_t heap__count(const struct heap *h);  /* blocks */
size_t heap__memory(const struct heap *h); /* bytes it holds */

/* The blocks of a site, oldest first: start with *cursor = 0; false at the end. The heap must not
 * change meanwhile. */
bool heap__site_next(const struct heap *h, uint32_t site, uint32_t *cursor, struct block *out);
bool heap__site_oldest(const struct heap *h, uint32_t site, struct block *out); /* false: none */

struct heap_sum {
	uint64_t blocks, bytes;
	uint64_t newest; /* birth of the youngest one counted; 0: none */
};

/* Sums up the blocks of a site that were born at or before `born_by`. The caller passes the sum of
 * all the site's blocks in *sum: the walk goes from both ends at once and takes as long as the
 * shorter of the two. */
void heap__site_aged(const struct heap *h, uint32_t site, uint64_t born_by, struct heap_sum *sum);

/* ---- for tests ---- */

bool heap__site_newest(const struct heap *h, uint32_t site, struct block *out);

#endif

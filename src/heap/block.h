/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a heap stores a block in 32 bytes.
 *
 * Nine bits say when a chain of reallocs began (its origin). Time is divided into steps of 2^n
 * units, for the smallest n with which the origin is at most 15 steps before the block's birth; the
 * bits hold n and the number of steps. So the origin is rounded down to a step. A further realloc
 * finds steps that are as long, or longer by a power of two, and rounding the rounded origin down
 * to these gives what rounding the true one would have given: errors do not add up.
 */
#ifndef MEMTRACE_HEAP_BLOCK_H
#define MEMTRACE_HEAP_BLOCK_H

#include "heap/heap.h"

#define BIRTH_SHIFT 6 /* times are kept to 64 ns: 48 bits last 208 days */
#define BITS48 ((1ull << 48) - 1)
#define CHAIN_SHIFT 13 /* the shortest step of a chain: half a millisecond */
#define CHAIN_STEPS 15
#define CHAIN_SHIFT_MAX 31
#define SITE_END (1u << 23)

struct packed {
	uint64_t addr; /* 0: on the free list */
	uint64_t size : 48;
	uint64_t birth_high : 16;
	uint32_t birth_low;
	uint32_t site : 23;
	uint32_t chain_steps : 4; /* 0: no chain */
	uint32_t chain_shift : 5; /* above CHAIN_SHIFT */
	uint32_t older;		  /* in the site's list, or the next on the free list; 0: none */
	uint32_t younger;
};

_Static_assert(sizeof(struct packed) == 32, "a packed block");

static inline uint64_t birth_of(const struct packed *p)
{
	return (uint64_t)p->birth_high << 32 | p->birth_low;
}

static inline uint64_t birth_units(uint64_t ns)
{
	ns >>= BIRTH_SHIFT;
	return ns < BITS48 ? ns : BITS48;
}

static inline void set_chain(struct packed *p, uint64_t chain)
{
	uint64_t birth = birth_of(p), start = birth_units(chain);
	unsigned int shift = CHAIN_SHIFT;

	start = birth > start ? birth - start : 0;
	while ((birth >> shift) - (start >> shift) > CHAIN_STEPS)
		shift++;
	p->chain_shift = (shift - CHAIN_SHIFT) & CHAIN_SHIFT_MAX;
	p->chain_steps = ((birth >> shift) - (start >> shift)) & CHAIN_STEPS;
}

static inline uint64_t chain_of(const struct packed *p)
{
	unsigned int shift = CHAIN_SHIFT + p->chain_shift;

	if (!p->chain_steps)
		return 0;
	return birth_of(p) - (((birth_of(p) >> shift) - p->chain_steps) << shift);
}

static inline void pack(struct packed *p, const struct block *b)
{
	uint64_t birth = birth_units(b->birth);

	*p = (struct packed){
		.addr = b->addr,
		.size = (b->size < BITS48 ? b->size : BITS48) & BITS48,
		.birth_high = (uint16_t)(birth >> 32),
		.birth_low = (uint32_t)birth,
		.site = b->site & (SITE_END - 1),
	};
	if (b->chain)
		set_chain(p, b->chain);
}

static inline void unpack(const struct packed *p, struct block *b)
{
	*b = (struct block){ p->addr, p->size, birth_of(p) << BIRTH_SHIFT, p->site,
			     chain_of(p) << BIRTH_SHIFT };
}

#endif

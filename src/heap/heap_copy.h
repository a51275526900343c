/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of a heap, as they are needed when a process forks: what is in a copy can be found and
 * taken out, and nothing can be added.
 *
 * A copy shares the heap's chunks and segments, so that it costs a pointer for some 700 blocks.
 * What is changed afterwards, in the heap or in the copy, is copied first, a chunk (32 KiB) or a
 * segment (6 KiB) at a time. The kernel does the same with the pages of the process that forked.
 */
#ifndef MEMTRACE_HEAP_HEAP_COPY_H
#define MEMTRACE_HEAP_HEAP_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block;
struct heap;

/* What the copies of some heaps take together. */
struct heap_copies {
	size_t bytes; /* that no heap holds itself */
	size_t max;   /* 0: no limit */
	/* There are more bytes than that, or there was no memory to copy something before it was
	 * changed: then `damaged` is set too, and no copy can be relied on. The owner is to free
	 * copies, all of them if they are damaged, and to clear both. */
	bool over, damaged;
};

/* A copy, which may be of a copy. The counts must outlive both. NULL: no memory. heap__free frees
 * it; of the functions in heap.h, only that one, heap__find and heap__count take a copy. */
struct heap *heap_copy__new(struct heap *h, struct heap_copies *copies);
/* Makes a heap a copy: it does not change any more. */
void heap_copy__from(struct heap *h, struct heap_copies *copies);

bool heap_copy__take(struct heap *copy, uint64_t addr, struct block *out);
/* Every block of a heap or a copy, in no order: start with *cursor = 0; false at the end. */
bool heap_copy__next(const struct heap *h, uint64_t *cursor, struct block *out);

/* ---- for heap.c ---- */

struct segment;

/* Make a chunk, or the segment for a hash, the heap's own before it is changed. */
void heap_copy__own_chunk(struct heap *h, uint32_t chunk);
struct segment *heap_copy__own_segment(struct heap *h, uint64_t hashed);
/* Gives up all chunks and segments. */
void heap_copy__release(struct heap *h);

#endif

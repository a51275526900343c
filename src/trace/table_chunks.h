/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the chunks that hold unwind tables: which are in use, which are ready, and when one that
 * was given back may be written again. Part of the tracer.
 */
#ifndef MEMTRACE_TRACE_TABLE_CHUNKS_H
#define MEMTRACE_TRACE_TABLE_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

struct table_chunks;

/* Kernel memory of a chunk: its words, and a page for the map itself. */
#define CHUNK_BYTES ((32u << 10) + 4096)

/* `outer` is the array of maps, which stays the caller's, with room for `max` of them. Returns NULL
 * and sets errno on failure. */
struct table_chunks *table_chunks__new(int outer, size_t max);
void table_chunks__free(struct table_chunks *c);

/* Takes n chunks, whose words may hold anything. Returns 0, -ENOSPC where the limit is reached, or
 * another negative errno; on failure none is taken. Fast while enough chunks are ready. */
int table_chunks__take(struct table_chunks *c, size_t n, uint32_t *numbers);
uint32_t *table_chunks__words(struct table_chunks *c, uint32_t number);
/* Gives back chunks that a BPF program may still be reading. */
void table_chunks__give(struct table_chunks *c, const uint32_t *numbers, size_t n);

/* Waits until every BPF program that is running now has ended: some milliseconds. Returns 0 or a
 * negative errno. */
int table_chunks__settle(struct table_chunks *c);
/* Keeps a few chunks ready for the next table. To be called when nothing waits. */
void table_chunks__tend(struct table_chunks *c);

size_t
table_chunks__left(const struct table_chunks *c); /* can be taken before the limit is reached */
size_t table_chunks__bytes(const struct table_chunks *c); /* kernel memory */

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chunks that unwind tables lie in: which are in use, which are at hand, and when one that was
 * given back may be written again. Part of the tracer.
 */
#ifndef MEMTRACE_TRACE_TABLE_CHUNKS_H
#define MEMTRACE_TRACE_TABLE_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

struct table_chunks;

/* What a chunk takes of the kernel's memory: its words, and a page for the map itself. */
#define CHUNK_BYTES ((32u << 10) + 4096)

/* `outer` is the array of maps, which stays the caller's, with room for `max` of them. NULL and
 * errno. */
struct table_chunks *table_chunks__new(int outer, size_t max);
void table_chunks__free(struct table_chunks *c);

/* Takes n chunks, whose words may hold anything. 0, -ENOSPC where the limit is reached, or another
 * negative errno; then none was taken. Fast while enough are at hand. */
int table_chunks__take(struct table_chunks *c, size_t n, uint32_t *numbers);
uint32_t *table_chunks__words(struct table_chunks *c, uint32_t number);
/* Gives chunks back that a program may still be reading. */
void table_chunks__give(struct table_chunks *c, const uint32_t *numbers, size_t n);

/* Waits until every program that is running now has ended: some milliseconds. 0 or a negative
 * errno. */
int table_chunks__settle(struct table_chunks *c);
/* Has some chunks at hand for the next table, but not many more. To be called when nothing waits.
 */
void table_chunks__tend(struct table_chunks *c);

size_t
table_chunks__left(const struct table_chunks *c); /* can be taken before the limit is reached */
size_t table_chunks__bytes(const struct table_chunks *c); /* of the kernel's memory */

#endif

/*
 * The chunks that unwind tables lie in: which are in use, which are at hand, and when one that was
 * given back may be written again. Part of the tracer.
 */
#ifndef MEMTRACE_TRACER_CHUNKS_H
#define MEMTRACE_TRACER_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

struct chunks;

/* What a chunk takes of the kernel's memory: its words, and a page for the map itself. */
#define CHUNK_BYTES ((32u << 10) + 4096)

/* `outer` is the array of maps, which stays the caller's, with room for `max` of them. NULL and
 * errno. */
struct chunks *chunks__new(int outer, size_t max);
void chunks__free(struct chunks *c);

/* Takes n chunks, whose words may hold anything. 0, -ENOSPC where the limit is reached, or another
 * negative errno; then none was taken. Fast while enough are at hand. */
int chunks__take(struct chunks *c, size_t n, uint32_t *numbers);
uint32_t *chunks__words(struct chunks *c, uint32_t number);
/* Gives chunks back that a program may still be reading. */
void chunks__give(struct chunks *c, const uint32_t *numbers, size_t n);

/* Waits until every program that is running now has ended: some milliseconds. 0 or a negative
 * errno. */
int chunks__settle(struct chunks *c);
/* Has some chunks at hand for the next table, but not many more. To be called where nobody waits.
 */
void chunks__tend(struct chunks *c);

size_t chunks__left(const struct chunks *c);  /* can be taken before the limit is reached */
size_t chunks__bytes(const struct chunks *c); /* of the kernel's memory */

#endif

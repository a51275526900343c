/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process holds from the kernel, by address range: mmap, munmap, mremap, brk, shmat. Ranges
 * never overlap; cutting one in its middle leaves two with the same site and birth. Every change is
 * reported to the owner through a callback, so that sums by site stay exact.
 *
 * Births (ns) settle races: a call that began before a range was mapped cannot have been meant for
 * it, so it leaves the range alone.
 */
#ifndef MEMTRACE_HEAP_RANGES_H
#define MEMTRACE_HEAP_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ranges;

struct range {
	uint64_t start, end; /* [start, end) */
	uint64_t birth;	     /* ns; the call's return */
	uint32_t site;	     /* RANGE_ALLOCATOR, or the owner's number for the call site */
	uint32_t flags;	     /* EVENT_F_* of the event that made it */
	uint32_t parts;	     /* how many pieces the mapping is in; set on reading */
};

#define RANGE_ALLOCATOR UINT32_MAX /* obtained by an allocator: counts for no site */

/*
 * r: the piece that was added, removed or grown. bytes: the change in bytes held for its site.
 * blocks: +1 for a new mapping, -1 where a mapping or the last piece of it is gone, 0 where it
 * shrank, grew or was cut. The pieces of one mapping count as one until all are gone.
 */
typedef void (*ranges_change_fn)(void *ctx, const struct range *r, int64_t bytes, int blocks);

struct ranges *ranges__new(ranges_change_fn change, void *ctx); /* NULL and errno */
void ranges__free(struct ranges *l);

/* All sizes are rounded out to whole pages of 4096 bytes. 0 or -ENOMEM. */
int ranges__map(struct ranges *l, const struct range *r); /* replaces whatever overlaps */
int ranges__unmap(struct ranges *l, uint64_t start, uint64_t end, uint64_t began);
/* Moves, grows or shrinks. Pages of the old range that were not known to be mapped stay unknown.
 * The new range keeps the site and birth of the old one. With keep_old, and for old_len 0 (shared
 * memory), the new range is a further one of the old one's site. */
int ranges__remap(struct ranges *l, uint64_t old, uint64_t old_len, uint64_t addr, uint64_t len,
		  uint64_t began, bool keep_old);
/* System V: the whole segment attached at addr. */
int ranges__detach(struct ranges *l, uint64_t addr, uint64_t began);

size_t ranges__memory(const struct ranges *l);				      /* bytes it holds */
bool ranges__next(const struct ranges *l, size_t *cursor, struct range *out); /* by address */

/*
 * For saving and restoring: the next piece, the address of its mapping's first byte, and what the
 * piece shares with others of that mapping (NULL: it is the only one). In the order of
 * ranges__next.
 */
struct whole;
bool ranges__next_piece(const struct ranges *l, size_t *cursor, struct range *out, uint64_t *base,
			const struct whole **whole);
/*
 * Restores a piece without reporting it. *whole is NULL for the first piece of a mapping that was
 * in several (`shared`), and is set for the others to pass. 0, -ENOMEM, or -EINVAL where it does
 * not consist of whole pages or overlaps another.
 */
int ranges__put_back(struct ranges *l, const struct range *r, uint64_t base, bool shared,
		     struct whole **whole);

/* ---- for tests ---- */

size_t ranges__count(const struct ranges *l); /* pieces */

#endif

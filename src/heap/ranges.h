/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process holds from the kernel, by address range: mmap, munmap, mremap, brk, shmat. Ranges
 * never overlap; cutting one in its middle leaves two with the same site and birth. Every change is
 * reported to the owner through a callback, so that sums by site stay exact.
 *
 * "born" times (ns) settle races: a call that began before a range was mapped cannot have been
 * meant for it, so it leaves it alone.
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
	uint32_t parts;	     /* set by the ranges: how many pieces the mapping is in */
};

#define RANGE_ALLOCATOR UINT32_MAX /* obtained by an allocator: never a site of its own */

/*
 * r: the piece that came, went or grew. bytes: the change in bytes held for its site. blocks: +1 a
 * range came, -1 a range went whole (or its last part went), 0 it shrank, grew or was cut in two. A
 * cut leaves one mapping in two pieces: they count as one until both are gone.
 */
typedef void (*ranges_change_fn)(void *ctx, const struct range *r, int64_t bytes, int blocks);

struct ranges *ranges__new(ranges_change_fn change, void *ctx); /* NULL and errno */
void ranges__free(struct ranges *l);

/* All sizes are rounded out to whole pages of 4096 bytes. 0 or -ENOMEM. */
int ranges__map(struct ranges *l, const struct range *r); /* replaces whatever overlaps */
int ranges__unmap(struct ranges *l, uint64_t start, uint64_t end, uint64_t began);
/* Moves, grows or shrinks; parts of the old range that were never seen mapped are not invented. The
 * new range keeps the site and birth of the old one; one that was never seen stays unknown. With
 * keep_old, and for old_len 0 (shared memory), the new range is a further one of the old one's
 * site. */
int ranges__remap(struct ranges *l, uint64_t old, uint64_t old_len, uint64_t addr, uint64_t len,
		  uint64_t began, bool keep_old);
/* System V: the whole segment attached at addr. */
int ranges__detach(struct ranges *l, uint64_t addr, uint64_t began);

size_t ranges__memory(const struct ranges *l);				      /* bytes it holds */
bool ranges__next(const struct ranges *l, size_t *cursor, struct range *out); /* by address */

/*
 * To save and restore a ranges: the next piece, with where its mapping's first byte is, and what it
 * shares with the other pieces of that (NULL: it is in one). The order is that of ranges__next.
 */
struct whole;
bool ranges__next_piece(const struct ranges *l, size_t *cursor, struct range *out, uint64_t *base,
			const struct whole **whole);
/*
 * Puts a piece back, unreported. *whole is NULL for the first piece of a mapping that was in
 * several
 * (`shared`), and is what that returned for the others. 0, -ENOMEM, or -EINVAL where it is no range
 * of whole pages or something lies there.
 */
int ranges__put_back(struct ranges *l, const struct range *r, uint64_t base, bool shared,
		     struct whole **whole);

/* ---- for tests ---- */

size_t ranges__count(const struct ranges *l); /* pieces */

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ranges are sorted by address in an array of small sorted arrays ("shelves") of at most 128
 * ranges each: a lookup is two binary searches, a change moves a few kilobytes at most, and a walk
 * reads arrays. A hundred thousand ranges are a thousand shelves.
 *
 * Every change is made of whole pieces: cut_at() first splits whatever lies across the ends of the
 * change, so that what follows only adds, removes and moves pieces. The pieces of one mapping share
 * a count of them, which is allocated at the first cut: a mapping that was never cut has none.
 */
#include "heap/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/event.h"
#include "util/array.h"

#define SHELF_MAX 128
#define PAGE_MASK 4095ull
/* With five levels of page tables; sums of bytes fit in 63 bits. */
#define ADDRESS_END (1ull << 57)

struct whole {
	uint32_t parts;
};

struct piece {
	struct range r;
	uint64_t base;	     /* where the mapping's first byte is, or would be */
	struct whole *whole; /* NULL: the mapping was never cut */
};

struct shelf {
	unsigned int n; /* never 0 */
	struct piece pieces[SHELF_MAX];
};

struct ranges {
	ranges_change_fn change;
	void *ctx;
	struct shelf **shelves;
	size_t n, cap;
	size_t count;
};

/* The place of a piece: pieces[i] of shelf s. Valid until the ranges change. */
struct place {
	size_t s;
	unsigned int i;
};

struct ranges *ranges__new(ranges_change_fn change, void *ctx)
{
	struct ranges *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->change = change;
	l->ctx = ctx;
	return l;
}

static void put_whole(struct whole *w)
{
	if (w && --w->parts == 0)
		free(w);
}

void ranges__free(struct ranges *l)
{
	if (!l)
		return;
	for (size_t s = 0; s < l->n; s++) {
		for (unsigned int i = 0; i < l->shelves[s]->n; i++)
			put_whole(l->shelves[s]->pieces[i].whole);
		free(l->shelves[s]);
	}
	free(l->shelves);
	free(l);
}

/* ---- places ---- */

static struct piece *piece_at(const struct ranges *l, struct place p)
{
	return p.s < l->n ? &l->shelves[p.s]->pieces[p.i] : NULL;
}

static struct place next_place(const struct ranges *l, struct place p)
{
	if (++p.i < l->shelves[p.s]->n)
		return p;
	return (struct place){ p.s + 1, 0 };
}

/* The first piece that ends above addr: the one that holds it, or the next one up. */
static struct place seek_place(const struct ranges *l, uint64_t addr)
{
	size_t lo = 0, hi = l->n, mid;
	struct place p;

	while (lo < hi) {
		const struct shelf *sh;

		mid = lo + (hi - lo) / 2;
		sh = l->shelves[mid];
		if (sh->pieces[sh->n - 1].r.end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	p = (struct place){ lo, 0 };
	if (lo == l->n)
		return p;
	for (hi = l->shelves[lo]->n - 1, lo = 0; lo < hi;) {
		mid = lo + (hi - lo) / 2;
		if (l->shelves[p.s]->pieces[mid].r.end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	p.i = (unsigned int)lo;
	return p;
}

/* Adds an empty shelf at index s. */
static struct shelf *new_shelf(struct ranges *l, size_t s)
{
	struct shelf *sh;

	if (array__grow(&l->shelves, &l->cap, l->n + 1, sizeof(struct shelf *)))
		return NULL;
	sh = malloc(sizeof(*sh));
	if (!sh)
		return NULL;
	sh->n = 0;
	memmove(&l->shelves[s + 1], &l->shelves[s], (l->n - s) * sizeof(*l->shelves));
	l->shelves[s] = sh;
	l->n++;
	return sh;
}

/* Inserts a piece that overlaps no other. */
static int insert_piece(struct ranges *l, const struct piece *piece)
{
	struct place p = seek_place(l, piece->r.start);
	struct shelf *sh, *upper;

	/* Above all others, it goes to the end of the last shelf. */
	if (p.s == l->n && l->n) {
		p.s--;
		p.i = l->shelves[p.s]->n;
	}
	sh = l->n ? l->shelves[p.s] : new_shelf(l, 0);
	if (!sh)
		return -ENOMEM;
	if (sh->n == SHELF_MAX) {
		unsigned int keep = p.i == SHELF_MAX ? SHELF_MAX - 1 : SHELF_MAX / 2;

		upper = new_shelf(l, p.s + 1);
		if (!upper)
			return -ENOMEM;
		upper->n = SHELF_MAX - keep;
		memcpy(upper->pieces, sh->pieces + keep, upper->n * sizeof(*piece));
		sh->n = keep;
		if (p.i > keep) {
			sh = upper;
			p.i -= keep;
		}
	}
	memmove(&sh->pieces[p.i + 1], &sh->pieces[p.i], (sh->n - p.i) * sizeof(*piece));
	sh->pieces[p.i] = *piece;
	sh->n++;
	l->count++;
	return 0;
}

/* Removes a piece without reporting it. Returns the place of the piece that followed it. */
static struct place take_piece(struct ranges *l, struct place p, struct piece *out)
{
	struct shelf *sh = l->shelves[p.s];

	*out = sh->pieces[p.i];
	l->count--;
	if (--sh->n == 0) {
		free(sh);
		memmove(&l->shelves[p.s], &l->shelves[p.s + 1],
			(--l->n - p.s) * sizeof(*l->shelves));
		return (struct place){ p.s, 0 };
	}
	memmove(&sh->pieces[p.i], &sh->pieces[p.i + 1], (sh->n - p.i) * sizeof(*out));
	return p.i < sh->n ? p : (struct place){ p.s + 1, 0 };
}

/* ---- pieces ---- */

static int64_t bytes_of(const struct range *r)
{
	return (int64_t)(r->end - r->start);
}

/* Reports that a piece, already removed, is gone. */
static void report_gone(struct ranges *l, struct piece *p)
{
	bool last = !p->whole || p->whole->parts == 1;

	put_whole(p->whole);
	l->change(l->ctx, &p->r, -bytes_of(&p->r), last ? -1 : 0);
}

/* Splits the piece that lies across addr, unless it is younger than `began`. */
static int cut_at(struct ranges *l, uint64_t addr, uint64_t began)
{
	struct piece *p = piece_at(l, seek_place(l, addr)), upper;
	int err;

	if (!p || p->r.start >= addr || p->r.birth > began)
		return 0;
	if (!p->whole) {
		p->whole = malloc(sizeof(*p->whole));
		if (!p->whole)
			return -ENOMEM;
		p->whole->parts = 1;
	}
	upper = *p;
	upper.r.start = addr;
	p->r.end = addr;
	err = insert_piece(l, &upper);
	if (err)
		piece_at(l, seek_place(l, addr - 1))->r.end = upper.r.end;
	else
		upper.whole->parts++;
	return err;
}

/* Cuts at both ends, then removes what lies in [start, end) and is not younger than `began`. */
static int clear_range(struct ranges *l, uint64_t start, uint64_t end, uint64_t began)
{
	struct place p;
	struct piece *at, out;

	if (start >= end)
		return 0;
	if (cut_at(l, start, began) || cut_at(l, end, began))
		return -ENOMEM;
	for (p = seek_place(l, start); (at = piece_at(l, p)) && at->r.start < end;) {
		if (at->r.birth > began) {
			p = next_place(l, p);
			continue;
		}
		p = take_piece(l, p, &out);
		report_gone(l, &out);
	}
	return 0;
}

/* Rounds to whole pages below the end of all addresses. */
static void round_out(uint64_t *start, uint64_t *end)
{
	*end = *end < ADDRESS_END ? (*end + PAGE_MASK) & ~PAGE_MASK : ADDRESS_END;
	*start &= ~PAGE_MASK;
	if (*start > *end)
		*start = *end;
}

static uint64_t range_end(uint64_t start, uint64_t len)
{
	return len < UINT64_MAX - start ? start + len : UINT64_MAX;
}

int ranges__map(struct ranges *l, const struct range *r)
{
	struct piece p = { .r = *r };

	round_out(&p.r.start, &p.r.end);
	if (p.r.start == p.r.end)
		return 0;
	p.base = p.r.start;
	p.r.parts = 1;
	if (clear_range(l, p.r.start, p.r.end, UINT64_MAX) || insert_piece(l, &p))
		return -ENOMEM;
	l->change(l->ctx, &p.r, bytes_of(&p.r), 1);
	return 0;
}

int ranges__unmap(struct ranges *l, uint64_t start, uint64_t end, uint64_t began)
{
	round_out(&start, &end);
	return clear_range(l, start, end, began);
}

int ranges__detach(struct ranges *l, uint64_t addr, uint64_t began)
{
	struct place p = seek_place(l, addr);
	struct piece *at, out;
	uint32_t left = 1;

	/* Its first pages may have been unmapped, and pieces of other mappings may lie between its
	 * own. */
	while (left && (at = piece_at(l, p))) {
		if (at->base != addr || !(at->r.flags & EVENT_F_SHM) || at->r.birth > began) {
			p = next_place(l, p);
			continue;
		}
		left = at->whole ? at->whole->parts - 1 : 0;
		p = take_piece(l, p, &out);
		report_gone(l, &out);
	}
	return 0;
}

/* ---- mremap ---- */

/* A second mapping of what is mapped at `old`: of a shared mapping, or with the old one kept. */
static int map_again(struct ranges *l, uint64_t old, uint64_t addr, uint64_t len, uint64_t began)
{
	const struct piece *p = piece_at(l, seek_place(l, old));
	struct range r;

	if (!p || p->r.start > old || p->r.birth > began)
		return 0;
	r = p->r;
	r.start = addr;
	r.end = range_end(addr, len);
	return ranges__map(l, &r);
}

/* Removes the pieces of [start, end) without reporting them, into an array that the caller frees.
 */
static int lift_pieces(struct ranges *l, uint64_t start, uint64_t end, uint64_t began,
		       struct piece **lifted, size_t *n)
{
	struct place first = seek_place(l, start), p;
	const struct piece *at;

	*n = 0;
	for (p = first; (at = piece_at(l, p)) && at->r.start < end; p = next_place(l, p))
		*n += at->r.birth <= began;
	*lifted = malloc(*n * sizeof(**lifted) + 1);
	if (!*lifted)
		return -ENOMEM;
	*n = 0;
	for (p = first; (at = piece_at(l, p)) && at->r.start < end;) {
		if (at->r.birth > began)
			p = next_place(l, p);
		else
			p = take_piece(l, p, *lifted + (*n)++);
	}
	return 0;
}

int ranges__remap(struct ranges *l, uint64_t old, uint64_t old_len, uint64_t addr, uint64_t len,
		  uint64_t began, bool keep_old)
{
	uint64_t old_end = range_end(old, old_len), end = range_end(addr, len), grown;
	struct piece *pieces;
	size_t n;
	int err;

	round_out(&old, &old_end);
	round_out(&addr, &end);
	if (keep_old || old == old_end)
		return map_again(l, old, addr, end - addr, began);
	/* What no longer fits is removed first; the rest is taken out, grown, moved and inserted
	 * again. */
	if (end - addr < old_end - old) {
		err = clear_range(l, old + (end - addr), old_end, began);
		if (err)
			return err;
		old_end = old + (end - addr);
	}
	if (cut_at(l, old, began) || cut_at(l, old_end, began))
		return -ENOMEM;
	err = lift_pieces(l, old, old_end, began, &pieces, &n);
	if (err)
		return err;
	err = clear_range(l, addr, end, UINT64_MAX);
	for (size_t i = 0; i < n; i++) {
		struct piece *p = &pieces[i];

		grown = p->r.end == old_end ? (end - addr) - (old_end - old) : 0;
		if (!err) {
			struct piece moved = *p;

			moved.r.start += addr - old;
			moved.r.end += addr - old + grown;
			moved.base += addr - old;
			err = insert_piece(l, &moved);
			if (!err && grown)
				l->change(l->ctx, &moved.r, (int64_t)grown, 0);
		}
		if (err)
			report_gone(l, p);
	}
	free(pieces);
	return err;
}

/* ---- reading ---- */

size_t ranges__count(const struct ranges *l)
{
	return l->count;
}

size_t ranges__memory(const struct ranges *l)
{
	return sizeof(*l) + l->cap * sizeof(*l->shelves) + l->n * sizeof(struct shelf);
}

bool ranges__next_piece(const struct ranges *l, size_t *cursor, struct range *out, uint64_t *base,
			const struct whole **whole)
{
	struct place p = { *cursor / SHELF_MAX, *cursor % SHELF_MAX };
	const struct piece *at = piece_at(l, p);

	if (!at)
		return false;
	*out = at->r;
	out->parts = at->whole ? at->whole->parts : 1;
	*base = at->base;
	*whole = at->whole;
	p = next_place(l, p);
	*cursor = p.s * SHELF_MAX + p.i;
	return true;
}

bool ranges__next(const struct ranges *l, size_t *cursor, struct range *out)
{
	const struct whole *whole;
	uint64_t base;

	return ranges__next_piece(l, cursor, out, &base, &whole);
}

int ranges__put_back(struct ranges *l, const struct range *r, uint64_t base, bool shared,
		     struct whole **whole)
{
	struct piece p = { .r = *r, .base = base }, *at;
	uint64_t start = r->start, end = r->end;
	int err;

	round_out(&start, &end);
	at = piece_at(l, seek_place(l, start));
	if (start != r->start || end != r->end || start == end || (at && at->r.start < end))
		return -EINVAL;
	if (shared && !*whole)
		*whole = calloc(1, sizeof(**whole));
	if (shared && !*whole)
		return -ENOMEM;
	p.r.parts = 1;
	p.whole = shared ? *whole : NULL;
	err = insert_piece(l, &p);
	if (!err && shared)
		(*whole)->parts++;
	else if (shared && !(*whole)->parts) {
		free(*whole);
		*whole = NULL;
	}
	return err;
}

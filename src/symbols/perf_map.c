/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces of code may overlap, because a runtime reuses memory. A sweep over the addresses, with a
 * heap of the pieces that are open at each point and the latest on top, produces ranges that do not
 * overlap.
 */
#include "symbols/perf_map.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/intervals.h"

/* More than any runtime writes; only the end of a longer file is used. */
#define PIECES_MAX (2u << 20)
#define NAME_MAX_BYTES 1024

struct piece {
	uint64_t lo, hi;
	uint32_t order; /* the line's number */
	uint32_t name;	/* offset in `names` */
};

struct perf_map {
	char *names;
	size_t names_len;
	struct piece *pieces; /* by order */
	size_t n;
	struct intervals ranges; /* value: index of the piece */
};

/* ---- parsing ---- */

/* The rest of a line. All reads of the text go through take_hex and take_name. */
struct line {
	const char *p, *end;
};

static unsigned int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 16;
}

/* Takes a hexadecimal number and the space after it. */
static bool take_hex(struct line *l, uint64_t *out)
{
	const char *first;

	if (l->end - l->p > 2 && l->p[0] == '0' && (l->p[1] | 0x20) == 'x')
		l->p += 2;
	first = l->p;
	*out = 0;
	for (; l->p < l->end && hex_digit(*l->p) < 16; l->p++) {
		if (*out >> 60)
			return false;
		*out = *out << 4 | hex_digit(*l->p);
	}
	if (l->p == first || l->p >= l->end || *l->p != ' ')
		return false;
	l->p++;
	return true;
}

/* Copies the rest of the line, cut to a sane length, as a string. Returns its size with the
 * terminator; 1: empty. */
static size_t take_name(struct line *l, char *out)
{
	size_t len = (size_t)(l->end - l->p);

	len = len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES;
	len = strnlen(l->p, len);
	if (len && l->p[len - 1] == '\r')
		len--;
	memcpy(out, l->p, len);
	out[len] = '\0';
	return len + 1;
}

static size_t count_lines(const char *text, const char *end)
{
	size_t n = 0;

	for (; text < end && (text = memchr(text, '\n', (size_t)(end - text))); text++)
		n++;
	return n;
}

/* Fills pieces and names, which have room. The last line counts only if it is complete: it may not
 * be fully written yet. */
static void parse_lines(struct perf_map *m, const char *text, const char *end, size_t skip)
{
	for (const char *eol; (eol = memchr(text, '\n', (size_t)(end - text))); text = eol + 1) {
		struct line l = { .p = text, .end = eol };
		uint64_t start, size, hi;
		size_t name;

		if (skip) {
			skip--;
			continue;
		}
		if (!take_hex(&l, &start) || !take_hex(&l, &size) || !size ||
		    __builtin_add_overflow(start, size, &hi))
			continue;
		name = take_name(&l, m->names + m->names_len);
		if (name == 1)
			continue;
		m->pieces[m->n] = (struct piece){
			.lo = start,
			.hi = hi,
			.order = (uint32_t)m->n,
			.name = (uint32_t)m->names_len,
		};
		m->n++;
		m->names_len += name;
	}
}

/* ---- sweeping ---- */

/* The pieces that are open at an address: a heap, the latest on top. */
struct open_pieces {
	uint32_t *order;
	size_t n;
};

static void open_piece(struct open_pieces *h, uint32_t order)
{
	size_t i = h->n++;

	for (; i && h->order[(i - 1) / 2] < order; i = (i - 1) / 2)
		h->order[i] = h->order[(i - 1) / 2];
	h->order[i] = order;
}

static void close_latest(struct open_pieces *h)
{
	uint32_t last = h->order[--h->n];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && h->order[child + 1] > h->order[child])
			child++;
		if (h->order[child] <= last)
			break;
		h->order[i] = h->order[child];
	}
	h->order[i] = last;
}

static int compare_starts(const void *pa, const void *pb)
{
	const struct piece *a = pa, *b = pb;

	return (a->lo > b->lo) - (a->lo < b->lo);
}

/* `sorted` holds the pieces by address, m->pieces by order. */
static int sweep_pieces(struct perf_map *m, const struct piece *sorted, struct open_pieces *open)
{
	uint64_t at = 0, next;
	size_t i = 0;

	while (i < m->n || open->n) {
		const struct piece *top;

		if (!open->n)
			at = sorted[i].lo;
		while (i < m->n && sorted[i].lo <= at)
			open_piece(open, sorted[i++].order);
		while (open->n && m->pieces[open->order[0]].hi <= at)
			close_latest(open);
		if (!open->n)
			continue;
		top = &m->pieces[open->order[0]];
		next = i < m->n && sorted[i].lo < top->hi ? sorted[i].lo : top->hi;
		if (intervals__add(&m->ranges, at, next, top->order))
			return -ENOMEM;
		at = next;
	}
	intervals__sort(&m->ranges);
	return 0;
}

static int make_ranges(struct perf_map *m)
{
	struct piece *sorted = malloc((m->n + 1) * sizeof(*sorted));
	struct open_pieces open = { .order = malloc((m->n + 1) * sizeof(*open.order)) };
	int err = -ENOMEM;

	if (sorted && open.order) {
		memcpy(sorted, m->pieces, m->n * sizeof(*sorted));
		qsort(sorted, m->n, sizeof(*sorted), compare_starts);
		err = sweep_pieces(m, sorted, &open);
	}
	free(sorted);
	free(open.order);
	return err;
}

struct perf_map *perf_map__parse(const char *text, size_t len)
{
	size_t lines = count_lines(text, text + len);
	size_t skip = lines > PIECES_MAX ? lines - PIECES_MAX : 0;
	struct perf_map *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->pieces = malloc((lines - skip + 1) * sizeof(*m->pieces));
	m->names = malloc(len + 1);
	if (m->pieces && m->names && len <= UINT32_MAX) {
		parse_lines(m, text, text + len, skip);
		if (!make_ranges(m))
			return m;
	}
	perf_map__free(m);
	errno = ENOMEM;
	return NULL;
}

void perf_map__free(struct perf_map *m)
{
	if (!m)
		return;
	intervals__free(&m->ranges);
	free(m->pieces);
	free(m->names);
	free(m);
}

const char *perf_map__find(const struct perf_map *m, uint64_t addr)
{
	const struct interval *r = intervals__find(&m->ranges, addr);

	return r ? m->names + m->pieces[r->value].name : NULL;
}

size_t perf_map__count(const struct perf_map *m)
{
	return m->n;
}

size_t perf_map__memory(const struct perf_map *m)
{
	return sizeof(*m) + m->names_len + m->n * sizeof(*m->pieces) +
	       m->ranges.cap * sizeof(*m->ranges.at);
}

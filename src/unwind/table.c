/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layout: each executable segment is cut into parts of up to 4,096 pages, so that the entries of a
 * part fit into one chunk. A part's entries come first, then the rows of its pages. What would
 * cross the end of a chunk starts at the next one.
 */
#include "unwind/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

#define UNWIND_MAX_CODE (4ull << 30)

/* ---- layout ---- */

struct layout {
	struct unwind_table *t;
	size_t used, cap; /* words; cap is that of whole chunks */
	size_t parts_cap;
};

/* Reserves n consecutive words at an even address. Returns the index of the first, or -1 if out of
 * memory. */
static int64_t reserve_words(struct layout *l, size_t n)
{
	size_t at = (l->used + 1) & ~(size_t)1, before = l->cap, need;

	if (at % UNWIND_CHUNK_WORDS + n > UNWIND_CHUNK_WORDS)
		at = (at / UNWIND_CHUNK_WORDS + 1) * UNWIND_CHUNK_WORDS;
	need = (at + n + UNWIND_CHUNK_WORDS - 1) / UNWIND_CHUNK_WORDS * UNWIND_CHUNK_WORDS;
	if (array__grow(&l->t->words, &l->cap, need, sizeof(*l->t->words)))
		return -1;
	memset(l->t->words + before, 0, (l->cap - before) * sizeof(*l->t->words));
	l->used = at + n;
	return (int64_t)at;
}

static int add_part(struct layout *l, uint64_t start, uint64_t end)
{
	struct unwind_table *t = l->t;
	uint64_t pages = (end - start) >> UNWIND_PAGE_BITS;
	int64_t at = reserve_words(l, 2 * pages);

	if (at < 0)
		return -ENOMEM;
	if (array__grow(&t->parts, &l->parts_cap, t->nparts + 1, sizeof(*t->parts)))
		return -ENOMEM;
	t->parts[t->nparts++] = (struct table_part){ start, end - start, (uint32_t)at };
	return 0;
}

/* Adds the rows of one page: the rule in force where it starts, then each rule that begins in
 * it. */
static int add_page(struct layout *l, const struct cfi *cfi, size_t *next, uint64_t page,
		    uint32_t entry, struct rule_set *rs)
{
	uint32_t rows[UNWIND_PAGE_SIZE], n = 1;
	size_t i = *next;
	int64_t at;

	rows[0] = UNWIND_ROW(0, i ? rule_set__number(rs, cfi->rows[i - 1].rule) : RULE_NONE);
	for (; i < cfi->n && cfi->rows[i].vaddr < page + UNWIND_PAGE_SIZE; i++) {
		uint16_t number = rule_set__number(rs, cfi->rows[i].rule);
		uint32_t offset = (uint32_t)(cfi->rows[i].vaddr - page);

		if (offset == 0)
			rows[0] = UNWIND_ROW(0, number);
		else if (UNWIND_ROW_RULE(rows[n - 1]) != number)
			rows[n++] = UNWIND_ROW(offset, number);
	}
	*next = i;
	if (n == 1 && UNWIND_ROW_RULE(rows[0]) == RULE_NONE)
		return 0; /* an entry of zeros means the same */
	at = reserve_words(l, n);
	if (at < 0)
		return -ENOMEM;
	memcpy(l->t->words + at, rows, n * sizeof(rows[0]));
	memcpy(l->t->words + entry, &(struct unwind_page){ (uint32_t)at, n },
	       sizeof(struct unwind_page));
	l->t->rows += n;
	return 0;
}

/* Returns the index of the first row at or after an address. */
static size_t row_from(const struct cfi *c, uint64_t vaddr)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->rows[mid].vaddr < vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int add_code(struct layout *l, const struct cfi *cfi, uint64_t start, uint64_t end,
		    struct rule_set *rs)
{
	const uint64_t part = (uint64_t)UNWIND_CHUNK_PAGES << UNWIND_PAGE_BITS;

	for (uint64_t at = start; at < end; at += part) {
		uint64_t stop = end - at < part ? end : at + part;
		size_t next = row_from(cfi, at);
		int err = add_part(l, at, stop);
		uint32_t entry;

		if (err)
			return err;
		entry = l->t->parts[l->t->nparts - 1].pages;
		for (uint64_t page = at; page < stop; page += UNWIND_PAGE_SIZE, entry += 2) {
			err = add_page(l, cfi, &next, page, entry, rs);
			if (err)
				return err;
		}
	}
	return 0;
}

static int compare_code(const void *pa, const void *pb)
{
	const struct cfi_code *a = pa, *b = pb;

	return a->start < b->start ? -1 : a->start > b->start;
}

static int lay_out(struct unwind_table *t, const struct cfi *cfi, struct rule_set *rs)
{
	struct layout l = { .t = t };
	uint64_t done = 0, total = 0;

	for (size_t i = 0; i < t->ncode; i++) {
		/* In whole pages; two segments may share one. */
		uint64_t start = t->code[i].start & ~(uint64_t)(UNWIND_PAGE_SIZE - 1);
		uint64_t end = t->code[i].end;
		int err;

		if (end > UINT64_MAX - UNWIND_PAGE_SIZE)
			continue;
		end = (end + UNWIND_PAGE_SIZE - 1) & ~(uint64_t)(UNWIND_PAGE_SIZE - 1);
		if (start < done)
			start = done;
		if (start >= end)
			continue;
		total += end - start;
		if (total > UNWIND_MAX_CODE)
			return -EFBIG;
		err = add_code(&l, cfi, start, end, rs);
		if (err)
			return err;
		done = end;
	}
	t->nchunks = (l.used + UNWIND_CHUNK_WORDS - 1) / UNWIND_CHUNK_WORDS;
	return 0;
}

struct unwind_table *unwind_table__new(const struct cfi *cfi, const struct cfi_source *src,
				       struct rule_set *rs)
{
	struct unwind_table *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return NULL;
	t->ncode = src->ncode;
	memcpy(t->code, src->code, sizeof(t->code));
	qsort(t->code, t->ncode, sizeof(t->code[0]), compare_code);
	err = lay_out(t, cfi, rs);
	if (err) {
		unwind_table__free(t);
		errno = -err;
		return NULL;
	}
	return t;
}

void unwind_table__free(struct unwind_table *t)
{
	if (!t)
		return;
	free(t->parts);
	free(t->words);
	free(t);
}

void unwind_table__drop_words(struct unwind_table *t)
{
	free(t->words);
	t->words = NULL;
}

static uint32_t final_index(uint32_t word, const uint32_t *numbers)
{
	return numbers[word >> UNWIND_CHUNK_BITS] << UNWIND_CHUNK_BITS |
	       (word & (UNWIND_CHUNK_WORDS - 1));
}

void unwind_table__place(struct unwind_table *t, const uint32_t *numbers)
{
	for (size_t i = 0; i < t->nparts; i++) {
		struct table_part *part = &t->parts[i];
		uint64_t pages = part->len >> UNWIND_PAGE_BITS;

		for (uint64_t k = 0; k < pages; k++) {
			uint32_t *entry = t->words + part->pages + 2 * k;

			if (entry[1]) /* the page has rows */
				entry[0] = final_index(entry[0], numbers);
		}
		part->pages = final_index(part->pages, numbers);
	}
}

/* ---- mappings ---- */

/* Returns the executable segment that holds an address, or that shares its page. */
static const struct cfi_code *code_at(const struct unwind_table *t, uint64_t vaddr)
{
	for (size_t i = 0; i < t->ncode; i++)
		if (vaddr < t->code[i].end)
			return &t->code[i];
	return NULL;
}

void unwind_table__in_file(const struct unwind_table *t, const struct unwind_file_key *key,
			   struct unwind_file *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < t->nparts && i < UNWIND_FILE_PARTS; i++) {
		const struct cfi_code *c = code_at(t, t->parts[i].start);
		struct unwind_part *p = &out->parts[i];

		if (!c)
			continue;
		p->offset = t->parts[i].start - c->start + c->offset;
		p->len = t->parts[i].len;
		p->pages = t->parts[i].pages;
		p->check = UNWIND_PART_CHECK(key, p);
	}
}

/* Finds the virtual address at which a file offset is loaded, by the executable segment that holds
 * it. */
static bool find_vaddr(const struct unwind_table *t, uint64_t offset, uint64_t *vaddr)
{
	for (size_t i = 0; i < t->ncode; i++) {
		const struct cfi_code *c = &t->code[i];
		/* The kernel maps whole pages. */
		uint64_t from = c->offset & ~(uint64_t)(UNWIND_PAGE_SIZE - 1);

		if (offset >= from && offset < c->offset + (c->end - c->start)) {
			*vaddr = c->start + (offset - c->offset);
			return true;
		}
	}
	return false;
}

static struct unwind_mapping no_cfi(uint64_t start, uint64_t end)
{
	return (struct unwind_mapping){
		.start = start,
		.len = end - start,
		.pages = UNWIND_NO_CFI,
	};
}

int unwind_table__map(const struct unwind_table *t, uint64_t start, uint64_t end, uint64_t offset,
		      int (*fn)(void *ctx, const struct unwind_mapping *m), void *ctx)
{
	struct unwind_mapping m = no_cfi(start, end);
	uint64_t vaddr, at = start, bias;
	int err = 0;

	if (!find_vaddr(t, offset, &vaddr))
		return fn(ctx, &m);
	bias = start - vaddr;
	for (size_t i = 0; i < t->nparts && !err; i++) {
		const struct table_part *p = &t->parts[i];
		uint64_t from = p->start + bias, to = from + p->len;

		if (to <= at || from >= end)
			continue;
		if (from > at) {
			m = no_cfi(at, from);
			err = fn(ctx, &m);
			at = from;
		}
		m = (struct unwind_mapping){
			.start = at,
			.len = (to < end ? to : end) - at,
			.base = from,
			.pages = p->pages,
		};
		at += m.len;
		if (!err)
			err = fn(ctx, &m);
	}
	if (!err && at < end) {
		m = no_cfi(at, end);
		err = fn(ctx, &m);
	}
	return err;
}

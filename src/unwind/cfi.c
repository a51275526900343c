/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns the descriptions of single functions into the rows of a whole file: sorted, without
 * overlaps, and with gaps marked, because "no CFI here" keeps the walk from applying a neighbour's
 * rule.
 */
#include "unwind/cfi.h"

#include <errno.h>
#include <stdlib.h>

#include "unwind/cfi_internal.h"
#include "util/array.h"

/* The assumed maximum length of code at the entry point that is not described. */
#define ENTRY_CODE 256

struct builder {
	struct cfi cfi;
	size_t cap;
	uint64_t limit; /* rows at or above this belong to another function */
	bool no_memory;
};

static bool same_rule(const struct unwind_rule *a, const struct unwind_rule *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static bool push_row(struct builder *b, uint64_t vaddr, struct unwind_rule rule)
{
	struct cfi *c = &b->cfi;

	if (c->n && c->rows[c->n - 1].vaddr == vaddr)
		c->n--; /* replaced */
	if (c->n && same_rule(&c->rows[c->n - 1].rule, &rule))
		return true;
	if (array__grow(&c->rows, &b->cap, c->n + 1, sizeof(*c->rows))) {
		b->no_memory = true;
		return false;
	}
	c->rows[c->n++] = (struct cfi_row){ vaddr, rule };
	return true;
}

static bool push_kind(struct builder *b, uint64_t vaddr, uint8_t kind)
{
	return push_row(b, vaddr, (struct unwind_rule){ .kind = kind });
}

static bool on_row(void *ctx, uint64_t vaddr, struct unwind_rule rule)
{
	struct builder *b = ctx;

	return vaddr >= b->limit || push_row(b, vaddr, rule);
}

/* Sorts by start; of those with the same start the longest comes last, and is used. */
static int compare_fdes(const void *pa, const void *pb)
{
	const struct fde *a = pa, *b = pb;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->end < b->end ? -1 : a->end > b->end;
}

static void sort_fdes(struct cfi_parts *p)
{
	for (size_t i = 1; i < p->nfdes; i++) {
		if (compare_fdes(&p->fdes[i - 1], &p->fdes[i]) > 0) {
			qsort(p->fdes, p->nfdes, sizeof(*p->fdes), compare_fdes);
			return;
		}
	}
}

/* Drops functions outside of the executable segments, and clips those that reach out of them. */
static void clip_fdes(const struct cfi_source *src, struct cfi_parts *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nfdes; i++) {
		struct fde f = p->fdes[i];

		for (size_t k = 0; k < src->ncode; k++) {
			if (f.start < src->code[k].start || f.start >= src->code[k].end)
				continue;
			if (f.end > src->code[k].end)
				f.end = src->code[k].end;
			p->fdes[n++] = f;
			break;
		}
	}
	p->nfdes = n;
}

static bool add_functions(struct builder *b, const struct cfi_parts *p)
{
	uint64_t covered = 0; /* rows are known up to here */

	for (size_t i = 0; i < p->nfdes; i++) {
		const struct fde *f = &p->fdes[i];
		uint64_t next = i + 1 < p->nfdes ? p->fdes[i + 1].start : UINT64_MAX;

		if (f->start == next)
			continue;
		if (f->start > covered && b->cfi.n && !push_kind(b, covered, UNWIND_NONE))
			return false;
		b->limit = f->end < next ? f->end : next;
		b->cfi.functions++;
		if (!cfi_exec__run(p->section, f, on_row, b))
			b->cfi.damaged++;
		if (b->no_memory)
			return false;
		covered = b->limit;
	}
	return !b->cfi.n || push_kind(b, covered, UNWIND_NONE);
}

/* Returns the index of the first row after an address. */
static size_t row_after(const struct cfi *c, uint64_t vaddr)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->rows[mid].vaddr <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * Marks the end of the stack where the kernel starts a program. Most entry points are described so;
 * those of the dynamic loader and of some C libraries are not described at all, and constructors
 * are called from there.
 */
static bool add_entry_point(struct builder *b, uint64_t entry)
{
	struct cfi_row *rows = b->cfi.rows;
	size_t at = row_after(&b->cfi, entry), n = b->cfi.n - at;
	struct cfi_row *tail;
	uint64_t end = entry + ENTRY_CODE;
	bool ok;

	if (!entry || end < entry || (at && rows[at - 1].rule.kind != UNWIND_NONE))
		return true;
	tail = malloc((n + 1) * sizeof(*tail));
	if (!tail)
		return false;
	memcpy(tail, rows + at, n * sizeof(*tail));
	b->cfi.n = at;
	ok = push_kind(b, entry, UNWIND_BOTTOM);
	if (ok && (!n || tail[0].vaddr > end))
		ok = push_kind(b, end, UNWIND_NONE);
	for (size_t i = 0; ok && i < n; i++)
		ok = push_row(b, tail[i].vaddr, tail[i].rule);
	free(tail);
	return ok;
}

/* Finds the functions of a section, sorted. The caller frees `parts`, even after a failure. */
static int find_functions(const struct cfi_source *src, bool debug, struct cfi_parts *parts)
{
	int err;

	*parts = (struct cfi_parts){
		.section = debug ? &src->debug_frame : &src->eh_frame,
		.debug = debug,
		.ends_at_zero = !debug && src->ends_at_zero,
	};
	if (!parts->section->bytes)
		return -ENODATA;
	err = cfi_parse__split(parts);
	if (err)
		return err;
	clip_fdes(src, parts);
	sort_fdes(parts);
	return parts->nfdes ? 0 : -ENODATA;
}

static int build_rows(const struct cfi_source *src, const struct cfi_parts *parts, struct cfi *out)
{
	struct builder b = { 0 };

	if (!add_functions(&b, parts) || !add_entry_point(&b, src->entry)) {
		free(b.cfi.rows);
		return -ENOMEM;
	}
	*out = b.cfi;
	return 0;
}

int cfi__build(const struct cfi_source *src, struct cfi *out)
{
	int err = -ENODATA;

	for (int debug = 0; debug <= 1 && err == -ENODATA; debug++) {
		struct cfi_parts parts;

		err = find_functions(src, debug, &parts);
		if (!err)
			err = build_rows(src, &parts, out);
		free(parts.cies);
		free(parts.fdes);
	}
	return err;
}

static int build_extents(const struct cfi_parts *parts, struct cfi_extents *out)
{
	struct cfi_extents x = { .list = calloc(parts->nfdes, sizeof(*x.list)) };

	if (!x.list)
		return -ENOMEM;
	for (size_t i = 0; i < parts->nfdes; i++) {
		const struct fde *f = &parts->fdes[i];
		uint64_t next = i + 1 < parts->nfdes ? parts->fdes[i + 1].start : UINT64_MAX;

		if (f->start < next)
			x.list[x.n++] =
			    (struct cfi_extent){ f->start, f->end < next ? f->end : next };
	}
	*out = x;
	return 0;
}

int cfi__list_extents(const struct cfi_source *src, struct cfi_extents *out)
{
	int err = -ENODATA;

	for (int debug = 0; debug <= 1 && err == -ENODATA; debug++) {
		struct cfi_parts parts;

		err = find_functions(src, debug, &parts);
		if (!err)
			err = build_extents(&parts, out);
		free(parts.cies);
		free(parts.fdes);
	}
	return err;
}

void cfi__release_extents(struct cfi_extents *x)
{
	free(x->list);
	*x = (struct cfi_extents){ 0 };
}

const struct cfi_extent *cfi__extent_at(const struct cfi_extents *x, uint64_t vaddr)
{
	size_t lo = 0, hi = x->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (x->list[mid].start <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && vaddr < x->list[lo - 1].end ? &x->list[lo - 1] : NULL;
}

void cfi__release(struct cfi *c)
{
	free(c->rows);
	*c = (struct cfi){ 0 };
}

struct unwind_rule cfi__find(const struct cfi *c, uint64_t vaddr)
{
	size_t at = row_after(c, vaddr);

	return at ? c->rows[at - 1].rule : (struct unwind_rule){ .kind = UNWIND_NONE };
}

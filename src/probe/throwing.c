/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/throwing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/event.h"
#include "elf/elf.h"
#include "probe/alloc_functions.h"
#include "probe/discover.h"
#include "probe/exits.h"
#include "unwind/cfi.h"
#include "util/array.h"

struct throwing {
	struct probe_file *f;
	struct elf *e;
	struct cfi_extents extents;
};

static bool find_extent(void *ctx, uint64_t vaddr, uint64_t *start, uint64_t *end)
{
	const struct throwing *t = ctx;
	const struct cfi_extent *x = cfi__extent_at(&t->extents, vaddr);

	if (!x)
		return false;
	*start = x->start;
	*end = x->end;
	return true;
}

static const uint8_t *read_code(void *ctx, uint64_t vaddr, size_t want, size_t *got)
{
	const struct throwing *t = ctx;
	uint64_t offset;

	return elf__vaddr_to_offset(t->e, vaddr, &offset) ? elf__code(t->e, offset, want, got)
							  : NULL;
}

/* What an ordinary probe sees return needs no exits. A function that throws too is followed: what
 * becomes of it is not known yet. */
static enum exits_way judge_function(void *ctx, uint64_t vaddr)
{
	const struct throwing *t = ctx;
	uint64_t offset;

	if (!elf__vaddr_to_offset(t->e, vaddr, &offset))
		return EXITS_UNKNOWN;
	for (size_t i = 0; i < t->f->n; i++) {
		const struct probe_site *s = &t->f->sites[i];

		if (s->entry == offset && !s->throws)
			return s->shape == SHAPE_FREE || s->shape == SHAPE_FREE_CALL ? EXITS_CODE
										     : EXITS_SEEN;
	}
	return EXITS_CODE;
}

static enum exits_way judge_slot(void *ctx, uint64_t slot, uint64_t *vaddr)
{
	const struct throwing *t = ctx;
	struct elf_slot s;

	if (!elf__slot(t->e, slot, &s) || s.ifunc)
		return EXITS_UNKNOWN;
	if (s.vaddr) {
		*vaddr = s.vaddr;
		return judge_function(ctx, s.vaddr);
	}
	/* It is probed in the file that defines it. */
	return alloc_functions__find(s.name) != API_NONE ? EXITS_SEEN : EXITS_UNKNOWN;
}

static int compare_offsets(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Adds exits to those of the file, each once. Returns 0, -E2BIG or -ENOMEM. */
static int add_exits(struct throwing *t, const struct exits *x)
{
	struct probe_file *f = t->f;
	size_t n = f->nexits;

	for (size_t i = 0; i < x->n; i++) {
		uint64_t offset;
		bool known = !elf__vaddr_to_offset(t->e, x->at[i], &offset);

		for (size_t k = 0; !known && k < n; k++)
			known = f->exits[k] == offset;
		if (known)
			continue;
		if (n == PROBE_EXITS_MAX)
			return -E2BIG;
		if (array__grow(&f->exits, &f->exits_cap, n + 1, sizeof(*f->exits)))
			return -ENOMEM;
		f->exits[n++] = offset;
	}
	f->nexits = n;
	return 0;
}

/* Does not throw, but calls the new_handler, whose own calls count: see calls.bpf.h. */
static bool may_call_handler(const struct probe_site *s)
{
	return !(s->cookie & COOKIE_CUSTOM) && s->shape == SHAPE_ALLOC &&
	       strstr(s->name, "nothrow");
}

/* Of the function's own code, from the probe on, in bytes. */
static uint64_t code_length(const struct throwing *t, const struct probe_site *s, uint64_t vaddr)
{
	const struct cfi_extent *x = cfi__extent_at(&t->extents, vaddr);
	uint64_t begin = vaddr + s->point.offset, len = x && x->end > begin ? x->end - begin : 0;

	return len < UINT32_MAX ? len : UINT32_MAX;
}

static int find_site_exits(struct throwing *t, struct probe_site *s)
{
	const struct exits_source source = {
		.ctx = t,
		.extent = find_extent,
		.code = read_code,
		.function = judge_function,
		.slot = judge_slot,
	};
	struct exits x;
	uint64_t vaddr;
	int err;

	if (!elf__offset_to_vaddr(t->e, s->entry, &vaddr))
		return 0;
	err = exits__find(&source, vaddr, &x);
	if (!err && !*x.why)
		err = add_exits(t, &x);
	if (err == -E2BIG) {
		snprintf(x.why, sizeof(x.why), "the file's functions have too many exits");
		err = 0;
	}
	if (!err && !*x.why) {
		s->exits = true;
		s->cookie |= COOKIE_EXITS | code_length(t, s, vaddr) << COOKIE_BYTES_SHIFT;
	}
	if (s->throws)
		snprintf(s->why_return, sizeof(s->why_return), "%s", x.why);
	exits__release(&x);
	return err;
}

static int find_exits(struct probe_file *f, struct elf *e)
{
	struct throwing t = { .f = f, .e = e };
	struct cfi_source src;
	int err = 0;

	if (elf__machine(e) == ELF_X86_64 && !cfi__source(e, &src))
		err = cfi__list_extents(&src, &t.extents);
	for (size_t i = 0; i < f->n && err != -ENOMEM; i++)
		if (f->sites[i].throws || may_call_handler(&f->sites[i]))
			err = find_site_exits(&t, &f->sites[i]);
	if (f->nexits)
		qsort(f->exits, f->nexits, sizeof(*f->exits), compare_offsets);
	cfi__release_extents(&t.extents);
	return err == -ENOMEM ? err : 0;
}

/* Call frame information is read only for a file that has functions that throw. */
int throwing__find_exits(struct probe_file *f, struct elf *e)
{
	bool throws = false;
	int err;

	for (size_t i = 0; i < f->n; i++)
		throws |= f->sites[i].throws;
	err = throws ? find_exits(f, e) : 0;
	for (size_t i = 0; i < f->n; i++)
		f->throws |= f->sites[i].throws && !f->sites[i].exits;
	return err;
}

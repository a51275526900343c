/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One address often has several names (malloc, __libc_malloc), and one table repeats another
 * (.dynsym and .symtab). Of all functions with the same start, one is kept: preferably one whose
 * size is known, then the one with the fewest leading underscores, the most widely visible, the
 * shortest.
 */
#include "symbols/symtab.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf/elf.h"
#include "util/array.h"
#include "util/intervals.h"

/* The assumed maximum size of a function of unknown size. */
#define UNKNOWN_SIZE_MAX (64u << 10)

struct symbol {
	uint64_t vaddr, size;
	const char *name;
	uint32_t length;
	uint8_t underscores, visibility; /* visibility: 0 is the best */
};

struct symtab {
	struct symbol *symbols;
	size_t n, cap;
	size_t names; /* bytes of names, which libelf owns */
	struct intervals ranges;
};

struct symtab *symtab__new(void)
{
	return calloc(1, sizeof(struct symtab));
}

void symtab__free(struct symtab *t)
{
	if (!t)
		return;
	intervals__free(&t->ranges);
	free(t->symbols);
	free(t);
}

static int add_symbol(void *ctx, const struct elf_function *f)
{
	struct symtab *t = ctx;
	size_t length = strnlen(f->name, UINT32_MAX), underscores = strspn(f->name, "_");

	if (array__grow(&t->symbols, &t->cap, t->n + 1, sizeof(*t->symbols)))
		return -ENOMEM;
	t->names += length + 1;
	t->symbols[t->n++] = (struct symbol){
		.vaddr = f->vaddr,
		.size = f->size,
		.name = f->name,
		.length = (uint32_t)length,
		.underscores = underscores < UINT8_MAX ? (uint8_t)underscores : UINT8_MAX,
		.visibility = f->binding == STB_GLOBAL	? 0
			      : f->binding == STB_LOCAL ? 2
							: 1,
	};
	return 0;
}

int symtab__add(struct symtab *t, struct elf *e, bool debug)
{
	return debug ? elf__debug_functions(e, add_symbol, t) : elf__functions(e, add_symbol, t);
}

/* Sorts by address, the best name of an address first. */
static int compare_symbols(const void *pa, const void *pb)
{
	const struct symbol *a = pa, *b = pb;

	if (a->vaddr != b->vaddr)
		return a->vaddr < b->vaddr ? -1 : 1;
	if (!a->size != !b->size)
		return a->size ? -1 : 1;
	if (a->underscores != b->underscores)
		return a->underscores < b->underscores ? -1 : 1;
	if (a->visibility != b->visibility)
		return a->visibility < b->visibility ? -1 : 1;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return strcmp(a->name, b->name);
}

int symtab__finish(struct symtab *t)
{
	size_t kept = 0;

	if (t->n)
		qsort(t->symbols, t->n, sizeof(*t->symbols), compare_symbols);
	for (size_t i = 0; i < t->n; i++)
		if (!kept || t->symbols[kept - 1].vaddr != t->symbols[i].vaddr)
			t->symbols[kept++] = t->symbols[i];
	t->n = kept;

	for (size_t i = 0; i < t->n; i++) {
		const struct symbol *s = &t->symbols[i];
		uint64_t size = s->size ? s->size : UNKNOWN_SIZE_MAX, hi = s->vaddr + size;

		if (hi < s->vaddr)
			hi = UINT64_MAX;
		if (!s->size && i + 1 < t->n && t->symbols[i + 1].vaddr < hi)
			hi = t->symbols[i + 1].vaddr;
		if (intervals__add(&t->ranges, s->vaddr, hi, (uint32_t)i))
			return -ENOMEM;
	}
	intervals__sort(&t->ranges);
	return 0;
}

const char *symtab__find(const struct symtab *t, uint64_t vaddr, bool *exact)
{
	const struct interval *r = intervals__find(&t->ranges, vaddr);

	if (!r)
		return NULL;
	*exact = t->symbols[r->value].size != 0;
	return t->symbols[r->value].name;
}

size_t symtab__memory(const struct symtab *t)
{
	return sizeof(*t) + t->names + t->cap * sizeof(*t->symbols) +
	       t->ranges.cap * sizeof(*t->ranges.at);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/discover.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "abi/event.h"
#include "elf/elf.h"
#include "probe/alloc_functions.h"
#include "probe/spec.h"
#include "probe/throwing.h"
#include "symbols/module.h"
#include "symbols/stripped.h"
#include "unwind/cfi.h"

/* No real file has more, and more do not fit into one link. */
#define MAX_CANDIDATES 512
/* How much of a function is read. The longest in known allocators has 10 KiB. */
#define MAX_CODE (64u << 10)

struct candidate {
	unsigned int row;
	const struct alloc_function *api;
	const char *name; /* the ELF file's, or the specification's */
	uint64_t vaddr, offset;
	uint64_t size; /* bytes of code */
	bool ifunc;
	bool forwards;	 /* a C++ operator that only calls another candidate */
	const char *why; /* why it is not probed; NULL: not known yet */
};

struct search {
	struct candidate found[MAX_CANDIDATES];
	size_t n;
	struct candidate unwinders[UNWINDERS_MAX];
	size_t nunwinders;
	uint64_t linker_notify;
	struct glibc glibc;
	size_t names; /* functions with a name */
	const struct probe_specs *specs;
	bool *wanted; /* for each specification: whether it is about this file */
};

/* The functions that leave a call without a return: throw, rethrow, and the end of a thread. */
static bool is_unwinder(const char *name)
{
	return !strcmp(name, "_Unwind_RaiseException") ||
	       !strcmp(name, "_Unwind_Resume_or_Rethrow") || !strcmp(name, "_Unwind_ForcedUnwind");
}

static void add_unwinder(struct search *s, const struct elf_function *f)
{
	for (size_t i = 0; i < s->nunwinders; i++) {
		if (s->unwinders[i].offset == f->offset)
			return;
	}
	if (s->nunwinders < UNWINDERS_MAX)
		s->unwinders[s->nunwinders++] = (struct candidate){
			.name = f->name,
			.vaddr = f->vaddr,
			.offset = f->offset,
			.size = f->size,
			.ifunc = f->ifunc,
		};
}

static void add_candidate(struct search *s, unsigned int row, const struct elf_function *f,
			  const char *why)
{
	if (row == API_NONE || s->n == MAX_CANDIDATES)
		return;
	s->found[s->n++] = (struct candidate){
		.row = row,
		.api = probe_specs__api(s->specs, row),
		.name = f->name,
		.vaddr = f->vaddr,
		.offset = f->offset,
		.size = f->size,
		.ifunc = f->ifunc,
		.why = why,
	};
}

static int consider_function(void *ctx, const struct elf_function *f)
{
	struct search *s = ctx;

	s->names++;
	if (!s->linker_notify && !strcmp(f->name, "_dl_debug_state"))
		s->linker_notify = f->offset;
	else if (f->name[0] == '_' && is_unwinder(f->name))
		add_unwinder(s, f);
	else
		libc_frees__consider(&s->glibc, f);
	add_candidate(s, alloc_functions__find(f->name), f, NULL);
	for (size_t i = 0; s->specs && i < s->specs->n; i++) {
		if (!s->wanted[i])
			continue;
		switch (probe_spec__match_symbol(&s->specs->specs[i], f->name)) {
		case PROBE_FUNCTION:
			add_candidate(s, probe_specs__row(i), f, NULL);
			break;
		case PROBE_COPY:
			add_candidate(s, probe_specs__row(i), f,
				      "a copy made by the compiler, maybe with other arguments: "
				      "name it in full to probe it");
			break;
		case PROBE_OTHER:
			break;
		}
	}
	return 0;
}

/* ---- functions that are given by their offset ---- */

/*
 * At the beginning of a function, the stack pointer points to the return address; call frame
 * information, which stripped files keep, says so. Where it says nothing, the user is trusted.
 */
static const char *not_a_beginning(const struct cfi *c, uint64_t vaddr)
{
	struct unwind_rule rule = cfi__find(c, vaddr);

	if (rule.kind == UNWIND_NONE || rule.kind == UNWIND_UNKNOWN ||
	    (rule.kind == UNWIND_RSP && rule.cfa == 8))
		return NULL;
	return "no function begins there";
}

static void add_offsets(struct search *s, struct elf *e)
{
	struct cfi_source src;
	struct cfi cfi = { 0 };
	bool described = false;

	for (size_t i = 0; s->specs && i < s->specs->n; i++) {
		const struct probe_spec *spec = &s->specs->specs[i];
		struct elf_function f = { .name = spec->function, .offset = spec->offset };
		const char *why = NULL;

		if (!spec->by_offset || !s->wanted[i])
			continue;
		if (!described)
			described = !cfi__source(e, &src) && !cfi__build(&src, &cfi);
		if (!elf__offset_to_vaddr(e, spec->offset, &f.vaddr))
			why = "the file has no code there";
		else if (described)
			why = not_a_beginning(&cfi, f.vaddr);
		add_candidate(s, probe_specs__row(i), &f, why);
	}
	if (described)
		cfi__release(&cfi);
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (!x->why != !y->why)
		return x->why ? 1 : -1;
	if (x->api->custom != y->api->custom)
		return x->api->custom ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/*
 * Leaves one candidate for each address: the user's, or the one that comes first in the table.
 * Others that the user named at the same address are kept, to be reported.
 */
static void merge_candidates(struct search *s)
{
	struct candidate *first = NULL;
	size_t n = 0;

	qsort(s->found, s->n, sizeof(s->found[0]), compare_candidates);
	for (size_t i = 0; i < s->n; i++) {
		const struct candidate c = s->found[i];

		if (!first || first->offset != c.offset) {
			first = &s->found[n];
			s->found[n++] = c;
			continue;
		}
		if (first->size < c.size)
			first->size = c.size;
		first->ifunc |= c.ifunc;
		if (c.api->custom && !c.why && c.row != s->found[n - 1].row) {
			s->found[n] = c;
			s->found[n++].why = "the same function as another one of --probe";
		}
	}
	s->n = n;
}

/* A function of unknown size (written in assembly) ends where the next one begins. */
static int bound_size(void *ctx, const struct elf_function *f)
{
	struct search *s = ctx;

	for (size_t i = 0; i < s->n; i++) {
		uint64_t gap = f->vaddr - s->found[i].vaddr;

		if (f->vaddr > s->found[i].vaddr && s->found[i].size > gap)
			s->found[i].size = gap;
	}
	return 0;
}

static void bound_sizes(struct search *s, struct elf *e)
{
	struct search open = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (!s->found[i].size) {
			open.found[open.n] = s->found[i];
			open.found[open.n++].size = MAX_CODE;
		}
	}
	if (open.n)
		elf__functions(e, bound_size, &open);
	for (size_t i = 0; i < s->n && n < open.n; i++) {
		if (!s->found[i].size)
			s->found[i].size = open.found[n++].size;
	}
}

/* A function that the user names is probed even if it is a C++ operator. */
static bool is_cxx(const struct candidate *c)
{
	if (c->api->custom)
		return false;
	return !strncmp(c->name, "_Zn", 3) || !strncmp(c->name, "_Zd", 3);
}

static bool defines_allocator(const struct search *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct candidate *c = &s->found[i];

		if (!c->ifunc && !is_cxx(c) && !c->api->custom && c->api->shape != SHAPE_FREE)
			return true;
	}
	return false;
}

static const uint8_t *code_of(const struct elf *e, const struct candidate *c, size_t *len)
{
	return elf__code(e, c->offset, c->size < MAX_CODE ? c->size : MAX_CODE, len);
}

/* Marks operators that only call a function of this file that is probed, or another such
 * operator. */
static void find_forwarders(struct search *s, const struct elf *e)
{
	uint64_t to[MAX_CANDIDATES];
	size_t n = 0, len, before;
	const uint8_t *code;

	for (size_t i = 0; i < s->n; i++) {
		if (!s->found[i].ifunc && !is_cxx(&s->found[i]))
			to[n++] = s->found[i].vaddr;
	}
	do {
		before = n;
		for (size_t i = 0; i < s->n; i++) {
			struct candidate *c = &s->found[i];

			if (!is_cxx(c) || c->ifunc || c->forwards)
				continue;
			code = code_of(e, c, &len);
			c->forwards =
			    code && probe_point__only_forwards(code, len, c->vaddr, to, n);
			if (c->forwards)
				to[n++] = c->vaddr;
		}
	} while (n > before);
}

/* Finds the probe point. Returns NULL, or the reason why the function cannot be probed. */
static const char *place_probe(const struct elf *e, const struct candidate *c,
			       struct probe_point *out)
{
	const uint8_t *code;
	size_t len;

	if (c->why)
		return c->why;
	if (c->ifunc)
		return "an IFUNC: its address is the resolver's";
	code = code_of(e, c, &len);
	if (!code || !len)
		return "no code at its address";
	if (elf__machine(e) == ELF_X86_64)
		probe_point__find(code, len, c->vaddr,
				  c->api ? alloc_functions__arguments(c->api) : 0, out);
	else
		*out = (struct probe_point){ .insn = "-", .why = "the entry" };
	return NULL;
}

static void place_unwinders(struct probe_file *f, const struct search *s, const struct elf *e)
{
	struct candidate c;
	struct probe_point point;

	for (size_t i = 0; i < s->nunwinders; i++) {
		c = s->unwinders[i];
		if (!place_probe(e, &c, &point))
			f->unwinders[f->nunwinders++] = c.offset + point.offset;
	}
}

static int place_libc_frees(struct probe_file *f, const struct search *s, struct elf *e)
{
	struct code_range *functions = calloc(s->n + 1, sizeof(*functions));

	if (!functions)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		functions[i] =
		    (struct code_range){ s->found[i].vaddr, s->found[i].vaddr + s->found[i].size };
	f->nlibc_frees = libc_frees__find(&s->glibc, e, functions, s->n, f->libc_frees);
	free(functions);
	return 0;
}

static const char *reason_to_skip(const struct candidate *c, bool allocator)
{
	if (c->forwards)
		return "only calls a function that is probed";
	return is_cxx(c) && !allocator ? "calls an allocator in another file" : NULL;
}

static void fill_site(struct probe_site *site, const struct candidate *c)
{
	snprintf(site->name, sizeof(site->name), "%s", c->name);
	site->api = c->row;
	site->shape = c->api->shape;
	site->throws = c->api->throws;
	site->cookie = alloc_functions__cookie(c->row, c->api, site->point.arg);
	site->entry = c->offset;
	site->size = c->size;
}

static int fill_file(struct probe_file *f, struct search *s, struct elf *e)
{
	bool allocator;

	merge_candidates(s);
	bound_sizes(s, e);
	allocator = defines_allocator(s);
	if (elf__machine(e) == ELF_X86_64)
		find_forwarders(s, e);
	f->linker_notify = s->linker_notify;
	place_unwinders(f, s, e);
	if (!s->n)
		return 0;
	if (elf__machine(e) == ELF_X86_64 && place_libc_frees(f, s, e))
		return -ENOMEM;
	f->sites = calloc(s->n, sizeof(*f->sites));
	f->skipped = calloc(s->n, sizeof(*f->skipped));
	if (!f->sites || !f->skipped)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		const struct candidate *c = &s->found[i];
		struct probe_site *site = &f->sites[f->n];
		struct probe_skip *skip = &f->skipped[f->nskipped];

		skip->why = reason_to_skip(c, allocator);
		if (!skip->why)
			skip->why = place_probe(e, c, &site->point);
		if (skip->why) {
			skip->blind = !c->why && !reason_to_skip(c, allocator);
			snprintf(skip->name, sizeof(skip->name), "%s", c->name);
			skip->api = c->row;
			skip->entry = c->offset;
			f->nskipped++;
			continue;
		}
		fill_site(site, c);
		f->n++;
	}
	return throwing__find_exits(f, e);
}

/* Whether the user named a function of this very file that its own symbols do not include. */
static bool misses_named_function(const struct search *s)
{
	for (size_t i = 0; s->specs && i < s->specs->n; i++) {
		bool found =
		    !s->wanted[i] || !s->specs->specs[i].file || s->specs->specs[i].by_offset;

		for (size_t k = 0; !found && k < s->n; k++)
			found = s->found[k].row == probe_specs__row(i);
		if (!found)
			return true;
	}
	return false;
}

/* 0 or -ENOMEM. Problems with the file itself go into f->error. */
static int search_file(struct probe_file *f, struct search *s, struct module *mod)
{
	struct elf *e = elf__open(module__fd(mod));
	struct stripped *names = NULL;
	int err = 0;

	if (!e) {
		f->error = -errno;
		return 0;
	}
	if (elf__is_64bit(e) && (elf__machine(e) == ELF_X86_64 || elf__machine(e) == ELF_ARM64)) {
		elf__functions(e, consider_function, s);
		if (!s->names || misses_named_function(s))
			names = stripped__open(mod, e);
		if (names)
			stripped__functions(names, consider_function, s);
		f->nameless = !s->names;
		add_offsets(s, e);
		err = fill_file(f, s, e);
	} else {
		f->error = -EOPNOTSUPP;
	}
	stripped__close(names);
	elf__close(e);
	return err;
}

bool discover__spec_matches(struct module *mod, const struct probe_spec *spec)
{
	struct stat named, mapped;

	if (probe_spec__matches_path(spec, module__path(mod)))
		return true;
	return strchr(spec->file, '/') && module__fd(mod) >= 0 && !stat(spec->file, &named) &&
	       !fstat(module__fd(mod), &mapped) && named.st_dev == mapped.st_dev &&
	       named.st_ino == mapped.st_ino;
}

/* NULL: no memory. */
static struct search *new_search(struct module *mod, const struct probe_specs *specs)
{
	size_t n = specs ? specs->n : 0;
	struct search *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->specs = specs;
	s->wanted = calloc(n + 1, sizeof(*s->wanted));
	if (!s->wanted) {
		free(s);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		s->wanted[i] = discover__spec_matches(mod, &specs->specs[i]);
	return s;
}

struct probe_file *discover__file(struct module *mod, const struct probe_specs *specs)
{
	struct probe_file *f = calloc(1, sizeof(*f));
	struct search *s = f ? new_search(mod, specs) : NULL;
	size_t len;
	int err = s ? 0 : -ENOMEM;

	if (s) {
		f->module = module__id(mod);
		if (module__memory(mod, &len))
			; /* the vDSO allocates nothing */
		else if (module__fd(mod) < 0)
			f->error = -ENOENT;
		else
			err = search_file(f, s, mod);
		free(s->wanted);
	}
	free(s);
	if (!err)
		return f;
	discover__free(f);
	errno = -err;
	return NULL;
}

void discover__free(struct probe_file *f)
{
	if (!f)
		return;
	free(f->sites);
	free(f->skipped);
	free(f->exits);
	free(f);
}

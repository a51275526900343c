#include "joints/discover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ground/escape.h"
#include "ground/event.h"
#include "ground/util.h"
#include "model/api.h"
#include "model/elf.h"
#include "model/image.h"

/* No honest file has so many, and a link holds no more. */
#define MAX_CANDIDATES 512
/* How much of a function is read. The longest in known allocators has 10 KiB. */
#define MAX_CODE (64u << 10)

struct candidate {
	unsigned int api;
	const char *name; /* the elf's */
	uint64_t vaddr, offset;
	uint64_t size; /* bytes that belong to it */
	bool ifunc;
	bool forwards;		/* a C++ operator that only calls another candidate */
};

struct search {
	struct candidate found[MAX_CANDIDATES];
	size_t n;
	struct candidate unwinders[UNWINDERS_MAX];
	size_t nunwinders;
	uint64_t linker_notify;
};

/* The ways out of a call that are no return: throw, rethrow, and the end of a thread. */
static bool is_unwinder(const char *name)
{
	return !strcmp(name, "_Unwind_RaiseException") ||
	       !strcmp(name, "_Unwind_Resume_or_Rethrow") || !strcmp(name, "_Unwind_ForcedUnwind");
}

static void note_unwinder(struct search *s, const struct elf_function *f)
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

static int note(void *ctx, const struct elf_function *f)
{
	struct search *s = ctx;
	unsigned int row;

	if (!s->linker_notify && !strcmp(f->name, "_dl_debug_state"))
		s->linker_notify = f->offset;
	else if (f->name[0] == '_' && is_unwinder(f->name))
		note_unwinder(s, f);
	row = api__find(f->name);
	if (row == API_NONE || s->n == MAX_CANDIDATES)
		return 0;
	s->found[s->n++] = (struct candidate){
	    .api = row,
	    .name = f->name,
	    .vaddr = f->vaddr,
	    .offset = f->offset,
	    .size = f->size,
	    .ifunc = f->ifunc,
	};
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->api < y->api ? -1 : x->api > y->api;
}

/* Leaves one candidate for each address: the one that comes first in the table. */
static void merge(struct search *s)
{
	size_t n = 0;

	qsort(s->found, s->n, sizeof(s->found[0]), by_address);
	for (size_t i = 0; i < s->n; i++) {
		struct candidate *last = n ? &s->found[n - 1] : NULL;

		if (!last || last->offset != s->found[i].offset) {
			s->found[n++] = s->found[i];
			continue;
		}
		if (last->size < s->found[i].size)
			last->size = s->found[i].size;
		last->ifunc |= s->found[i].ifunc;
	}
	s->n = n;
}

/* A function of unknown size (written in assembly) ends where the next one begins. */
static int bound(void *ctx, const struct elf_function *f)
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
	struct search open = {0};
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (!s->found[i].size) {
			open.found[open.n] = s->found[i];
			open.found[open.n++].size = MAX_CODE;
		}
	}
	if (open.n)
		elf__functions(e, bound, &open);
	for (size_t i = 0; i < s->n && n < open.n; i++) {
		if (!s->found[i].size)
			s->found[i].size = open.found[n++].size;
	}
}

static bool is_cxx(const struct candidate *c)
{
	return !strncmp(c->name, "_Zn", 3) || !strncmp(c->name, "_Zd", 3);
}

static bool defines_allocator(const struct search *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!s->found[i].ifunc && !is_cxx(&s->found[i]) &&
		    api__get(s->found[i].api)->shape != SHAPE_FREE)
			return true;
	}
	return false;
}

static const uint8_t *code_of(const struct elf *e, const struct candidate *c, size_t *len)
{
	return elf__code(e, c->offset, c->size < MAX_CODE ? c->size : MAX_CODE, len);
}

/* Marks operators that leave it to a function of this file that is probed, or to one that does. */
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
			c->forwards = code && point__only_forwards(code, len, c->vaddr, to, n);
			if (c->forwards)
				to[n++] = c->vaddr;
		}
	} while (n > before);
}

static unsigned int argument_mask(unsigned int row)
{
	const struct api *a = api__get(row);
	unsigned int mask = 0;

	if (a->size != ARG_NONE)
		mask |= 1u << a->size;
	if (a->count != ARG_NONE)
		mask |= 1u << a->count;
	if (a->ptr != ARG_NONE)
		mask |= 1u << a->ptr;
	return mask;
}

/* NULL, or why the function cannot be probed. */
static const char *place(const struct elf *e, const struct candidate *c, struct point *out)
{
	const uint8_t *code;
	size_t len;

	if (c->ifunc)
		return "an IFUNC: its address is the resolver's";
	code = code_of(e, c, &len);
	if (!code || !len)
		return "no code at its address";
	if (elf__machine(e) == ELF_X86_64)
		point__find(code, len, c->vaddr, argument_mask(c->api), out);
	else
		*out = (struct point){.insn = "-", .why = "the entry"};
	return NULL;
}

static void place_unwinders(struct probe_file *f, const struct search *s, const struct elf *e)
{
	struct candidate c;
	struct point point;

	for (size_t i = 0; i < s->nunwinders; i++) {
		c = s->unwinders[i];
		c.api = API_NONE;
		if (!place(e, &c, &point))
			f->unwinders[f->nunwinders++] = c.offset + point.offset;
	}
}

static const char *reason_to_skip(const struct candidate *c, bool allocator)
{
	if (c->forwards)
		return "only calls a function that is probed";
	return is_cxx(c) && !allocator ? "calls an allocator elsewhere" : NULL;
}

static int fill(struct probe_file *f, struct search *s, struct elf *e)
{
	bool allocator;

	merge(s);
	bound_sizes(s, e);
	allocator = defines_allocator(s);
	if (elf__machine(e) == ELF_X86_64)
		find_forwarders(s, e);
	f->linker_notify = s->linker_notify;
	place_unwinders(f, s, e);
	if (!s->n)
		return 0;
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
			skip->why = place(e, c, &site->point);
		if (skip->why) {
			snprintf(skip->name, sizeof(skip->name), "%s", c->name);
			skip->entry = c->offset;
			f->nskipped++;
			continue;
		}
		snprintf(site->name, sizeof(site->name), "%s", c->name);
		site->api = c->api;
		site->entry = c->offset;
		site->size = c->size;
		f->throws |= api__get(c->api)->throws;
		f->n++;
	}
	return 0;
}

/* 0, or a negative errno for want of memory. What is wrong with the file goes into f->error. */
static int search(struct probe_file *f, struct image *im)
{
	struct search *s = NULL;
	struct elf *e = NULL;
	size_t len;
	int err = 0;

	if (image__memory(im, &len))
		return 0; /* the vDSO allocates nothing */
	if (image__fd(im) < 0) {
		f->error = -ENOENT;
		return 0;
	}
	e = elf__open(image__fd(im));
	if (!e) {
		f->error = -errno;
		return 0;
	}
	if (!elf__is_64bit(e) || (elf__machine(e) != ELF_X86_64 && elf__machine(e) != ELF_ARM64)) {
		f->error = -EOPNOTSUPP;
		goto out;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		err = -ENOMEM;
		goto out;
	}
	elf__functions(e, note, s);
	err = fill(f, s, e);
out:
	free(s);
	elf__close(e);
	return err;
}

struct probe_file *discover__file(struct image *im)
{
	struct probe_file *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return NULL;
	f->image = image__id(im);
	err = search(f, im);
	if (err) {
		discover__free(f);
		errno = -err;
		return NULL;
	}
	return f;
}

void discover__free(struct probe_file *f)
{
	if (!f)
		return;
	free(f->sites);
	free(f->skipped);
	free(f);
}

static void explain_row(FILE *out, int width, const char *name, uint64_t at, unsigned int offset,
			const char *insn, const char *why)
{
	char place[40];
	int n = snprintf(place, sizeof(place), "0x%" PRIx64, at);

	if (offset)
		snprintf(place + n, sizeof(place) - n, "+%u", offset);
	fprintf(out, "  %-*s  %-13s %-28s %s\n", width, name, place, insn, why);
}

static void explain_rows(const struct probe_file *f, FILE *out)
{
	size_t width = f->linker_notify ? strlen("_dl_debug_state") : 0;

	for (size_t i = 0; i < f->n; i++)
		width = strlen(f->sites[i].name) > width ? strlen(f->sites[i].name) : width;
	for (size_t i = 0; i < f->nskipped; i++)
		width = strlen(f->skipped[i].name) > width ? strlen(f->skipped[i].name) : width;
	for (size_t i = 0; i < f->n; i++) {
		const struct probe_site *s = &f->sites[i];

		explain_row(out, (int)width, s->name, s->entry, s->point.offset, s->point.insn,
			    s->point.why);
	}
	for (size_t i = 0; i < f->nskipped; i++)
		explain_row(out, (int)width, f->skipped[i].name, f->skipped[i].entry, 0, "not probed",
			    f->skipped[i].why);
	if (f->linker_notify)
		explain_row(out, (int)width, "_dl_debug_state", f->linker_notify, 0, "-",
			    "called when libraries come or go");
}

void discover__explain(const struct probe_file *f, const char *path, FILE *out)
{
	const char *remark = "";
	struct strbuf name = { 0 };

	if (f->error == -EOPNOTSUPP)
		remark = "not 64-bit code of this machine";
	else if (f->error)
		remark = strerror(-f->error);
	else if (!f->n && !f->nskipped)
		remark = "defines no allocation function";
	escape__plain(&name, path);
	fprintf(out, "%s:%s%s\n", name.data ? name.data : "", *remark ? " " : "", remark);
	strbuf__free(&name);
	explain_rows(f, out);
}

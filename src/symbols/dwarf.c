/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two tables lead from an address to its function: the ranges of compilation units, made once from
 * the units' own attributes (half of all compilers do not emit .debug_aranges), and, for each unit
 * that is ever looked up, the ranges of its functions. From the function down, the inlined calls
 * and blocks that hold the address are followed.
 *
 * DIEs form a tree, because libdw requires a sibling to be further on; what a hostile file can
 * still do is make many DIEs point to the same long list. So every step is charged to a budget, and
 * a file that uses up its budget is not searched again.
 */
#include "symbols/dwarf.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf/elf.h"
#include "symbols/debug_file.h"
#include "symbols/dwarf_names.h"
#include "util/array.h"
#include "util/intervals.h"

#define DWARF_MAX (1ull << 30)
#define STEPS_MAX (20u << 20) /* steps of one call: well under a second */
#define UNITS_MAX (1u << 18)
#define LINE_PROGRAM_MAX (8u << 20) /* bytes of a unit's line program */
#define LINE_PROGRAM_COST 20	    /* bytes of libdw's line table for each of those bytes */
#define LOOKUP_MEMORY_MAX (256u << 20)
#define DEPTH_MAX 64 /* of DIEs around a function */
#define INLINE_MAX 32

struct unit {
	Dwarf_Die die;
	bool indexed, has_lines, lines_checked;
	Dwarf_Die *functions;
	size_t n, cap;
	struct intervals ranges; /* value: index of the function */
};

struct dwarf {
	Dwarf *dw;
	const struct elf *elf;
	size_t sections; /* bytes of DWARF in memory */
	size_t lines;	 /* bytes of line tables, roughly */
	struct elf *shared_elf;
	Dwarf *shared;
	struct debug_file shared_file;
	struct unit *units;
	size_t n, cap;
	struct intervals ranges; /* value: index of the unit */
	struct dwarf_reading reading;
};

/* ---- address ranges ---- */

static int add_ranges(struct dwarf *d, struct intervals *t, Dwarf_Die *die, size_t value)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t at = 0;

	while (dwarf_names__spend(&d->reading) &&
	       (at = dwarf_ranges(die, at, &base, &lo, &hi)) > 0) {
		/* Code that the linker discarded keeps the address 0. */
		if (lo && intervals__add(t, lo, hi, (uint32_t)value))
			return -ENOMEM;
	}
	return 0;
}

static bool has_pc(struct dwarf *d, Dwarf_Die *die, uint64_t pc)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t at = 0;

	while (dwarf_names__spend(&d->reading) && (at = dwarf_ranges(die, at, &base, &lo, &hi)) > 0)
		if (lo <= pc && pc < hi)
			return true;
	return false;
}

/* ---- functions of a unit ---- */

static int add_unit_function(struct dwarf *d, struct unit *u, Dwarf_Die *die)
{
	size_t ranges = u->ranges.n;
	int err;

	if (array__grow(&u->functions, &u->cap, u->n + 1, sizeof(*u->functions)))
		return -ENOMEM;
	err = add_ranges(d, &u->ranges, die, u->n);
	if (u->ranges.n > ranges)
		u->functions[u->n++] = *die;
	return err;
}

static bool may_hold_functions(int tag)
{
	switch (tag) {
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		return true;
	default:
		return false;
	}
}

static int index_children(struct dwarf *d, struct unit *u, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;
	int more, err = 0;

	if (depth > DEPTH_MAX)
		return 0;
	for (more = dwarf_child(parent, &die); !more && dwarf_names__spend(&d->reading);
	     more = dwarf_siblingof(&die, &die)) {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram)
			err = add_unit_function(d, u, &die);
		if (!err && may_hold_functions(tag))
			err = index_children(d, u, &die, depth + 1);
		if (err)
			return err;
	}
	return 0;
}

static int index_unit(struct dwarf *d, struct unit *u)
{
	int err = 0;

	if (!u->indexed)
		err = index_children(d, u, &u->die, 0);
	if (!u->indexed)
		intervals__sort(&u->ranges);
	u->indexed = true;
	return err;
}

/* ---- units ---- */

static int add_unit(struct dwarf *d, const Dwarf_Die *die)
{
	if (array__grow(&d->units, &d->cap, d->n + 1, sizeof(*d->units)))
		return -ENOMEM;
	d->units[d->n] = (struct unit){ .die = *die };
	return add_ranges(d, &d->ranges, &d->units[d->n].die, d->n);
}

static int index_units(struct dwarf *d)
{
	Dwarf_CU *cu = NULL;
	uint8_t type = 0;
	Dwarf_Die die;
	int err;

	d->reading.budget = STEPS_MAX;
	for (unsigned int i = 0; i < UNITS_MAX; i++) {
		size_t ranges = d->ranges.n;

		if (dwarf_get_units(d->dw, cu, &cu, NULL, &type, &die, NULL) != 0)
			break;
		if ((type != DW_UT_compile && type != DW_UT_skeleton) ||
		    !dwarf_names__strings_end(&d->reading, &die))
			continue;
		err = add_unit(d, &die);
		if (err)
			return err;
		if (d->ranges.n > ranges)
			d->n++;
	}
	intervals__sort(&d->ranges);
	return 0;
}

/* ---- opening ---- */

/*
 * Left to itself, libdw would open whatever path .gnu_debugaltlink names, even a FIFO. So the
 * shared file is opened here, and its build ID checked. Without it, names are missing throughout,
 * and the file's symbol table is the better source.
 */
static int open_shared(struct dwarf *d, const char *path, const struct debug_places *places)
{
	const void *id;
	const char *name;
	ssize_t len = dwelf_dwarf_gnu_debugaltlink(d->dw, &name, &id);

	if (len == 0)
		return 0;
	if (len < 0)
		return -ENODATA;
	if (places)
		d->shared_file = debug_file__find_shared(name, id, (size_t)len, path, places);
	if (d->shared_file.fd < 0)
		return d->shared_file.fd == -EAGAIN ? -EAGAIN : -ENODATA;
	d->shared_elf = elf__open(d->shared_file.fd);
	if (d->shared_elf && elf__debug_size(d->shared_elf) <= DWARF_MAX)
		d->shared = dwarf_begin_elf(elf__handle(d->shared_elf), DWARF_C_READ, NULL);
	/* A shared file that refers to another would make libdw open that. */
	if (!d->shared || dwelf_dwarf_gnu_debugaltlink(d->shared, &name, &id) != 0 ||
	    !dwarf_names__sections_end(d->shared_elf))
		return -ENODATA;
	dwarf_names__note_strings(&d->reading, d->shared_elf);
	dwarf_setalt(d->dw, d->shared);
	return 0;
}

struct dwarf *dwarf__open(const struct elf *e, const char *path, const struct debug_places *places)
{
	uint64_t size = elf__debug_size(e);
	struct dwarf *d;
	int err;

	if (!size || size > DWARF_MAX) {
		errno = ENODATA;
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->elf = e;
	d->sections = size;
	d->shared_file.fd = -ENOENT;
	err = -ENODATA;
	d->dw = dwarf_begin_elf(elf__handle(e), DWARF_C_READ, NULL);
	if (!d->dw || !dwarf_names__sections_end(e))
		goto out;
	dwarf_names__note_strings(&d->reading, e);
	err = open_shared(d, path, places);
	if (!err)
		err = index_units(d);
	if (!err && !d->n)
		err = -ENODATA;
	if (!err)
		return d;
out:
	dwarf__close(d);
	errno = -err;
	return NULL;
}

void dwarf__close(struct dwarf *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++) {
		intervals__free(&d->units[i].ranges);
		free(d->units[i].functions);
	}
	intervals__free(&d->ranges);
	free(d->units);
	dwarf_end(d->dw);
	dwarf_end(d->shared);
	elf__close(d->shared_elf);
	debug_file__done(&d->shared_file);
	free(d);
}

/* Returns the memory that lookups added. */
static size_t lookup_memory(const struct dwarf *d)
{
	size_t sum = d->lines;

	for (size_t i = 0; i < d->n; i++)
		sum += d->units[i].cap * sizeof(Dwarf_Die) +
		       d->units[i].ranges.cap * sizeof(*d->ranges.at);
	return sum;
}

size_t dwarf__memory(const struct dwarf *d)
{
	return sizeof(*d) + d->sections + d->cap * sizeof(*d->units) +
	       d->ranges.cap * sizeof(*d->ranges.at) + lookup_memory(d);
}

bool dwarf__is_full(const struct dwarf *d)
{
	return lookup_memory(d) > LOOKUP_MEMORY_MAX;
}

/* ---- lookup ---- */

static Dwarf_Word attr_number(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	return dwarf_attr(die, name, &attr) && dwarf_formudata(&attr, &value) == 0 ? value : 0;
}

/*
 * libdw converts a unit's whole line program into a table at once, many bytes for each of its own,
 * so a line program of absurd length is not used. It starts with its length, in 4 bytes or, after
 * four 0xff, in 8.
 */
static bool has_lines(struct dwarf *d, struct unit *u)
{
	Dwarf_Word at = attr_number(&u->die, DW_AT_stmt_list);
	uint32_t length;
	const char *section;
	size_t size;

	if (u->lines_checked)
		return u->has_lines;
	u->lines_checked = true;
	section = elf__section(d->elf, ".debug_line", &size);
	if (!section)
		section = elf__section(d->elf, ".zdebug_line", &size);
	if (!section || size < sizeof(length) || at > size - sizeof(length))
		return false;
	memcpy(&length, section + at, sizeof(length));
	if (length == UINT32_MAX)
		length = size - at < UINT32_MAX ? (uint32_t)(size - at) : UINT32_MAX;
	u->has_lines = length <= LINE_PROGRAM_MAX;
	if (u->has_lines)
		d->lines += (size_t)length * LINE_PROGRAM_COST;
	return u->has_lines;
}

/* Finds the inlined calls around pc in a function, outermost first; chain[0] is the function
 * itself. */
static int inline_chain(struct dwarf *d, Dwarf_Die *function, uint64_t pc,
			Dwarf_Die chain[INLINE_MAX])
{
	Dwarf_Die at = *function, child;
	int n = 0, more;

	chain[n++] = at;
	while (n < INLINE_MAX) {
		bool found = false;

		for (more = dwarf_child(&at, &child); !more && dwarf_names__spend(&d->reading);
		     more = dwarf_siblingof(&child, &child)) {
			int tag = dwarf_tag(&child);

			if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block)
				continue;
			found = has_pc(d, &child, pc);
			if (!found)
				continue;
			if (tag == DW_TAG_inlined_subroutine)
				chain[n++] = child;
			break;
		}
		if (!found)
			break;
		at = child;
	}
	return n;
}

static void fill_call_site(struct unit *u, Dwarf_Die *inlined, struct dwarf_frame *caller)
{
	Dwarf_Word file = attr_number(inlined, DW_AT_call_file);
	Dwarf_Word line = attr_number(inlined, DW_AT_call_line);
	Dwarf_Files *files;
	size_t n;

	caller->line = line <= UINT32_MAX ? (uint32_t)line : 0;
	if (u->has_lines && dwarf_getsrcfiles(&u->die, &files, &n) == 0 && file < n)
		caller->file = dwarf_filesrc(files, file, NULL, NULL);
}

static void fill_line(struct dwarf *d, struct unit *u, uint64_t pc, struct dwarf_frame *f)
{
	Dwarf_Line *line = has_lines(d, u) ? dwarf_getsrc_die(&u->die, pc) : NULL;
	int number;

	if (!line)
		return;
	f->file = dwarf_linesrc(line, NULL, NULL);
	if (dwarf_lineno(line, &number) == 0 && number > 0)
		f->line = (uint32_t)number;
}

int dwarf__lookup(struct dwarf *d, uint64_t vaddr, struct dwarf_frame *out, int cap)
{
	const struct interval *r = intervals__find(&d->ranges, vaddr);
	Dwarf_Die chain[INLINE_MAX];
	struct unit *u;
	int n;

	if (!r || cap < 1 || !d->reading.budget)
		return 0;
	u = &d->units[r->value];
	d->reading.budget = STEPS_MAX;
	memset(out, 0, (size_t)cap * sizeof(*out));
	fill_line(d, u, vaddr, &out[0]);
	index_unit(d, u);
	r = intervals__find(&u->ranges, vaddr);
	if (!r)
		return out[0].file ? 1 : 0;
	n = inline_chain(d, &u->functions[r->value], vaddr, chain);
	for (int i = 0; i < n && i < cap; i++) {
		Dwarf_Die *die = &chain[n - 1 - i];

		out[i].func = dwarf_names__of(die, &d->reading, &out[i].built);
		if (i + 1 < n && i + 1 < cap)
			fill_call_site(u, die, &out[i + 1]);
	}
	return n < cap ? n : cap;
}

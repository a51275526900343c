/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds the names of functions without a linkage name from the scopes around them. DWARF has no
 * links from a function up to its scopes, so they are found by a search from the top of the unit.
 */
#include "symbols/dwarf_names.h"

#include <dwarf.h>
#include <string.h>

#include "elf/elf.h"
#include "symbols/demangle.h"
#include "util/array.h"
#include "util/strbuf.h"

#define SCOPES_MAX 32

/* ---- strings ---- */

/* The section of one of two names. */
static const char *section_of(const struct elf *e, const char *const names[2], size_t *len)
{
	const char *bytes = elf__section(e, names[0], len);

	return bytes ? bytes : elf__section(e, names[1], len);
}

bool dwarf_names__sections_end(const struct elf *e)
{
	static const char *const sections[][2] = {
		{ ".debug_str", ".zdebug_str" },
		{ ".debug_line_str", ".zdebug_line_str" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		size_t len;
		const char *bytes = section_of(e, sections[i], &len);

		if (bytes && len && bytes[len - 1])
			return false;
	}
	return true;
}

void dwarf_names__note_strings(struct dwarf_reading *r, const struct elf *e)
{
	static const char *const sections[][2] = {
		{ ".debug_info", ".zdebug_info" },
		{ ".debug_types", ".zdebug_types" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		size_t len;
		const char *bytes = section_of(e, sections[i], &len);

		if (!bytes || r->ninline_strings == INLINE_STRINGS_MAX)
			continue;
		r->inline_strings[r->ninline_strings].start = bytes;
		r->inline_strings[r->ninline_strings++].end = bytes + len;
	}
}

static bool ends_in_section(const struct dwarf_reading *r, Dwarf_Attribute *attr)
{
	const char *s = (const char *)attr->valp;

	if (dwarf_whatform(attr) != DW_FORM_string)
		return true;
	for (size_t i = 0; i < r->ninline_strings; i++)
		if (s >= r->inline_strings[i].start && s < r->inline_strings[i].end)
			return memchr(s, '\0', (size_t)(r->inline_strings[i].end - s));
	return false;
}

bool dwarf_names__strings_end(const struct dwarf_reading *r, Dwarf_Die *unit)
{
	static const unsigned int read_by_libdw[] = { DW_AT_comp_dir, DW_AT_name };
	Dwarf_Attribute attr;

	for (size_t i = 0; i < ARRAY_SIZE(read_by_libdw); i++)
		if (dwarf_attr(unit, read_by_libdw[i], &attr) && !ends_in_section(r, &attr))
			return false;
	return true;
}

static const char *attr_string(const struct dwarf_reading *r, Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attr;

	if (!dwarf_attr_integrate(die, name, &attr) || !ends_in_section(r, &attr))
		return NULL;
	return dwarf_formstring(&attr);
}

/* ---- scopes ---- */

/* Follows references to the DIE of the function's first declaration. */
static void follow_origin(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Die origin;

	for (int i = 0; i < 16; i++) {
		if (!dwarf_attr(die, DW_AT_abstract_origin, &attr) &&
		    !dwarf_attr(die, DW_AT_specification, &attr))
			return;
		if (!dwarf_formref_die(&attr, &origin))
			return;
		*die = origin;
	}
}

/* Finds the DIEs around `die`, outermost first, without the unit. Returns their number, 0 also if
 * `die` is not found. */
static int find_scopes(struct dwarf_reading *r, Dwarf_Die *die, Dwarf_Die scopes[SCOPES_MAX])
{
	Dwarf_Off want = dwarf_dieoffset(die);
	Dwarf_Die at, next;

	if (!dwarf_diecu(die, &at, NULL, NULL))
		return 0;
	for (int n = 0;; n++) {
		if (dwarf_child(&at, &at) != 0)
			return 0;
		while (dwarf_names__spend(r) && dwarf_siblingof(&at, &next) == 0 &&
		       dwarf_dieoffset(&next) <= want)
			at = next;
		if (dwarf_dieoffset(&at) == want)
			return n;
		if (n == SCOPES_MAX)
			return 0;
		scopes[n] = at;
	}
}

static bool names_have_scopes(Dwarf_Die *die)
{
	Dwarf_Die unit;

	if (!dwarf_diecu(die, &unit, NULL, NULL))
		return false;
	switch (dwarf_srclang(&unit)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case DW_LANG_Rust:
		return true;
	default:
		return false;
	}
}

/* A name may be as long as its section. */
static void add_name(struct strbuf *sb, const char *name)
{
	strbuf__add(sb, name, strnlen(name, DEMANGLE_MAX));
}

static void add_scope(const struct dwarf_reading *r, struct strbuf *sb, Dwarf_Die *scope,
		      const char *member)
{
	const char *name = attr_string(r, scope, DW_AT_name);
	int tag = dwarf_tag(scope);

	if (tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine)
		return;
	if (!name && tag == DW_TAG_namespace)
		name = "(anonymous namespace)";
	else if (!name)
		name = strcmp(member, "operator()") ? "(anonymous class)" : "{lambda}";
	add_name(sb, name);
	strbuf__adds(sb, "::");
}

static char *build_name(struct dwarf_reading *r, Dwarf_Die *function, const char *name)
{
	Dwarf_Die scopes[SCOPES_MAX], die = *function;
	struct strbuf sb = { 0 };
	char *copy;
	int n;

	follow_origin(&die);
	n = find_scopes(r, &die, scopes);
	for (int i = 0; i < n; i++)
		add_scope(r, &sb, &scopes[i], name);
	add_name(&sb, name);
	copy = sb.error ? NULL : strndup(sb.data, DEMANGLE_MAX - 1);
	strbuf__free(&sb);
	return copy;
}

char *dwarf_names__of(Dwarf_Die *function, struct dwarf_reading *r, bool *built)
{
	const char *linkage = attr_string(r, function, DW_AT_linkage_name);
	const char *name = attr_string(r, function, DW_AT_name);

	*built = false;
	if (!linkage)
		linkage = attr_string(r, function, DW_AT_MIPS_linkage_name);
	/* A linkage name that is not mangled is the assembler's: glibc's "__GI_abort" is abort. */
	if (linkage && (!name || demangle__is_mangled(linkage)))
		return demangle__name(linkage);
	if (!name)
		return NULL;
	if (!names_have_scopes(function))
		return demangle__name(name);
	*built = true;
	return build_name(r, function, name);
}

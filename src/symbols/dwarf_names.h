/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names functions from DWARF: the demangled linkage name, or one built from the scopes around the
 * function.
 */
#ifndef MEMTRACE_SYMBOLS_DWARF_NAMES_H
#define MEMTRACE_SYMBOLS_DWARF_NAMES_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>

/* The sections in which attributes hold strings themselves; of the file, and of the one that it
 * shares with others. */
#define INLINE_STRINGS_MAX 4

struct dwarf_reading {
	/* Bounds the work that a hostile file can cause: every step from one DIE to the next is
	 * charged to it. */
	unsigned int budget;
	struct {
		const char *start, *end;
	} inline_strings[INLINE_STRINGS_MAX];
	size_t ninline_strings;
};

/* False when the budget is used up. */
static inline bool dwarf_names__spend(struct dwarf_reading *r)
{
	return r->budget && r->budget--;
}

struct elf;
/* Returns whether the sections of strings that libdw has opened end with a NUL: no string may run
 * past them. libdw does not check that of all. */
bool dwarf_names__sections_end(const struct elf *e);
/* Notes where attributes of an open file hold strings; `e` is the same file. */
void dwarf_names__note_strings(struct dwarf_reading *r, const struct elf *e);
/* Returns whether a unit's own strings end in their section: libdw does not check that of strings
 * that attributes hold themselves. */
bool dwarf_names__strings_end(const struct dwarf_reading *r, Dwarf_Die *unit);

/* Returns the name of the DIE of a function or of an inlined call, which the caller frees. NULL: it
 * has none. *built: made from scopes, so without parameters and without the number of a lambda. */
char *dwarf_names__of(Dwarf_Die *function, struct dwarf_reading *r, bool *built);

#endif

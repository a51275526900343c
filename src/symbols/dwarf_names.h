/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names functions from DWARF: the demangled linkage name, or one built from the scopes around the
 * function.
 */
#ifndef MEMTRACE_SYMBOLS_DWARF_NAMES_H
#define MEMTRACE_SYMBOLS_DWARF_NAMES_H

#include <elfutils/libdw.h>
#include <stdbool.h>

/* Bounds the work that a hostile file can cause: every step from one DIE to the next is charged to
 * a budget. False when it is used up. */
static inline bool dwarf_names__spend(unsigned int *budget)
{
	return *budget && (*budget)--;
}

/* Returns the name of the DIE of a function or of an inlined call, which the caller frees. NULL: it
 * has none. *built: made from scopes, so without parameters and without the number of a lambda. */
char *dwarf_names__of(Dwarf_Die *function, unsigned int *budget, bool *built);

#endif

/* What the files that read DWARF share. */
#ifndef MEMTRACE_SYMBOLS_DWARF_INTERNAL_H
#define MEMTRACE_SYMBOLS_DWARF_INTERNAL_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/debug_file.h"
#include "symbols/dwarf.h"
#include "util/intervals.h"

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
	unsigned int budget;
};

/* One step of work; false when there have been too many. */
static inline bool dwarf__spend(struct dwarf *d)
{
	return d->budget && d->budget--;
}

/* Fills in f->func and f->built for the DIE of a function or of an inlined call. */
void dwarf__name_function(struct dwarf *d, Dwarf_Die *function, struct dwarf_frame *f);

#endif

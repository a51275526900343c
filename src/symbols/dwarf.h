/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the source line and inlined calls of an address, from DWARF.
 *
 * The result is what `addr2line -Cfi` prints. Only the given file and the one that it shares with
 * others (.gnu_debugaltlink) are opened: split DWARF (.dwo files) counts as absent, and so does
 * more DWARF than a tracer should keep in memory (1 GiB).
 */
#ifndef MEMTRACE_SYMBOLS_DWARF_H
#define MEMTRACE_SYMBOLS_DWARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct debug_places;
struct elf;
struct dwarf;

struct dwarf_frame {
	char *func;	  /* demangled, with its scopes; the caller frees it. NULL: unknown */
	bool built;	  /* func was built from scopes: no parameters, no number of a lambda */
	const char *file; /* NULL: unknown. Valid until dwarf__close */
	uint32_t line;	  /* 0: unknown */
};

/*
 * `e` must outlive it. path: the file's, or NULL; places: where the shared file may be, or NULL.
 * Returns NULL and sets errno on failure: ENODATA if there is no DWARF, EAGAIN if a server has not
 * answered yet about the shared file.
 */
struct dwarf *dwarf__open(const struct elf *e, const char *path, const struct debug_places *places);
void dwarf__close(struct dwarf *d); /* takes NULL */

/* Names the code at an address, innermost inlined call first and the function itself last, in at
 * most `cap` frames. If only the line is known, there is one frame without func. Returns the number
 * of frames, 0 if nothing is known. */
int dwarf__lookup(struct dwarf *d, uint64_t vaddr, struct dwarf_frame *out, int cap);
size_t dwarf__memory(const struct dwarf *d); /* roughly */
/* Returns whether lookups have left so much memory behind that it should be closed and opened
 * again. */
bool dwarf__is_full(const struct dwarf *d);

#endif

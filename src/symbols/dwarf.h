/*
 * Source lines and inlined calls of an address, from DWARF: the only user of libdw.
 *
 * The result is what `addr2line -Cfi` says. Only the file given and the one that it shares with
 * others (.gnu_debugaltlink) are opened: split DWARF (.dwo files) counts as absent, and so does
 * more DWARF than is good for a tracer's memory (1 GiB).
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
	bool built;	  /* func was built from scopes: no parameters, no lambda's number */
	const char *file; /* NULL: unknown. Valid until dwarf__close */
	uint32_t line;	  /* 0: unknown */
};

/* `e` must outlive it. path: where it lies, or NULL; places: where the file that it shares with
 * others may be, or NULL. NULL and errno: ENODATA where there is no DWARF, EAGAIN where a server
 * that was asked for the shared file has not answered yet. */
struct dwarf *dwarf__open(const struct elf *e, const char *path, const struct debug_places *places);
void dwarf__close(struct dwarf *d); /* takes NULL */

/* What stands at an address, innermost inlined call first and the function itself last: at most
 * `cap` frames. Where only the line is known there is one frame without func. 0: nothing known. */
int dwarf__lookup(struct dwarf *d, uint64_t vaddr, struct dwarf_frame *out, int cap);
size_t dwarf__memory(const struct dwarf *d); /* roughly */
/* Look-ups leave more and more behind: when it is time to close it and start anew. */
bool dwarf__is_full(const struct dwarf *d);

#endif

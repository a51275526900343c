/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbolizes one file's code: demangled functions, source files and lines, and inlined calls, from
 * the file itself, its separate debug file and its mini debug info, whichever exist. Results are
 * cached by offset; the data they were made from can be dropped, and is read again when needed. One
 * thread at a time.
 */
#ifndef MEMTRACE_SYMBOLS_SYMBOLS_H
#define MEMTRACE_SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct debug_places;
struct symbols;

struct symbol_frame {
	const char *func; /* demangled; NULL: unknown. Valid as long as the symbols */
	const char *file; /* source file path; NULL: unknown */
	uint32_t line;	  /* 0: unknown */
	bool inlined;	  /* an inlined call: the next frame is its caller */
	bool exact;	  /* false: func is the nearest symbol below, of unknown size */
};

#define SYMBOL_FRAMES_MAX 32

struct symbols_source {
	int fd;		    /* the file, or -1 */
	const void *memory; /* instead of fd: the file's contents in memory, or NULL */
	size_t len;
	const char *path; /* as its process sees it, to look next to it; may be NULL */
	const struct debug_places *places; /* where separate debug files may be; NULL: nowhere */
};

/* Reads nothing yet. What `source` points to stays the caller's, and must outlive the symbols.
 * Returns NULL and sets errno on failure. */
struct symbols *symbols__new(const struct symbols_source *source);
void symbols__free(struct symbols *s);

/* Names the code at a file offset, innermost inlined call first. Returns the number of frames, 0 if
 * nothing is known. */
int symbols__lookup(struct symbols *s, uint64_t offset, struct symbol_frame out[SYMBOL_FRAMES_MAX]);
/* Sets what symbols__lookup returns for an offset, without looking it up. 0 or -ENOMEM. */
int symbols__know(struct symbols *s, uint64_t offset, const struct symbol_frame *frames, int n);
void symbols__unload(struct symbols *s);
/* Drops what was found before all debug files were, so that it is looked up again. Returned strings
 * stay valid. */
void symbols__retry(struct symbols *s);
size_t symbols__memory(const struct symbols *s); /* roughly */
size_t symbols__loaded(const struct symbols *s); /* how much of it symbols__unload drops */

#endif

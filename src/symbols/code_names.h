/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names one file's code: demangled functions, source files and lines, and inlined calls, from the
 * file itself, its separate debug file, its mini debug info and Go's own table, whichever exist.
 * This reads foreign bytes with libraries that were not made for hostile ones, so it belongs into a
 * process without privilege (names_server.h).
 */
#ifndef MEMTRACE_SYMBOLS_CODE_NAMES_H
#define MEMTRACE_SYMBOLS_CODE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct code_names;
struct debug_places;

#define CODE_FRAMES_MAX 32

struct code_source {
	int fd;		    /* the file, or -1 */
	const void *memory; /* instead of fd: the file's contents in memory, or NULL */
	size_t len;
	const char *path; /* as its process sees it, to look next to it; may be NULL */
	const struct debug_places *places; /* where separate debug files may be; NULL: nowhere */
};

struct code_frame {
	char *func;	  /* demangled; NULL: unknown. The caller's */
	const char *file; /* source file path; NULL: unknown. Valid until the next call */
	uint32_t line;	  /* 0: unknown */
	bool inlined;	  /* an inlined call: the next frame is its caller */
	bool exact;	  /* false: func is the nearest symbol below, of unknown size */
};

/* Reads nothing yet. What `source` points to stays the caller's, and must outlive the names.
 * Returns NULL and sets errno on failure. */
struct code_names *code_names__new(const struct code_source *source);
void code_names__free(struct code_names *s); /* takes NULL */

/* Names the code at a file offset in at most CODE_FRAMES_MAX frames, innermost inlined call first.
 * Returns the number of frames, 0 if nothing is known. */
int code_names__look_up(struct code_names *s, uint64_t offset, struct code_frame *out);
void code_names__free_frames(struct code_frame *frames, int n); /* the names in them */
/* Returns whether more may be found later: a server has not answered yet. */
bool code_names__unsettled(const struct code_names *s);
size_t code_names__loaded(const struct code_names *s); /* bytes in memory, roughly */
void code_names__unload(struct code_names *s);	       /* drops them; they are read again */

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the names of one file's code: functions, source files and lines, and inlined calls, cached
 * by offset. What is not cached is asked of the names process, in batches. One thread at a time.
 */
#ifndef MEMTRACE_SYMBOLS_SYMBOLS_H
#define MEMTRACE_SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/code_names.h"

struct names_client;
struct symbols;

struct symbol_frame {
	const char *func; /* demangled; NULL: unknown. Valid as long as the symbols */
	const char *file; /* source file path; NULL: unknown */
	uint32_t line;	  /* 0: unknown */
	bool inlined;	  /* an inlined call: the next frame is its caller */
	bool exact;	  /* false: func is the nearest symbol below, of unknown size */
};

#define SYMBOL_FRAMES_MAX CODE_FRAMES_MAX

struct symbols_source {
	struct code_source code;
	/* Reads the file in its stead, which has a descriptor then. NULL: it is read in this
	 * process, which only tests do. */
	struct names_client *client;
	uint32_t number; /* of the file, for the client */
	/* Returns a descriptor of the file for one question of the client's, to be closed after it,
	 * or a negative errno. NULL: code.fd serves all. */
	int (*borrow)(void *ctx);
	void *ctx;
};

/* Reads nothing yet. What `source` points to stays the caller's, and must outlive the symbols.
 * Returns NULL and sets errno on failure. */
struct symbols *symbols__new(const struct symbols_source *source);
void symbols__free(struct symbols *s);

/* Names the code at a file offset, innermost inlined call first. Returns the number of frames, 0 if
 * nothing is known. */
int symbols__lookup(struct symbols *s, uint64_t offset, struct symbol_frame out[SYMBOL_FRAMES_MAX]);
/* Notes that an offset will be looked up, so that the next lookup asks for both at once. */
void symbols__expect(struct symbols *s, uint64_t offset);
/* Sets what symbols__lookup returns for an offset, without looking it up. 0 or -ENOMEM. */
int symbols__know(struct symbols *s, uint64_t offset, const struct symbol_frame *frames, int n);
/* Returns whether every lookup so far has read the file, and none was given up. */
bool symbols__all_read(const struct symbols *s);
void symbols__unload(struct symbols *s);
/* Drops what was found before all debug files were, so that it is looked up again. Returned strings
 * stay valid. */
void symbols__retry(struct symbols *s);
size_t symbols__memory(const struct symbols *s); /* roughly */
size_t symbols__loaded(const struct symbols *s); /* how much of it symbols__unload drops */

#endif

/*
 * The names of one file's code: demangled functions, source files and lines, and inlined calls.
 * Takes them from the file itself, its separate debug file and its mini debug info, whichever are
 * there. Results are kept by offset; what they were made from can be dropped and is read again when
 * needed. One thread at a time.
 */
#ifndef MEMTRACE_SYMBOLS_SYMBOLS_H
#define MEMTRACE_SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct debug_places;
struct symbols;

struct symbol_frame {
	const char *func; /* demangled; NULL: unknown. The module's, valid as long as it */
	const char *file; /* source file path, NULL: unknown */
	uint32_t line;	  /* 0: unknown */
	bool inlined;	  /* an inlined call: the next frame is its caller */
	bool exact;	  /* false: func is the nearest symbol below, of unknown size */
};

#define SYMBOL_FRAMES_MAX 32

struct symbols_source {
	int fd;		    /* the file, or -1 */
	const void *memory; /* where there is no fd: its module in memory, or NULL */
	size_t len;
	const char *path;		   /* as its process sees it, to look beside; may be NULL */
	const struct debug_places *places; /* of separate debug files; NULL: there are none */
};

/* Reads nothing yet. What the source names stays the caller's and outlives it. NULL and errno. */
struct symbols *symbols__new(const struct symbols_source *source);
void symbols__free(struct symbols *s);

/* Names the code at a file offset, innermost inlined call first. Returns the number of frames, 0
 * where nothing is known. */
int symbols__lookup(struct symbols *s, uint64_t offset, struct symbol_frame out[SYMBOL_FRAMES_MAX]);
/* From now on, these are the names at an offset: somebody else has looked them up. 0 or -ENOMEM. */
int symbols__know(struct symbols *s, uint64_t offset, const struct symbol_frame *frames, int n);
void symbols__unload(struct symbols *s);
/* Forgets what was found while a server had not answered, so that it is looked up again. What was
 * handed out stays valid. */
void symbols__retry(struct symbols *s);
size_t symbols__memory(const struct symbols *s); /* roughly */
size_t symbols__loaded(const struct symbols *s); /* what of it symbols__unload drops */

#endif

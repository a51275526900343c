/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the symbols and DWARF that were split off from a file: in a separate file named by its
 * build ID or by .gnu_debuglink, in the file that several such files share (.gnu_debugaltlink), or
 * compressed in its own .gnu_debugdata.
 *
 * debug_paths.h says where. A file that was found is used only if it matches: the build IDs must be
 * equal, or, if one of the files has none, its checksum must be the one in the link.
 */
#ifndef MEMTRACE_SYMBOLS_DEBUG_FILE_H
#define MEMTRACE_SYMBOLS_DEBUG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEBUGFILE_DIR "/usr/lib/debug"

struct checksums;
struct debuginfod;
struct elf;
struct roots;

struct debug_candidate;
struct debug_wish;

/* Where to look. The pointers stay the caller's. */
struct debug_places {
	struct roots *roots;	     /* NULL: nowhere */
	int64_t root;		     /* the root of the file's process; negative: unknown */
	const char *dir;	     /* the debug directory; NULL: DEBUGFILE_DIR */
	struct debuginfod *server;   /* NULL: no server is asked */
	struct checksums *checksums; /* NULL: none is known, and none is remembered */
	bool from_debug;	     /* it is a separate debug file whose links are followed */
	/* Instead of all but the last two: opens candidates as debug_paths__open does, in a process
	 * that cannot open files itself. NULL: not asked. */
	int (*ask)(void *ctx, const struct debug_wish *w, unsigned int step,
		   struct debug_candidate *out);
	void *ctx;
};

struct debug_file {
	int fd; /* the caller's; or a negative errno (-EAGAIN: a server has not answered yet, or too
	       many checksums were computed lately) */
	char *path;   /* where it was found; the caller's. NULL: at a server, or not at all */
	int64_t root; /* the root that `path` is in */
};

/* Finds the separate debug file of `e`, whose path as its process sees it is `path` (NULL:
 * unknown). */
struct debug_file debug_file__find(const struct elf *e, const char *path,
				   const struct debug_places *places);
/* Finds the file with this build ID that `name` in .gnu_debugaltlink refers to. `from`: the path of
 * the file that holds the link; NULL: unknown. */
struct debug_file debug_file__find_shared(const char *name, const void *id, size_t len,
					  const char *from, const struct debug_places *places);
/* Closes and frees what *f holds. */
void debug_file__done(struct debug_file *f);

/* Uncompresses .gnu_debugdata, itself an ELF file; the caller frees it. Returns NULL and sets errno
 * on failure. */
void *debug_file__unpack(const struct elf *e, size_t *len);

#endif

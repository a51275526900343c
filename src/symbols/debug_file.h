/*
 * Where a file's symbols and DWARF are when they were taken out of it: in a separate file named by
 * its build ID or by .gnu_debuglink, in the file that several such share (.gnu_debugaltlink), or
 * packed in its own .gnu_debugdata.
 *
 * Looked for where the file's process lives, links there leading nowhere else; then, by build ID
 * alone, on the host, whose paths mean nothing to a container; then, if the user wishes, at a
 * debuginfod server. A found file counts only if it belongs: its build ID must be the same, or
 * else, where one of the two has none, its checksum the one that the link states.
 */
#ifndef MEMTRACE_SYMBOLS_DEBUG_FILE_H
#define MEMTRACE_SYMBOLS_DEBUG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEBUGFILE_DIR "/usr/lib/debug"

struct debuginfod;
struct elf;
struct roots;

/* Where to look. What it points to stays the caller's. */
struct debug_places {
	struct roots *roots;	   /* NULL: nowhere */
	int64_t root;		   /* where the file's process lives; negative: unknown */
	const char *dir;	   /* the debug directory; NULL: DEBUGFILE_DIR */
	struct debuginfod *server; /* NULL: none is asked */
};

struct debug_file {
	int fd;	      /* the caller's; or a negative errno, -EAGAIN: a server has yet to answer */
	char *path;   /* where it was found; the caller's. NULL: at a server, or not at all */
	int64_t root; /* below which path is */
};

/* The separate debug file of `e`, which lies at `path` as its process sees it (NULL: unknown). */
struct debug_file debug_file__find(const struct elf *e, const char *path,
				   const struct debug_places *places);
/* The file that `name` in .gnu_debugaltlink stands for, with this build ID. `from`: the path of the
 * file that holds the link; NULL: unknown. */
struct debug_file debug_file__find_shared(const char *name, const void *id, size_t len,
					  const char *from, const struct debug_places *places);
/* Closes and frees what it holds. */
void debug_file__done(struct debug_file *f);

/* The unpacked .gnu_debugdata, itself an ELF file; the caller frees it. NULL and errno. */
void *debug_file__unpack(const struct elf *e, size_t *len);

#endif

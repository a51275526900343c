/*
 * Where a file's symbols and DWARF are when they were taken out of it: in a separate file named by
 * its build ID or by .gnu_debuglink, in the file that several such share (.gnu_debugaltlink), or
 * packed in its own .gnu_debugdata. Only local files are looked for: no server is ever asked.
 *
 * A found file counts only if it belongs: its build ID must be the same, or else its checksum the
 * one that the link states.
 */
#ifndef MEMTRACE_DEBUGFILE_H
#define MEMTRACE_DEBUGFILE_H

#include <stddef.h>
#include <stdint.h>

#define DEBUGFILE_DIR "/usr/lib/debug"

struct elf;

/* The separate debug file of `e`, which lies at `path` (NULL: unknown). `dir`: the debug directory.
 * Returns a descriptor for the caller or a negative errno. */
int debugfile__open(const struct elf *e, const char *path, const char *dir);
/* The file with this build ID below `dir`. */
int debugfile__open_build_id(const uint8_t *id, size_t len, const char *dir);
/* The unpacked .gnu_debugdata, itself an ELF file; the caller frees it. NULL and errno. */
void *debugfile__unpack(const struct elf *e, size_t *len);

#endif

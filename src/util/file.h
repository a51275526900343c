/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens and reads files whose paths come from outside: only regular files. */
#ifndef MEMTRACE_UTIL_FILE_H
#define MEMTRACE_UTIL_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Opens a regular file for reading. No other file is opened, not even for a moment: opening a FIFO
 * may block, and opening a device may have effects. flags: 0, or O_NOFOLLOW. Returns a
 * close-on-exec descriptor, or a negative errno (-EACCES: not a regular file). *st gets its status.
 */
int file__open_regular(const char *path, int flags, struct stat *st);

/* Likewise opens `path` as seen by a process whose root directory is `root`: symbolic links and
 * ".." stay below root, and magic links of /proc are refused (-ELOOP). Files on FUSE file systems
 * are not opened, and none is waited for too long (opener.h). */
int file__open_regular_at(int root, const char *path, int flags, struct stat *st);
int file__open_regular_in(const char *root, const char *path, int flags, struct stat *st);

/* Opens a directory below `root` for reading. Returns a close-on-exec descriptor or a negative
 * errno. */
int file__open_directory_in(const char *root, const char *path);

/* Reads the last bytes of a file of a known size, at most `max` of them. Returns a string that the
 * caller frees; on failure NULL and sets errno. */
char *file__read_end(int fd, uint64_t size, size_t max, size_t *len);

/* Reads a whole file, even one like those in /proc, which do not state their size. Returns a string
 * that the caller frees; on failure NULL and sets errno. len may be NULL. */
char *file__read(const char *path, size_t *len);

#endif

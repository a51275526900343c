/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens and reads files whose paths come from others: only regular files. */
#ifndef MEMTRACE_UTIL_FILE_H
#define MEMTRACE_UTIL_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Opens a regular file for reading. No other file is opened, not even for a moment: opening a FIFO
 * may block, and opening a device may have effects. flags: 0, or O_NOFOLLOW. Returns a
 * descriptor, close-on-exec, or a negative errno (-EACCES: not a regular file). *st is its status.
 */
int file__open_regular(const char *path, int flags, struct stat *st);

/* The same for `path` as seen by a process whose root directory is `root`: symbolic links and ".."
 * stay below root, and magic links of /proc are refused (-ELOOP). */
int file__open_regular_at(int root, const char *path, int flags, struct stat *st);
int file__open_regular_in(const char *root, const char *path, int flags, struct stat *st);

/* A directory for reading, likewise below root: a descriptor, close-on-exec, or a negative errno.
 */
int file__open_directory_in(const char *root, const char *path);

/* The last bytes of a file of a known size, at most `max` of them, as a string that the caller
 * frees. NULL, errno set. */
char *file__read_end(int fd, uint64_t size, size_t max, size_t *len);

/* The whole of a file such as those in /proc, which do not say how long they are, as a string that
 * the caller frees. len may be NULL. NULL, errno set. */
char *file__read(const char *path, size_t *len);

#endif

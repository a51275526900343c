/* Opening and reading files that somebody else named: only regular ones, and never without bounds. */
#ifndef MEMTRACE_FILE_H
#define MEMTRACE_FILE_H

#include <stddef.h>
#include <sys/stat.h>

/*
 * Opens a regular file for reading. Nothing else is ever opened, not even for a moment: opening a
 * FIFO may block, and opening a device may do something. flags: 0, or O_NOFOLLOW. Returns a
 * descriptor, close-on-exec, or a negative errno (-EACCES: not a regular file). *st is its status.
 */
int file__open_regular(const char *path, int flags, struct stat *st);

/* The first bytes of a file, at most `max` of them, as a string that the caller frees. NULL, errno set. */
char *file__read_at_most(int fd, size_t max, size_t *len);

#endif

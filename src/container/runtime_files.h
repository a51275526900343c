/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads files that runtimes keep, within bounds and below a root directory that symbolic links
 * cannot leave. The root is "/", that of a daemon (/proc/PID/root), or a tree of tests.
 */
#ifndef MEMTRACE_CONTAINER_RUNTIME_FILES_H
#define MEMTRACE_CONTAINER_RUNTIME_FILES_H

#include <dirent.h>
#include <stddef.h>
#include <sys/types.h>

#define PATH_BYTES 4096

/* Maximum bytes of a file. */
#define SMALL_FILE (64u << 10)
#define CONFIG_FILE (4u << 20)	/* of one container */
#define ROSTER_FILE (64u << 20) /* of all of a runtime's */

DIR *runtime_files__open_directory(const char *root, const char *path); /* NULL: unreadable */
const char *
runtime_files__next_name(DIR *d); /* NULL at the end; skips names that begin with a dot */
/* Reads a file as a string that the caller frees. NULL if it cannot be read or is longer than
 * `max`. */
char *runtime_files__read(const char *root, const char *path, size_t max);
pid_t runtime_files__read_pid(const char *root, const char *path); /* 0: none */

#endif

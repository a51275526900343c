/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the root directories of traced processes open, one descriptor for each mount that is the
 * root of some process. What a process calls "/usr/lib/x" is opened below its own root, and no link
 * there leads out of it. A root stays open after its processes have ended, so that their files are
 * still found.
 *
 * Roots are identified by small numbers that are never reused. Thread-safe.
 */
#ifndef MEMTRACE_SYMBOLS_ROOTS_H
#define MEMTRACE_SYMBOLS_ROOTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct roots;

#define ROOT_OWN 0 /* memtrace's own root directory: the host's */
#define ROOTS_MAX 256

/* Keeps at most `max` roots open besides our own; a further one closes the least recently used.
 * Returns NULL and sets errno on failure. */
struct roots *roots__new(size_t max);
void roots__free(struct roots *r); /* takes NULL */

/* Returns the number of a process's root directory, or a negative errno. */
int64_t roots__add(struct roots *r, pid_t pid);

/* Opens a regular file by its path as the root's processes see it. Returns a descriptor for
 * reading, or a negative errno (-ESTALE: the root was closed; -ENOENT also for a negative `root`;
 * see file__open_regular). */
int roots__open(struct roots *r, int64_t root, const char *path, struct stat *st);

/* Converts a path shown by /proc/PID/maps or /proc/PID/exe to one as the root's processes see
 * it. They differ only for processes that are chrooted below a directory of ours. Points into
 * `path`. */
const char *roots__inside(struct roots *r, int64_t root, const char *path);

struct roots_stats {
	size_t open;   /* including our own */
	size_t closed; /* to stay within the maximum */
};
void roots__stats(struct roots *r, struct roots_stats *out);

#endif

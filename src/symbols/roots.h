/*
 * The root directories that traced processes have, one descriptor for each mount that is somebody's
 * root. What a process calls "/usr/lib/x" is opened below its own root, and no link there leads out
 * of it, whoever made it. A root stays open when its processes have ended: their files are still
 * found.
 *
 * Roots are known by small numbers that are never used again. Thread-safe.
 */
#ifndef MEMTRACE_SYMBOLS_ROOTS_H
#define MEMTRACE_SYMBOLS_ROOTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct roots;

#define ROOT_OWN 0 /* the root directory of memtrace itself: the host's */
#define ROOTS_MAX 256

/* Of more than `max` open roots besides our own, the one that was not used for longest is closed.
 * NULL and errno. */
struct roots *roots__new(size_t max);
void roots__free(struct roots *r); /* takes NULL */

/* The number of a process's root directory, or a negative errno. */
int64_t roots__add(struct roots *r, pid_t pid);

/* A regular file by its path as the root's processes see it: a descriptor for reading, or a
 * negative errno (-ESTALE: the root was closed; -ENOENT for a negative `root` too; see
 * file__open_regular). */
int roots__open(struct roots *r, int64_t root, const char *path, struct stat *st);

/* A path that /proc/PID/maps or /proc/PID/exe showed us, as the root's processes see it: the same,
 * unless they are chrooted in the view of others. Points into `path`. */
const char *roots__inside(struct roots *r, int64_t root, const char *path);

struct roots_stats {
	size_t open;   /* our own included */
	size_t closed; /* for want of room */
};
void roots__stats(struct roots *r, struct roots_stats *out);

#endif

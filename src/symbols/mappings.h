/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the mappings of one process: which file is mapped where, and which mappings are executable.
 * Parsed from the text of /proc/PID/maps, so that tests can use strings. A refresh drops mappings
 * that are gone (dlclose); stacks were resolved when they arrived.
 */
#ifndef MEMTRACE_SYMBOLS_MAPPINGS_H
#define MEMTRACE_SYMBOLS_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct modules;
struct mappings;

struct mapping {
	uint64_t start, end;
	uint64_t offset; /* of `start` in the file */
	/* Identity of the file: as in /proc/PID/maps, or from an identifier; 0, 0 for anonymous
	 * memory. */
	uint64_t dev, ino;
	uint32_t module; /* module id, or FRAME_NO_MODULE */
	bool exec, write;
	const char *path; /* "/usr/bin/x", "[vdso]" or ""; unescaped, without " (deleted)" */
};

struct mappings *mappings__new(uint32_t pid); /* NULL on failure, errno set */
struct mappings *mappings__copy(const struct mappings *maps, uint32_t pid); /* for fork */
void mappings__free(struct mappings *maps);

/* Reads /proc/PID/maps and registers the module of each executable file mapping with `modules`.
 * Returns 0, -ESRCH (the process is gone; the old contents stay), or another negative errno. */
int mappings__refresh(struct mappings *maps, struct modules *modules);
/* Likewise from text. */
int mappings__parse(struct mappings *maps, struct modules *modules, const char *text, size_t len);

/* The file mapped at `start`: the device as from makedev(), and the inode, of the file itself, even
 * where /proc/PID/maps shows an overlay's. */
struct identity {
	uint64_t start;
	uint64_t dev, ino;
	bool unread; /* as in struct mapped_file */
};

/*
 * A better source of identities than /proc/PID/maps. Called after that was read, so that every
 * mapping in it can be identified. Points *ids to `n` identities by ascending start, valid until
 * the next call. If it fails, and for mappings not among them, those of maps are used; if there are
 * none at all, the process has just ended.
 */
struct identifier {
	int (*identify)(void *ctx, uint32_t pid, const struct identity **ids, size_t *n);
	void *ctx;
};

/* Like mappings__refresh, with files identified by `who` (NULL: not identified). -ESRCH also if the
 * process ended meanwhile; the mappings are unchanged then. */
int mappings__refresh_as(struct mappings *maps, struct modules *modules,
			 const struct identifier *who);

/* Adds a mapping, which replaces whatever it overlaps. m->path must outlive `maps`. Returns 0,
 * -ENOMEM, or -ENOSPC: so many were added that they must be read again. */
int mappings__map(struct mappings *maps, const struct mapping *m);

/* Returns the mapping that holds an address, or NULL. Valid until the next refresh. */
const struct mapping *mappings__find(const struct mappings *maps, uint64_t addr);
size_t mappings__count(const struct mappings *maps);
const struct mapping *mappings__at(const struct mappings *maps, size_t i); /* by address */

#endif

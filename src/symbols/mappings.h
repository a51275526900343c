/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mappings of one process: which file is mapped where, and which of them are executable. Parsed
 * from the text of /proc/PID/maps, so that it can be tested with strings. A refresh forgets
 * mappings that vanished (dlclose); stacks were resolved when they arrived.
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
	/* Identity of the file: as /proc/PID/maps shows it, unless an identifier knows better; 0, 0
	 * for anonymous memory. */
	uint64_t dev, ino;
	uint32_t module; /* module id, or FRAME_NO_MODULE */
	bool exec, write;
	const char *path; /* "/usr/bin/x", "[vdso]" or ""; unescaped, without " (deleted)" */
};

struct mappings *mappings__new(uint32_t pid);				    /* NULL and errno */
struct mappings *mappings__copy(const struct mappings *maps, uint32_t pid); /* for fork */
void mappings__free(struct mappings *maps);

/* Reads /proc/PID/maps and registers the module of each executable file mapping with `modules`. 0,
 * -ESRCH (the process is gone; the old contents stay), or another negative errno. */
int mappings__refresh(struct mappings *maps, struct modules *modules);
/* The same from text. */
int mappings__parse(struct mappings *maps, struct modules *modules, const char *text, size_t len);

/* The file mapped at `start`: the device as by makedev(), and the inode of the file itself, where
 * /proc/PID/maps shows those of an overlay. */
struct identity {
	uint64_t start;
	uint64_t dev, ino;
};

/* A better source of identities than /proc/PID/maps. Called after that was read, so that every
 * mapping in it can be identified. Points *ids to `n` identities by ascending start, valid until
 * the next call. After a negative errno, and for mappings that are not among them, what maps shows
 * is used; if there are none at all, the process has just ended. */
struct identifier {
	int (*identify)(void *ctx, uint32_t pid, const struct identity **ids, size_t *n);
	void *ctx;
};

/* mappings__refresh with files identified by `who` (NULL: by nobody). -ESRCH also if the process
 * ended meanwhile; the mappings are unchanged then. */
int mappings__refresh_as(struct mappings *maps, struct modules *modules,
			 const struct identifier *who);

/* Adds a mapping, which replaces whatever it overlaps. m->path must outlive `maps`. 0 or
 * -ENOMEM. */
int mappings__map(struct mappings *maps, const struct mapping *m);

/* The mapping that holds an address, or NULL. Valid until the next refresh. */
const struct mapping *mappings__find(const struct mappings *maps, uint64_t addr);
size_t mappings__count(const struct mappings *maps);
const struct mapping *mappings__at(const struct mappings *maps, size_t i); /* by address */

#endif

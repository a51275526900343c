/*
 * One process's address space as far as code goes: which file is mapped executable where. Made from
 * the text of /proc/PID/maps, so that it is tested from strings. Old mappings that vanished
 * (dlclose) are forgotten on update; stacks were resolved when they arrived.
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
	uint64_t offset; /* in the file, of start */
	/* What the file is known by: as /proc/PID/maps shows them, or as an identifier knows
	 * better; 0, 0 for anonymous memory. */
	uint64_t dev, ino;
	uint32_t module; /* module id, or FRAME_NO_MODULE */
	bool exec, write;
	const char *path; /* "/usr/bin/x", "[vdso]", "": unescaped, " (deleted)" cut off */
};

struct mappings *mappings__new(uint32_t pid);				  /* NULL and errno */
struct mappings *mappings__copy(const struct mappings *sp, uint32_t pid); /* for fork */
void mappings__free(struct mappings *sp);

/* Reads /proc/PID/maps; registers each executable file mapping's module with `modules`. 0, -ESRCH
 * (the process is gone: the old contents stay), or another negative errno. */
int mappings__refresh(struct mappings *sp, struct modules *modules);
/* The same from text. */
int mappings__parse(struct mappings *sp, struct modules *modules, const char *maps, size_t len);

/* The file that is mapped at `start`: the device as makedev() has it, the inode of the file itself,
 * where /proc/PID/maps shows those of an overlay. */
struct identity {
	uint64_t start;
	uint64_t dev, ino;
};

/* Who knows. Called after the maps were read, so that what they show is there to be seen: points
 * *ids to `n` identities by ascending start, good until the next call. On a negative errno, and for
 * mappings that are not among them, what maps shows counts; if there are none at all, the process
 * has just ended. */
struct identifier {
	int (*identify)(void *ctx, uint32_t pid, const struct identity **ids, size_t *n);
	void *ctx;
};

/* mappings__refresh for files as somebody else (NULL: nobody) knows them. -ESRCH also where the
 * process ended meanwhile: the space is what it was. */
int mappings__refresh_as(struct mappings *sp, struct modules *modules,
			 const struct identifier *who);

/* One more mapping, in the place of whatever it overlaps; m->path must outlive the space. 0 or
 * -ENOMEM. */
int mappings__map(struct mappings *sp, const struct mapping *m);

/* The mapping that holds an address; NULL where none does. Valid until the next refresh. */
const struct mapping *mappings__find(const struct mappings *sp, uint64_t addr);
size_t mappings__count(const struct mappings *sp);
const struct mapping *mappings__at(const struct mappings *sp, size_t i); /* by address */

#endif

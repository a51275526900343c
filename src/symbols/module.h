/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the files that traced processes execute (executables, libraries, the vDSO), each registered
 * once by device and inode, and held open so that it can be read after it was replaced or its
 * process ended, until modules__give_back. Threads share the registry: registration and lookup
 * lock; symbols are loaded on demand by one thread at a time (the symbolizer's).
 *
 * The contents of these files are hostile: every read is bounds-checked, and damage makes data
 * missing, never a crash.
 */
#ifndef MEMTRACE_SYMBOLS_MODULE_H
#define MEMTRACE_SYMBOLS_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "symbols/symbols.h"

struct debuginfod;
struct modules;
struct module;

#define BUILD_ID_MAX 32

struct modules *modules__new(void); /* NULL and errno */
void modules__free(struct modules *mods);

/* A file that a process has mapped at [start, end). */
struct mapped_file {
	pid_t pid;
	uint64_t start, end;
	uint64_t dev, ino; /* as /proc/PID/maps shows them; 0, 0: "[vdso]" */
	/* The file's identity if it is better known than from maps: an overlay shows numbers of its
	 * own, and two overlays may share one underlying file. 0, 0: not known. */
	uint64_t real_dev, real_ino;
	bool unread;	  /* not to be opened: its server may never answer (-EREMOTE) */
	const char *path; /* for reports */
};

/*
 * Registers a mapped file. Returns its module id or a negative errno. The file is opened through
 * /proc/PID/map_files, so that it is the mapped file itself, or else below /proc/PID/root, as the
 * process sees it. A known pair of device and inode is not opened again. "[vdso]" is copied from
 * the process's memory. A module whose file could not be opened still gets an id and keeps its
 * name; opening is tried again whenever it is added, and it gets another id if the pair now belongs
 * to another file.
 */
int64_t modules__add(struct modules *mods, const struct mapped_file *f);
/* Finds the module of a known and open file, 0 and 0 for the vDSO; or -ENOENT. */
int64_t modules__find(struct modules *mods, uint64_t dev, uint64_t ino);
/* Registers a file from another time or machine, which is never opened: module__identify_as and
 * module__know provide all that is known about it. */
int64_t modules__add_known(struct modules *mods, const char *path);

/* Returns NULL for an id that was never assigned, or whose module was forgotten. Modules live as
 * long as the registry, or until modules__forget. */
struct module *modules__get(struct modules *mods, uint32_t id);
size_t modules__count(struct modules *mods); /* IDs that were assigned */

/*
 * Gives an open file's descriptor back. The module keeps its ID, path and build ID. Its code is
 * still named if the file is found under its path, or if another open file has its build ID. When
 * the file is mapped again, modules__add opens it again.
 */
void modules__give_back(struct modules *mods, struct module *mod);
/*
 * Frees modules that were given back, and that are not marked in used[], which has n entries; calls
 * fn before each. Nothing may point to them; their IDs find nothing from then on. Returns how many.
 */
size_t modules__forget(struct modules *mods, const bool *used, size_t n,
		       void (*fn)(void *ctx, uint32_t id), void *ctx);
/* Calls fn for each module with a descriptor, with the registry locked. */
void modules__each_open(struct modules *mods, void (*fn)(void *ctx, struct module *mod), void *ctx);

uint32_t module__id(const struct module *mod);
const char *module__path(const struct module *mod); /* as the process saw it; not escaped */
const char *module__name(const struct module *mod); /* its last component */
/* Owned by the module; -1 for the vDSO, or if not open. Only the thread that calls
 * modules__give_back may use it for more than to see whether there is one. */
int module__fd(const struct module *mod);
/* The device and inode that it was registered by. */
void module__key(const struct module *mod, uint64_t *dev, uint64_t *ino);
/* Returns 0, or a negative errno that says why there is no descriptor (-EMFILE: too few are
 * left). */
int module__error(const struct module *mod);
/* Returns a path by which this process can open the file itself, "/proc/self/fd/N"; it is invalid
 * while the file is not open. */
const char *module__self_path(const struct module *mod);
/* Returns the contents of a vDSO, copied from memory; NULL for files. */
const void *module__memory(const struct module *mod, size_t *len);
/* Returns false for a file that is not ELF, such as a just-in-time compiler's memfd. Cached,
 * thread-safe. */
bool module__is_elf(struct module *mod);
/* Copies the GNU build ID to `out`. Returns its length, 0 if there is none. Cached, thread-safe. */
size_t module__build_id(struct module *mod, uint8_t out[BUILD_ID_MAX]);

/* Sets what the two functions above return for a file of modules__add_known. */
void module__identify_as(struct module *mod, bool elf, const uint8_t *build_id, size_t len);

/* Says where to look for a module's debug file, without asking a server. Returns the module's path
 * there (NULL: unknown). */
struct debug_places;
const char *module__debug_places(const struct module *mod, struct debug_places *out);

/* ---- symbols; the caller serializes calls for one registry ---- */

/* Names the code at a file offset. To look up a return address, pass its offset - 1, which is in
 * the call. Fills the innermost inlined call first; returns the number of frames, 0 if nothing is
 * known. Results are cached by offset. */
int module__symbolize(struct module *mod, uint64_t offset,
		      struct symbol_frame out[SYMBOL_FRAMES_MAX]);
/* Returns whether all lookups so far have read the file: what has no name has none there. */
bool module__names_read(const struct module *mod);
/* Notes that an offset will be looked up, so that many are looked up at once. */
void module__expect(struct module *mod, uint64_t offset);
/* Sets what module__symbolize finds at an offset of a file of modules__add_known. 0 or -ENOMEM. */
int module__know(struct module *mod, uint64_t offset, const struct symbol_frame *frames, int n);
/* Drops loaded debug data and keeps cached results. Above some 512 MiB, this happens automatically
 * to the least recently used modules. */
void module__unload(struct module *mod);
/* Sets a server, which must outlive the registry, to ask for debug files that are found nowhere
 * else. */
void modules__use_server(struct modules *mods, struct debuginfod *server);
/* Sets who reads files for their names, before the first is looked up; it must outlive the
 * registry. Without it they are read in this process, which only tests do. */
struct names_client;
struct names_stats;
void modules__use_names(struct modules *mods, struct names_client *names);
void modules__unnamed(struct modules *mods, struct names_stats *out); /* what it could not name */
/* To be called before each report: what a server had not answered in time may have arrived. */
void modules__new_report(struct modules *mods);
size_t modules__memory(struct modules *mods); /* bytes used for symbols, roughly */

struct modules_stats {
	size_t files;	      /* modules, including the vDSO */
	size_t open;	      /* descriptors held for them */
	size_t given_back;    /* how often one was given back */
	size_t forgotten;     /* modules that were freed */
	size_t no_descriptor; /* not opened because too few descriptors are left */
	size_t roots;	      /* descriptors held for root directories */
};
void modules__stats(struct modules *mods, struct modules_stats *out);

/* ---- for tests ---- */

/* Registers a file in this process's own root directory by its path. */
int64_t modules__add_path(struct modules *mods, const char *path);

#endif

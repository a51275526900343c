/*
 * Files that traced processes execute, each known once by device and inode, held open so that it
 * can be read after it was replaced or its process ended. The registry is shared by threads:
 * registering and looking up lock; symbol data is loaded on demand by one thread at a time (the
 * symbolizer's).
 *
 * What comes from these files is hostile: every read is bounds-checked, damage makes data missing,
 * never a crash.
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
void modules__free(struct modules *is);

/* What a process has mapped at [start, end). */
struct mapped_file {
	pid_t pid;
	uint64_t start, end;
	uint64_t dev, ino; /* as /proc/PID/maps shows them; 0, 0: "[vdso]" */
	/* What the file is known by. An overlay shows numbers of its own, and two of them may have
	 * one file below; 0, 0: nobody knows better than maps. */
	uint64_t real_dev, real_ino;
	const char *path; /* for reports */
};

/* The file is opened through /proc/PID/map_files, so that it is the mapped file itself, else below
 * /proc/PID/root, as the process sees it. Known pairs return at once without opening. "[vdso]" is
 * copied from the process's memory. Returns the module id or a negative errno. An module whose file
 * could not be opened still gets an id and reports its module's name; it is tried again whenever it
 * is added, and gets another id where the pair has become another file's. */
int64_t modules__add(struct modules *is, const struct mapped_file *f);
/* The module of a file that is known and open, 0 and 0 for the vDSO; or -ENOENT. */
int64_t modules__find(struct modules *is, uint64_t dev, uint64_t ino);
/* A file by path, for tests and tools. */
int64_t modules__add_path(struct modules *is, const char *path);

/* A file of another time or machine, which is never opened: module__identify_as and module__know
 * say what there is to know of it. */
int64_t modules__add_known(struct modules *is, const char *path);

/* NULL for an id never given out. Images live as long as the registry. */
struct module *modules__get(struct modules *is, uint32_t id);
size_t modules__count(struct modules *is);

uint32_t module__id(const struct module *mod);
const char *module__path(const struct module *mod); /* as the process saw it; raw, escape it */
const char *module__name(const struct module *mod); /* its last component */
int module__fd(const struct module *mod); /* owned by the module; -1 for the vDSO or unopened */
/* Why there is no fd: 0 or a negative errno (-EMFILE: too few file descriptors left). */
int module__error(const struct module *mod);
/* A path of this process that opens the file itself: "/proc/self/fd/N"; names nothing while
 * unopened. */
const char *module__self_path(const struct module *mod);
/* The memory image of a vDSO; NULL otherwise. */
const void *module__memory(const struct module *mod, size_t *len);
/* False for what is no ELF file, such as a just-in-time compiler's memfd. Cached, thread-safe. */
bool module__is_elf(struct module *mod);
/* Length of the GNU build ID copied to `out`, 0 where there is none. Cached, thread-safe. */
size_t module__build_id(struct module *mod, uint8_t out[BUILD_ID_MAX]);

/* What these two say of a file of modules__add_known. */
void module__identify_as(struct module *mod, bool elf, const uint8_t *build_id, size_t len);

/* Where the debug file of a module is to be looked for, without asking a server, and its path there
 * (NULL: unknown). */
struct debug_places;
const char *module__debug_places(const struct module *mod, struct debug_places *out);

/* ---- symbols; the caller serializes calls for one registry ---- */

/* Names the code at a file offset. A return address is looked up at offset - 1: the caller passes
 * the offset it wants looked up. Fills innermost inlined call first; returns the number of frames,
 * 0 where nothing is known. Results are cached by offset. */
int module__symbolize(struct module *mod, uint64_t offset,
		      struct symbol_frame out[SYMBOL_FRAMES_MAX]);
/* What that finds from now on at an offset of a file of modules__add_known. 0 or -ENOMEM. */
int module__know(struct module *mod, uint64_t offset, const struct symbol_frame *frames, int n);
/* Drops loaded debug data, keeps cached results. Beyond some 512 MiB of it this happens by itself
 * to the modules that were not used for longest. */
void module__unload(struct module *mod);
/* From now on this server, which must outlive the registry, is asked for debug files that are found
 * nowhere else. */
void modules__use_server(struct modules *is, struct debuginfod *server);
/* What a server had not answered in time may be there now: call this before each report. */
void modules__new_report(struct modules *is);
size_t modules__memory(struct modules *is); /* bytes held for symbols, roughly */

struct modules_stats {
	size_t files;	      /* modules, the vDSO among them */
	size_t open;	      /* descriptors held for them */
	size_t no_descriptor; /* not opened because too few descriptors are left */
	size_t roots;	      /* descriptors held for root directories */
};
void modules__stats(struct modules *is, struct modules_stats *out);

#endif

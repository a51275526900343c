/*
 * Files that traced processes execute, each known once by device and inode, held open so that it
 * can be read after it was replaced or its process ended. The registry is shared by threads:
 * registering and looking up lock; symbol data is loaded on demand by one thread at a time (the
 * symbolizer's).
 *
 * What comes from these files is hostile: every read is bounds-checked, damage makes data missing,
 * never a crash.
 */
#ifndef MEMTRACE_IMAGE_H
#define MEMTRACE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "symbols/symbols.h"

struct debuginfod;
struct images;
struct image;

#define BUILD_ID_MAX 32

struct images *images__new(void);	/* NULL and errno */
void images__free(struct images *is);

/* What a process has mapped at [start, end). */
struct mapped_file {
	pid_t pid;
	uint64_t start, end;
	uint64_t dev, ino;		/* as /proc/PID/maps shows them; 0, 0: "[vdso]" */
	/* What the file is known by. An overlay shows numbers of its own, and two of them may have
	 * one file below; 0, 0: nobody knows better than maps. */
	uint64_t real_dev, real_ino;
	const char *path;		/* for reports */
};

/* The file is opened through /proc/PID/map_files, so that it is the mapped file itself, else below
 * /proc/PID/root, as the process sees it. Known pairs return at once without opening. "[vdso]" is
 * copied from the process's memory. Returns the image id or a negative errno. An image whose file
 * could not be opened still gets an id and reports its module's name; it is tried again whenever it
 * is added, and gets another id where the pair has become another file's. */
int64_t images__add(struct images *is, const struct mapped_file *f);
/* The image of a file that is known and open, 0 and 0 for the vDSO; or -ENOENT. */
int64_t images__find(struct images *is, uint64_t dev, uint64_t ino);
/* A file by path, for tests and tools. */
int64_t images__add_path(struct images *is, const char *path);

/* A file of another time or machine, which is never opened: image__identify_as and image__know say what
 * there is to know of it. */
int64_t images__add_known(struct images *is, const char *path);

/* NULL for an id never given out. Images live as long as the registry. */
struct image *images__get(struct images *is, uint32_t id);
size_t images__count(struct images *is);

uint32_t image__id(const struct image *im);
const char *image__path(const struct image *im);	/* as the process saw it; raw, escape it */
const char *image__name(const struct image *im);	/* its last component */
int image__fd(const struct image *im);	/* owned by the image; -1 for the vDSO or unopened */
/* Why there is no fd: 0 or a negative errno (-EMFILE: too few file descriptors left). */
int image__error(const struct image *im);
/* A path of this process that opens the file itself: "/proc/self/fd/N"; names nothing while
 * unopened. */
const char *image__self_path(const struct image *im);
/* The memory image of a vDSO; NULL otherwise. */
const void *image__memory(const struct image *im, size_t *len);
/* False for what is no ELF file, such as a just-in-time compiler's memfd. Cached, thread-safe. */
bool image__is_elf(struct image *im);
/* Length of the GNU build ID copied to `out`, 0 where there is none. Cached, thread-safe. */
size_t image__build_id(struct image *im, uint8_t out[BUILD_ID_MAX]);

/* What these two say of a file of images__add_known. */
void image__identify_as(struct image *im, bool elf, const uint8_t *build_id, size_t len);

/* Where the debug file of an image is to be looked for, without asking a server, and its path there (NULL:
 * unknown). */
struct debug_places;
const char *image__debug_places(const struct image *im, struct debug_places *out);

/* ---- symbols; the caller serializes calls for one registry ---- */

/* Names the code at a file offset. A return address is looked up at offset - 1: the caller passes
 * the offset it wants looked up. Fills innermost inlined call first; returns the number of frames,
 * 0 where nothing is known. Results are cached by offset. */
int image__symbolize(struct image *im, uint64_t offset, struct symbol_frame out[SYMBOL_FRAMES_MAX]);
/* What that finds from now on at an offset of a file of images__add_known. 0 or -ENOMEM. */
int image__know(struct image *im, uint64_t offset, const struct symbol_frame *frames, int n);
/* Drops loaded debug data, keeps cached results. Beyond some 512 MiB of it this happens by itself
 * to the images that were not used for longest. */
void image__unload(struct image *im);
/* From now on this server, which must outlive the registry, is asked for debug files that are found
 * nowhere else. */
void images__use_server(struct images *is, struct debuginfod *server);
/* What a server had not answered in time may be there now: call this before each report. */
void images__new_report(struct images *is);
size_t images__memory(struct images *is);	/* bytes held for symbols, roughly */

struct images_stats {
	size_t files;		/* images, the vDSO among them */
	size_t open;		/* descriptors held for them */
	size_t no_descriptor;	/* not opened because too few descriptors are left */
	size_t roots;		/* descriptors held for root directories */
};
void images__stats(struct images *is, struct images_stats *out);

#endif

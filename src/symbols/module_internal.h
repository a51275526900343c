/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registry of modules, shared by the files that implement it. */
#ifndef MEMTRACE_SYMBOLS_MODULE_INTERNAL_H
#define MEMTRACE_SYMBOLS_MODULE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/debug_file.h"
#include "symbols/module.h"

struct roots;

/* Tells a file from a later one with the same inode number, and from its own later contents. */
struct file_stamp {
	uint64_t birth; /* ns since 1970, or an upper bound of it; 0: unknown */
	uint64_t mtime, size;
};

struct module {
	uint32_t id;
	uint64_t dev, ino;	 /* 0, 0 for a vDSO */
	struct module *same_key; /* the next older one in the same hash bucket */
	struct modules *owner;
	char *path;
	const char *inside; /* the path as the process sees it; points into `path` */
	uint64_t seen;	    /* ns since 1970: when it was first seen */
	void *memory;
	size_t memory_len;

	/* Written under the registry's lock; read by any thread. Only the thread of
	 * modules__give_back may use the descriptor without that lock: others borrow it. */
	_Atomic int fd;
	_Atomic int error;
	char self_path[32];
	struct file_stamp stamp; /* of the file that was last open; under the registry's lock */

	pthread_mutex_t lock; /* guards the next four */
	bool identified, is_elf;
	uint8_t build_id[BUILD_ID_MAX];
	size_t build_id_len;

	/* Used by the symbolizer only. */
	struct debug_places places;
	struct symbols *symbols; /* made by the first lookup */
	int names_fd;		 /* our own, of `memory` or of a file that is read here; -1: none */
	size_t loaded;		 /* bytes that could be dropped */
	uint64_t named;		 /* when it was last used, in steps of the registry's clock */
};

struct modules {
	pthread_mutex_t lock;
	struct module **by_id;
	size_t n, cap, given_back, forgotten;
	struct hashmap *by_key;
	struct roots *roots;
	struct debuginfod *server; /* the caller's; NULL: none */
	struct checksums *checksums;
	struct names_client *names; /* the caller's; NULL: files are read here */

	/* Used by the symbolizer only: what could be dropped, of all modules. */
	size_t loaded, loaded_files, loaded_files_max;
	uint64_t clock;
};

/* Opens the mapped file. Returns a descriptor for the caller, or a negative errno. */
int module__open_mapped(const struct mapped_file *f, struct roots *roots);
struct file_stamp module__stamp(int fd);
bool module__same_stamp(const struct file_stamp *a, const struct file_stamp *b);
/*
 * Returns a descriptor of the module's file for the caller to close, or a negative errno. A file
 * that was given back is opened again by its path, if it is still the same; or else another open
 * file with its build ID and size stands in. Takes the registry's lock.
 */
int module__borrow(struct module *mod);
void module__forget_loaded(struct module *mod); /* it is about to be freed */
void module__free(struct module *mod);		/* takes NULL */
void module__identify(struct module *mod);	/* reads what identifies it, if it is open */
/* Copies the vDSO; the caller frees it. Returns 0 or a negative errno. */
int module__read_vdso(const struct mapped_file *f, void **memory, size_t *len);

#endif

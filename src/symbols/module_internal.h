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

	/* Written once, under the registry's lock; read by any thread. */
	_Atomic int fd;
	_Atomic int error;
	char self_path[32];

	pthread_mutex_t lock; /* guards the next four */
	bool identified, is_elf;
	uint8_t build_id[BUILD_ID_MAX];
	size_t build_id_len;

	/* Used by the symbolizer only. */
	struct debug_places places;
	struct symbols *symbols; /* made by the first lookup */
	int memory_fd;		 /* a file of `memory`, for the names process; -1: none yet */
	size_t loaded;		 /* bytes that could be dropped */
	uint64_t named;		 /* when it was last used, in steps of the registry's clock */
};

struct modules {
	pthread_mutex_t lock;
	struct module **by_id;
	size_t n, cap;
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
/* Returns when an open file was created, in ns since 1970, or an upper bound of it; 0: unknown. */
uint64_t module__birth(int fd);
/* Copies the vDSO; the caller frees it. Returns 0 or a negative errno. */
int module__read_vdso(const struct mapped_file *f, void **memory, size_t *len);

#endif

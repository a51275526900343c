/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Manages the files that a recording is written to: the requested one, and, once that reaches half
 * of its limit, a second one that will replace it, with ".next" appended to its name. Each chunk
 * goes to both. For one thread. Functions return 0 or a negative errno.
 */
#ifndef MEMTRACE_RECORD_FILES_H
#define MEMTRACE_RECORD_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/chunk.h"

struct record_files;

struct record_files *record_files__open(const char *path,
					uint64_t limit); /* NULL on failure, errno set */
void record_files__free(struct record_files *f);	 /* removes the second file */

/* Returns whether it is time to begin the second file: true until it is begun, or given up. */
bool record_files__wants_next(const struct record_files *f);
int record_files__begin_next(struct record_files *f);
/* Says that the second file has the complete state. -E2BIG: that takes too much of the limit, and
 * the second file is removed. */
int record_files__finish_next(struct record_files *f);

int record_files__write(struct record_files *f, enum chunk_type type, const void *bytes, size_t n,
			bool plain);
/* Writes to the second file only. */
int record_files__write_next(struct record_files *f, enum chunk_type type, const void *bytes,
			     size_t n);
int record_files__end(struct record_files *f, const void *bytes, size_t n);

uint64_t record_files__bytes(const struct record_files *f);
/* Returns how often the second file replaced the first. */
uint64_t record_files__switches(const struct record_files *f);

#endif

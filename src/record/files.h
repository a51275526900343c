/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that a recording is written to: the one asked for, and from half of its limit on a
 * second one that will take its place, which has ".next" behind its name. Each chunk goes to both.
 * For one thread. Functions return 0 or a negative errno.
 */
#ifndef MEMTRACE_RECORD_FILES_H
#define MEMTRACE_RECORD_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/chunk.h"

struct record_files;

struct record_files *record_files__open(const char *path, uint64_t limit); /* NULL and errno */
void record_files__free(struct record_files *f); /* removes the second file */

/* Whether it is time to begin the second file: true until it was begun, or given up. */
bool record_files__wants_next(const struct record_files *f);
int record_files__begin_next(struct record_files *f);
/* The state is complete in it. -EFBIG: it takes too much of the limit; the second file is gone. */
int record_files__finish_next(struct record_files *f);

int record_files__write(struct record_files *f, enum chunk_type type, const void *bytes, size_t n,
			bool plain);
/* To the second file alone. */
int record_files__write_next(struct record_files *f, enum chunk_type type, const void *bytes,
			     size_t n);
int record_files__end(struct record_files *f, const void *bytes, size_t n);

uint64_t record_files__bytes(const struct record_files *f);
/* How often the second took the first's place. */
uint64_t record_files__switches(const struct record_files *f);

#endif

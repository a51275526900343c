/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes reports to standard output, or to a file that is written next to its place and renamed
 * into it when it is complete.
 */
#ifndef MEMTRACE_RUN_OUTPUT_H
#define MEMTRACE_RUN_OUTPUT_H

#include <stdio.h>

struct output;

/* path: NULL for standard output. Returns NULL and sets errno on failure. */
struct output *output__open(const char *path);
FILE *output__stream(struct output *o);
/* Returns 0, or the negative errno of the first write that failed, now or before. */
int output__flush(struct output *o);
/* Puts the file in place. Returns 0 or a negative errno; the file that was there before is then
 * untouched. */
int output__commit(struct output *o);
/* Removes what was not committed. */
void output__free(struct output *o);
/* The same for a process that ends at once, from any thread: nothing is freed or waited for. */
void output__abandon(struct output *o);

#endif

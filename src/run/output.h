/* Where reports go: standard output, or a file that appears whole or not at all. */
#ifndef MEMTRACE_RUN_OUTPUT_H
#define MEMTRACE_RUN_OUTPUT_H

#include <stdio.h>

struct output;

struct output *
output__open(const char *path); /* NULL: standard output. NULL and errno on failure */
FILE *output__stream(struct output *o);
/* Flushes; 0, or the negative errno of any write so far. */
int output__flush(struct output *o);
/* Puts the file in its place. 0 or a negative errno. */
int output__commit(struct output *o);
void output__free(struct output *o); /* what was not committed is removed */

#endif

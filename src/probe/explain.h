/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --explain-probes: what was found in a file, where its probes go, and why there. */
#ifndef MEMTRACE_PROBE_EXPLAIN_H
#define MEMTRACE_PROBE_EXPLAIN_H

#include <stdio.h>

struct probe_file;

/* Function, file offset, instruction and reason in aligned columns, under a line with the path. */
void explain__file(const struct probe_file *f, const char *path, FILE *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the exits (exits.h) of a file's functions that throw, so that they need no return probe.
 * One `ret` may serve several functions: a probe there belongs to the file.
 */
#ifndef MEMTRACE_PROBE_THROWING_H
#define MEMTRACE_PROBE_THROWING_H

struct elf;
struct probe_file;

/* Sets the exits of f and whether it `throws` nevertheless, and `exits` and `why_return` of its
 * sites; sites must be sorted. Returns 0 or -ENOMEM. */
int throwing__find_exits(struct probe_file *f, struct elf *e);

#endif

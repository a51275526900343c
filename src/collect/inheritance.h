/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What processes inherit when they are forked: copies of their parent's blocks. These are known, so
 * that freeing one is not taken for the free of a block that is older than the tracing; but they
 * are not the child's own, and in none of its figures.
 */
#ifndef MEMTRACE_COLLECT_INHERITANCE_H
#define MEMTRACE_COLLECT_INHERITANCE_H

#include "collect/internal.h"

/* A process begins as a copy of its parent. Without memory for that, it is counted. */
void inheritance__begin(struct process *child, struct process *parent);

/* If what processes inherited takes too much memory, it is given up for some. */
void inheritance__bound(struct collector *c);

#endif

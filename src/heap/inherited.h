/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The blocks that a process got from its parent when it was forked: copies of its parent's blocks,
 * at the same addresses. The process may free them, but did not allocate them.
 *
 * They are those that the parent allocated and those that it inherited itself, so there are several
 * copies of heaps, of which the smallest are united where they would become too many.
 */
#ifndef MEMTRACE_HEAP_INHERITED_H
#define MEMTRACE_HEAP_INHERITED_H

#include <stdbool.h>
#include <stdint.h>

#include "heap/heap_copy.h"

#define INHERITED_HEAPS 4

struct inherited {
	struct heap *heaps[INHERITED_HEAPS]; /* copies; the latest generation's last */
	uint32_t n;
};

/* What a child of a process inherits that has these blocks of its own and inherited those. Returns
 * 0 or -ENOMEM; then there is nothing in *out. */
int inherited__fork(struct inherited *out, struct heap *own, struct inherited *inherited,
		    struct heap_copies *copies);
void inherited__free(struct inherited *in);

/* Adds all blocks of a heap, which belongs to it from then on. 0 or -ENOMEM. */
int inherited__add(struct inherited *in, struct heap *heap, struct heap_copies *copies);

bool inherited__take(struct inherited *in, uint64_t addr, struct block *out);
uint64_t inherited__count(const struct inherited *in); /* blocks */

#endif

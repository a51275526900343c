/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocates slices of the array of all processes' mappings (abi/unwind.h). The walk may read a
 * slice for a while after it was released, so its place is not used again before slices__settle.
 * The walk may have cached rules by the slice's id, so the id is not used again before
 * slices__reset_ids.
 */
#ifndef MEMTRACE_UNWIND_SLICES_H
#define MEMTRACE_UNWIND_SLICES_H

#include <stddef.h>
#include <stdint.h>

#include "abi/unwind.h"

struct slices;

struct slice {
	uint32_t first, n;
	uint16_t id; /* never 0 */
};

/* `all` is the array that the walk reads, with room for UNWIND_MAX_MAPPINGS; it stays the caller's.
 * Returns NULL and sets errno on failure. */
struct slices *slices__new(struct unwind_mapping *all);
void slices__free(struct slices *s);

/*
 * Copies n mappings (n > 0, sorted by address) to a place that is not in use. Returns 0; -ENOSPC:
 * no such place before slices__settle; -ENOSR: all ids are used up before slices__reset_ids; or
 * -ENOMEM.
 */
int slices__add(struct slices *s, const struct unwind_mapping *maps, size_t n, struct slice *out);
void slices__release(struct slices *s, uint16_t id);
/* Says that no BPF program still reads what was released before this call. */
void slices__settle(struct slices *s);
/* Says that nothing is cached by the ids that were released and settled. */
void slices__reset_ids(struct slices *s);

#endif

/*
 * Who has which slice of the array of all mappings (abi/unwind.h). A slice that is given up may
 * still be read for a while: its place is used again after slices__settle only. Its id may be what
 * rules are remembered by: it is used again after slices__reset_ids only.
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

/* `all` is where the walk finds the mappings, room for UNWIND_MAX_MAPPINGS; it stays the caller's.
 * NULL and errno. */
struct slices *slices__new(struct unwind_mapping *all);
void slices__free(struct slices *s);

/* Copies n mappings, n > 0, sorted by address, to a place that nobody reads. 0; -ENOSPC: there is
 * no such place, until slices__settle; -ENOSR: all ids were used, until slices__reset_ids; -ENOMEM.
 */
int slices__add(struct slices *s, const struct unwind_mapping *maps, size_t n, struct slice *out);
void slices__give_up(struct slices *s, uint16_t id);
/* Nobody reads any more what was given up before. */
void slices__settle(struct slices *s);
/* Nothing is remembered by the ids of what was given up and settled. */
void slices__reset_ids(struct slices *s);

#endif

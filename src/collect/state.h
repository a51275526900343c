/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The form of a saved collector: its pieces, and the plain numbers in them. */
#ifndef MEMTRACE_COLLECT_STATE_H
#define MEMTRACE_COLLECT_STATE_H

#include "collect/internal.h"
#include "util/array.h"
#include "util/codec.h"

enum piece {
	PIECE_TOTALS,
	PIECE_ALLOCATORS,
	PIECE_STACKS,  /* each before its other IDs */
	PIECE_ALIASES, /* further IDs of stacks */
	PIECE_PROCESS,
	PIECE_RECENT_FREES, /* of the process before, as all that follows */
	PIECE_SITES,
	PIECE_BLOCKS,
	PIECE_RANGES,
	PIECE_PROCESS_END, /* whether it has ended, and its numbers; its last piece */
	PIECE_INHERITED,   /* before that */
	PIECES
};

/* Of all processes together, in one state. Those of further processes are given up. */
#define SAVED_INHERITED_MAX (1u << 20)

/* What a process is (struct process), as bits. */
#define SAVED_WHOLE 1
#define SAVED_INHERITANCE_LOST 2
#define SAVED_UNSTORED 4

/* A field that is a plain number. */
struct number {
	size_t offset;
	bool small; /* 32 bits; otherwise 64 */
};

/* clang-format off */
#define N64(type, member) { offsetof(struct type, member), false }
#define N32(type, member) { offsetof(struct type, member), true }
/* clang-format on */

static const struct number totals[] = {
	N64(collector, live_bytes[API_HEAP]),
	N64(collector, live_bytes[API_MAP]),
	N64(collector, peak_bytes[API_HEAP]),
	N64(collector, peak_bytes[API_MAP]),
	N64(collector, events),
	N64(collector, bad_events),
	N64(collector, lost_table),
	N64(collector, superseded),
	N64(collector, stack_collisions),
	N64(collector, now),
	N64(collector, reported_at),
	N64(collector, reported_bytes),
	N64(collector, reported_allocs),
	N64(collector, reported_frees),
	N64(collector, marked),
};

static const struct number process_numbers[] = {
	N64(process, ended),
	N64(process, allocs),
	N64(process, frees),
	N64(process, alloc_bytes),
	N64(process, free_bytes),
	N64(process, unmatched_frees),
	N64(process, allocator_bytes),
	N64(process, mapped_bytes),
	N64(process, live_bytes[API_HEAP]),
	N64(process, live_bytes[API_MAP]),
};

static const struct number site_numbers[] = {
	N64(site, stack),	   N64(site, live_bytes),      N64(site, live_blocks),
	N64(site, allocs),	   N64(site, frees),	       N64(site, alloc_bytes),
	N64(site, reported_bytes), N64(site, reported_allocs), N64(site, aged_bytes),
	N64(site, aged_blocks),	   N64(site, oldest),	       N64(site, newest),
	N64(site, map_addr),	   N64(site, mark_bytes),      N64(site, mark_blocks),
};

#endif

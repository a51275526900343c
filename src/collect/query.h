/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a report asks the collector for: which sites, in which order, and what a row stands for.
 * Times are ns; the words for these values are in profile/names.h.
 */
#ifndef MEMTRACE_COLLECT_QUERY_H
#define MEMTRACE_COLLECT_QUERY_H

#include <stdbool.h>
#include <stdint.h>

enum sort_key {
	/* Leaks, then what grows and is at least a thousandth of all, each by its rate; the rest by
	 * bytes. */
	SORT_LEAK,
	SORT_BYTES,
	SORT_BLOCKS,
	SORT_GROWTH,
	SORT_AGE,
	SORT_RATE,
	SORT_MARK, /* growth since the mark; what did not change is left out */
	SORT_KEYS
};

/*
 * What a row is. Sites of different processes are merged where they are the same code: files of
 * one build ID count as one. A call stack that passes through code in no file belongs to its
 * process alone. What ended processes left is a row of its own.
 */
enum merge_by { BY_PROCESS, BY_CONTAINER, BY_STACK, MERGE_KEYS };

struct query {
	enum sort_key sort;
	uint32_t top;	  /* sites at most; 0: all */
	uint64_t min_age; /* ns: only blocks at least this old */
	bool heap, map;	  /* which kinds */
	uint64_t now;	  /* ns, CLOCK_MONOTONIC */
	bool commit;	  /* growth is counted from here on */
	enum merge_by by; /* BY_PROCESS: nothing is merged; or as in the options */
};

#endif

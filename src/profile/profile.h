/*
 * One report's facts, as plain rows of numbers and names. A renderer takes a const struct profile
 * and a stream, and cannot reach back. All strings are raw (foreign): whoever prints them escapes
 * them.
 *
 * Sizes are bytes, times are seconds, unless a name says otherwise.
 */
#ifndef MEMTRACE_PROFILE_PROFILE_H
#define MEMTRACE_PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/event.h"
#include "abi/shared.h"
#include "collect/query.h"
#include "heap/judge.h"
#include "probe/alloc_functions.h"

struct profile_frame {
	const char *func;   /* NULL: unknown */
	const char *module; /* path, NULL: unknown */
	const char *file;   /* NULL: unknown */
	uint32_t line;	    /* 0: unknown */
	bool inlined;
	uint64_t offset; /* in the module's file; the address where there is no module */
	uint64_t address;
	uint32_t mapping; /* index into mappings[], or UINT32_MAX */
};

struct profile_mapping { /* a module that any frame lies in */
	const char *path;
	char build_id[65]; /* hex, "" where there is none */
};

/* What memory that was mapped is. */
enum mapped_kind {
	MAPPED_NONE, /* not a mapping: a block */
	MAPPED_ANONYMOUS,
	MAPPED_STACK, /* a thread's */
	MAPPED_FILE,
	MAPPED_SHARED, /* shared memory */
	MAPPED_KINDS
};

struct profile_site {
	uint32_t rank; /* from 1 */
	char id[17];   /* 16 hex digits */
	uint32_t pid;
	const char *comm;
	uint32_t processes;    /* that have it; pid and comm are of the one that holds most */
	const char *container; /* of that one; NULL: none */
	enum api_kind kind;
	const char *api; /* "malloc" */
	enum mapped_kind mapping;
	const char *mapped_file; /* path of a file mapping, or NULL */
	uint64_t live_bytes, live_blocks, allocs, frees, alloc_bytes;
	int64_t growth_bytes;
	int64_t since_mark_bytes, since_mark_blocks; /* what is live now less what was then */
	double allocs_per_s;			     /* in the last interval */
	double oldest_s, newest_s;
	double leak_rate_bps; /* of a leak, or of what grows */
	double survival;      /* of the blocks born long enough ago, the share that lives */
	enum verdict verdict;
	enum doubt doubt;
	double window_s;       /* the verdict is on so much: the time since the first block */
	double longest_life_s; /* of the blocks that were freed */
	double leaking_s;      /* of a leak: since when, as an age */
	bool small;	       /* below 1% of what is live of its kind, and no finding */
	bool complete;	       /* the walk reached the first frame */
	uint8_t end;	       /* enum stack_end */
	const struct profile_frame *stack; /* leaf first */
	size_t nstack;
};

struct profile_suppressed { /* what one rule kept out of sites[] */
	const char *pattern, *source;
	const char *reason; /* of a built-in rule; else NULL */
	uint64_t sites, live_bytes, live_blocks;
};

struct profile_findings { /* sites of one verdict, shown or not, but for suppressed ones */
	uint64_t sites, live_bytes;
	double rate_bps;
};

struct profile_process {
	uint32_t pid;
	const char *comm;
	const char *exe;       /* NULL: unknown */
	const char *container; /* NULL: none */
	bool exited, named;
	uint64_t live_bytes, live_blocks, allocs, frees;
	uint64_t allocator_bytes, mapped_bytes, rss_bytes;
};

struct profile_run { /* the same in every report of a run */
	const char *version, *host, *kernel;
	double interval_s;
	const struct profile_process *targets;
	size_t ntargets;
	enum stack_mode stack_mode;
	enum sort_key sort;
	enum merge_by by;
	bool top_given;	 /* --top was on the command line */
	uint32_t top;	 /* 0: all */
	bool since_mark; /* growth is told since the mark, not since the report before */
};

struct profile {
	const struct profile_run *run;
	uint32_t seq; /* from 1 */
	bool final;
	uint64_t wall_ns;  /* when it was taken, CLOCK_REALTIME */
	double elapsed_s;  /* since tracing began */
	double window_s;   /* what verdicts are on, at most */
	double interval_s; /* since the report before, or the start */
	uint64_t live_bytes, live_blocks, peak_bytes;
	int64_t growth_bytes;
	uint64_t allocs, frees, alloc_bytes, free_bytes, unmatched_frees;
	double allocs_per_s, frees_per_s; /* in the last interval */
	uint64_t superseded;
	uint64_t late;	    /* programs and libraries that ran before they were probed */
	uint64_t outsiders; /* processes outside the target that map files which are probed */
	uint64_t lost_events, lost_stacks, lost_table;
	/* Allocations whose stack reached its first frame, and all others. */
	uint64_t stacks_complete, stacks_truncated;
	uint64_t stack_ends[STACK_ENDS];
	uint64_t stack_guessed; /* allocations whose walk passed a frame without unwind data by its
				   frame pointer */
	uint64_t stack_collisions; /* stacks that took the id of another: told as that one */
	/* Sites with anything live; and what is live in those that are neither in sites[] nor
	 * suppressed. */
	uint64_t total_sites, rest_bytes, rest_blocks;
	uint64_t small_sites, small_bytes, small_blocks; /* of that rest, where known */
	bool marked;
	double mark_s; /* when, since tracing began; 0 without a mark */
	int64_t since_mark_bytes, since_mark_blocks; /* of live_bytes and live_blocks */
	struct profile_findings leak, growing;
	const struct profile_suppressed *suppressed; /* rules that kept anything out */
	size_t nsuppressed;
	uint64_t suppressed_sites;
	/* Of live_bytes, live_blocks and since_mark_bytes, that which is suppressed. */
	uint64_t suppressed_live_bytes, suppressed_live_blocks;
	int64_t suppressed_since_mark;
	const struct profile_process *processes;
	size_t nprocesses;
	const struct profile_site *sites;
	size_t nsites;
	const struct profile_mapping *mappings;
	size_t nmappings;
	const char *notice; /* one line worth telling ("no probe has fired yet"), or NULL */
};

struct snapshot;
struct suppression_filter;
struct collector;
struct symbolizer;
struct modules;

/* Sites of a snapshot beyond the top, to take the places of suppressed ones. */
#define PROFILE_SPARE 4096

/* What the builder adds to a snapshot. */
struct profile_input {
	const struct profile_run *run;
	const struct snapshot *snapshot;
	struct symbolizer *symbolizer;
	struct modules *modules;
	/* The sites are the first `top` (0: all) of those of the snapshot that pass the filter
	 * (NULL: all do); whoever made the snapshot has asked for that many more: see
	 * PROFILE_SPARE. */
	uint32_t top;
	struct suppression_filter *filter;
	/* Looks at what is below the top too, so that all that is suppressed is known. */
	bool thorough;
	/* Finds a stack and names a file mapping while the collector may be moving on: see
	 * profile__build. */
	const struct stack *(*stack)(void *ctx, uint64_t id);
	const char *(*mapped_file)(void *ctx, uint32_t pid, uint64_t addr); /* NULL: unknown */
	uint64_t (*rss)(void *ctx, uint32_t pid); /* of a living process; NULL: /proc is asked */
	void *ctx;
	uint32_t seq;
	bool final;
	uint64_t wall_ns, start;	   /* start: as in collector_opts */
	uint64_t lost_events, lost_stacks; /* by all reasons together */
	uint64_t late, outsiders;
	const char *notice;
	const char *const *api_names; /* by row, API_ROWS of them (api.h); NULL: the table's */
};

/*
 * NULL and errno. Owns everything it points to but `run` and the api names. Reads rss_bytes of live
 * processes from /proc. The snapshot is a copy, but stacks and mapped files are the collector's,
 * which may be moving on in another thread: `stack` and `mapped_file` lock as they need. A stack
 * must stay valid, a mapped file's name until the next call. The caller has told the symbolizer
 * that a new report starts.
 */
struct profile *profile__build(const struct profile_input *in);
void profile__free(struct profile *p);

/* Whether a site is one that a report warns of: a leak, or what grows. */
bool profile__is_finding(const struct profile_site *s);

#endif

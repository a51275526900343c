/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content of one report as plain rows of numbers and names. A renderer takes a const struct
 * profile and a stream, and has no way back to the collector. All strings are raw (they come from
 * traced programs): the renderer escapes them.
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
	const char *module; /* path; NULL: unknown */
	const char *file;   /* NULL: unknown */
	uint32_t line;	    /* 0: unknown */
	bool inlined;
	bool library;	 /* not the program's own: see wrappers.h */
	uint64_t offset; /* in the module's file; the address if there is no module */
	uint64_t address;
	uint32_t mapping; /* index into mappings[], or UINT32_MAX */
};

struct profile_mapping { /* a module that some frame belongs to */
	const char *path;
	char build_id[65]; /* hex; "" if there is none */
	bool names_read;   /* its file was read for names: those that are unknown are not there */
};

/* What a mapping maps. */
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
	uint32_t processes;    /* that share it; pid and comm are of the one that holds most */
	bool exited;	       /* they have ended: this is what they left */
	const char *container; /* of that one; NULL: none */
	enum api_kind kind;
	const char *api; /* "malloc" */
	enum mapped_kind mapping;
	const char *mapped_file; /* path of a file mapping, or NULL */
	uint64_t live_bytes, live_blocks, allocs, frees, alloc_bytes;
	int64_t growth_bytes;
	int64_t since_mark_bytes, since_mark_blocks; /* live now less live at the mark */
	double allocs_per_s;			     /* in the last interval */
	double oldest_s, newest_s;
	double leak_rate_bps; /* of a site that leaks or grows */
	double survival;      /* share of the blocks old enough to tell that are live */
	enum verdict verdict;
	enum doubt doubt;
	double window_s;       /* that the verdict covers: since the first block */
	double longest_life_s; /* of any block that was freed */
	double leaking_s;      /* how long a leak has been going on */
	bool small;	       /* below 1% of all live memory of its kind, and not a finding */
	bool complete;	       /* the walk reached the first frame */
	uint8_t end;	       /* enum stack_end */
	const struct profile_frame *stack; /* leaf first */
	size_t nstack;
	uint32_t group; /* 1 + the index in groups[] of the finding that it is a part of; 0: none */
};

/*
 * One mistake in the program: a finding together with all others that are parts of it, such as an
 * object, its string and the map's node for it (groups.h). Figures are sums over its parts, shown
 * or not.
 */
struct profile_group {
	char id[17];	      /* of the part that ranks first */
	enum verdict verdict; /* leak if that of any part is; else growing */
	uint32_t parts;
	uint64_t live_bytes, live_blocks, allocs;
	int64_t growth_bytes, since_mark_bytes, since_mark_blocks;
	double allocs_per_s, rate_bps;
	double oldest_s; /* of all parts */
};

struct profile_suppressed { /* what one rule suppressed */
	const char *pattern, *source;
	const char *reason; /* of a built-in rule; NULL for others */
	uint64_t sites, live_bytes, live_blocks;
};

struct profile_findings { /* sum of the sites with one verdict, shown or not, without suppressed
			     ones */
	uint64_t sites, live_bytes;
	double rate_bps;
	/* The same by groups: a part that grows is in the sum of leaks if another part leaks. */
	uint64_t groups, group_bytes;
	double group_rate_bps;
};

struct language;

struct profile_process {
	uint32_t pid;	    /* 0 in a row that stands for several processes, all ended: */
	uint64_t processes; /* how many; otherwise 1 */
	const char *comm;
	const char *exe;       /* NULL: unknown */
	const char *container; /* NULL: none */
	const char *unprobed;  /* as in struct profile */
	bool exited, named;
	const struct language *unseen; /* whose objects are not seen; NULL: none is known */
	/* When the report was made: by a signal, by job control, by a debugger, or as its cgroup is
	 * frozen. */
	bool stopped;
	bool frozen;	   /* the last of these is known to be so */
	uint32_t debugger; /* the process that holds it then; 0: none, or not known */
	int status;	   /* how it ended, as waitpid has it; -1: it lives, or it is not known */
	double seen_s;	   /* from when it was first seen to its end, or to the report */
	uint64_t live_bytes, live_blocks;
	uint64_t allocs, frees, alloc_bytes, free_bytes, unmatched_frees;
	uint64_t unseen_frees, inherited_frees; /* as in struct profile */
	uint64_t allocator_bytes, mapped_bytes, rss_bytes;
	uint64_t anonymous_growth; /* since it was first read; 0: it did not grow, or not known */
	uint64_t unseen_bytes;	   /* the part of that which no probe saw; 0 if it is negligible */
};

/* Why a report is no verdict, as bits. */
enum unjudged {
	UNJUDGED_STOPPED = 1 << 0,  /* a target stands stopped */
	UNJUDGED_LOST = 1 << 1,	    /* more than PROFILE_LOST_MAX of the events were lost */
	UNJUDGED_UNPROBED = 1 << 2, /* an allocation function in use has no probe */
	UNJUDGED_MISSED = 1 << 3,   /* as many processes ended unprobed as were traced */
	UNJUDGED_NOTHING = 1 << 4,  /* no allocation was seen */
	UNJUDGED_ENDED = 1 << 5,    /* all ended before enough was seen */
	UNJUDGED_SHORT = 1 << 6,    /* observed for less than a verdict takes */
	UNJUDGED_UNSEEN = 1 << 8,   /* a process grew by memory that no probe has seen */
	UNJUDGED_LIMIT = 1 << 9,    /* blocks or call stacks were left out: the memory limit */
	UNJUDGED_FEW = 1 << 7, /* most of what is held is in call stacks with too few blocks, or
				  with blocks that are too recent */
};

/* Where these hold, the figures themselves may be wrong, not only the verdicts. */
#define UNJUDGED_BLIND                                                                             \
	(UNJUDGED_LOST | UNJUDGED_UNPROBED | UNJUDGED_MISSED | UNJUDGED_NOTHING |                  \
	 UNJUDGED_UNSEEN | UNJUDGED_LIMIT)

#define PROFILE_LOST_MAX 0.01 /* of all events; what is lost in bursts may be what leaks */

/* Whether there is a verdict on what a report holds, and on how much of it. Without what is
 * suppressed; mappings only if nothing else is reported. */
struct profile_judged {
	unsigned int reasons; /* UNJUDGED_*; 0: judged */
	double lost_share;    /* of all events */
	bool sized;	      /* only blocks of certain sizes are counted */
	uint64_t missed;      /* processes that ended before they were probed */
	/* Call stacks that hold something: with a verdict, and without. Of ended processes only
	 * where all have ended. */
	uint64_t sites, bytes;
	uint64_t open_sites, open_bytes, open_blocks;
};

/* Code without names, because reading its file took too long, or ended or misled the process that
 * does it. */
struct profile_unnamed {
	uint64_t places;   /* in code, since tracing began */
	uint64_t files;	   /* that are not read any more */
	uint64_t failures; /* of that process */
	const char *why;   /* the last time; NULL: there was none */
};

/* Allocations whose call stack is not known, by reason. */
struct profile_lost_stacks {
	uint64_t unknown;   /* its frames did not come, or are not known any more */
	uint64_t no_buffer; /* no buffer was free to walk it in */
	uint64_t limited;   /* it was left out because of the memory limit */
	uint64_t resent;    /* not allocations: times that frames found no room, and were to be sent
			     * again with the next one */
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
	bool since_mark; /* growth is counted since the mark, not since the previous report */
	bool launched;	 /* the target is a command, traced from its first instruction */
	bool full_stacks, debuginfod; /* these options were given */
};

struct profile {
	const struct profile_run *run;
	uint32_t seq; /* from 1 */
	bool final;
	const char *recording; /* that this is from: the processes may be gone. NULL: live */
	uint64_t wall_ns;      /* time of the report, CLOCK_REALTIME */
	double elapsed_s;      /* since tracing began */
	double window_s;       /* the longest time that a verdict can cover */
	double interval_s;     /* since the previous report, or the start */
	uint64_t live_bytes, live_blocks, peak_bytes;
	int64_t growth_bytes;
	uint64_t allocs, frees, alloc_bytes, free_bytes, unmatched_frees;
	/* Of the unmatched, those of processes that have no block from before the tracing, or use
	 * functions that are not probed. */
	uint64_t unseen_frees;
	uint64_t inherited_frees; /* of blocks that children inherited; in no other figure */
	uint64_t disinherited;	  /* processes whose inherited blocks are not known */
	double allocs_per_s, frees_per_s; /* in the last interval */
	uint64_t superseded;
	/* Programs, libraries and forked processes that ran before they were probed; of these, the
	 * processes. */
	uint64_t late, late_children;
	uint64_t outsiders; /* processes outside the target that map probed files */
	uint64_t lost_events, lost_table;
	uint64_t lost_stacks; /* for all reasons together; those are */
	struct profile_lost_stacks lost_stacks_by;
	uint64_t limited_blocks; /* of lost_table: left out because of the memory limit */
	uint64_t memory_limit;	 /* bytes */
	struct profile_unnamed unnamed;
	/* Allocations whose stack was followed to its first frame, and all others. */
	uint64_t stacks_complete, stacks_truncated;
	uint64_t stack_ends[STACK_ENDS];
	uint64_t stack_guessed;	   /* allocations whose walk used a frame pointer where there was no
				      unwind data */
	uint64_t stack_collisions; /* stacks whose ID another one has: reported as that one */
	/* Sites with live memory; and the live memory of those that are neither in sites[] nor
	 * suppressed. */
	uint64_t total_sites, rest_bytes, rest_blocks;
	uint64_t small_sites, small_bytes,
	    small_blocks; /* the small ones among these, as far as known */
	bool marked;
	double mark_s;				     /* since tracing began; 0 without a mark */
	int64_t since_mark_bytes, since_mark_blocks; /* of live_bytes and live_blocks */
	struct profile_findings leak, growing;
	struct profile_judged judged;
	const struct profile_suppressed *suppressed; /* rules that suppressed something */
	size_t nsuppressed;
	uint64_t suppressed_sites;
	/* The suppressed part of live_bytes, live_blocks and since_mark_bytes. */
	uint64_t suppressed_live_bytes, suppressed_live_blocks;
	int64_t suppressed_since_mark;
	const struct profile_process *processes;
	size_t nprocesses;
	/* Blocks of processes that ended which are kept without their call stack, because there
	 * were too many. */
	uint64_t folded_stackless;
	const struct profile_site *sites;
	size_t nsites;
	const struct profile_group *groups;
	size_t ngroups;
	const struct profile_mapping *mappings;
	size_t nmappings;
	const char
	    *notice; /* one line about the whole report ("no probe has fired yet"), or NULL */
	/* Allocation functions in use that are not probed ("operator new of libx.so", separated by
	 * commas), or NULL: that nothing was found means nothing then. The notice says so. */
	const char *unprobed;
};

/* Counts the processes that the rows stand for; exited: only those that have ended. */
uint64_t profile__processes(const struct profile *p, bool exited);

struct snapshot;
struct suppression_filter;
struct wrappers;
struct collector;
struct symbolizer;
struct modules;
struct first_readings;
struct proc_memory;

/* Extra sites to request in a snapshot, to take the places of suppressed ones. */
#define PROFILE_SPARE 4096
#define GROUP_SHOWN 8

/* What a profile is built from. */
struct profile_input {
	const struct profile_run *run;
	const struct snapshot *snapshot;
	struct symbolizer *symbolizer;
	struct modules *modules;
	/* The sites are the first `top` (0: all) of the snapshot that pass the filter (NULL: all
	 * pass). The snapshot should have been taken with PROFILE_SPARE sites more. */
	uint32_t top;
	struct suppression_filter *filter;
	const struct wrappers *wrappers; /* besides those built in; may be NULL */
	bool apart;			 /* each finding is a group of its own */
	/* The parts of a group take one place of the top together, up to GROUP_SHOWN of them. */
	bool together;
	bool none_small; /* every site is worth a row of its own */
	/* Also looks at sites below the top, so that everything that is suppressed is known. */
	bool thorough;
	/* Find a stack, and name a file mapping, while the collector may be running: see
	 * profile__build. */
	const struct stack *(*stack)(void *ctx, uint64_t id);
	const char *(*mapped_file)(void *ctx, uint32_t pid, uint64_t addr); /* NULL: unknown */
	/* Of a running process; NULL: read from /proc. */
	uint64_t (*rss)(void *ctx, uint32_t pid);
	bool (*stopped)(void *ctx, uint32_t pid);
	struct proc_memory (*memory)(void *ctx, uint32_t pid);
	struct first_readings *first; /* see unseen.h; NULL: its growth is not known */
	void *ctx;
	uint32_t seq;
	bool final;
	const char *recording;	 /* its path; NULL: a live session */
	uint64_t wall_ns, start; /* start: as in collector_opts */
	uint64_t lost_events;	 /* for all reasons together */
	struct profile_lost_stacks lost_stacks;
	uint64_t memory_limit;
	uint64_t late, late_children, outsiders;
	uint64_t missed; /* processes that ended before they were probed, or were lost */
	bool sized;	 /* only blocks of certain sizes are counted */
	const char *notice;
	const char *const
	    *api_names; /* by row, API_ROWS of them (alloc_functions.h); NULL: those of the table */
};

/*
 * Returns NULL and sets errno on failure. The profile owns everything that it points to, except
 * `run` and the API names. rss_bytes of running processes is read from /proc. The snapshot is a
 * copy, but stacks and mapped files belong to the collector, which may be running in another
 * thread: `stack` and `mapped_file` lock as needed. A stack must stay valid; the name of a mapped
 * file, until the next call. The caller has announced the new report to the symbolizer
 * (symbolizer__new_report).
 */
struct profile *profile__build(const struct profile_input *in);
void profile__free(struct profile *p);

/* Whether a site is one to warn of: it leaks or grows. */
bool profile__is_finding(const struct profile_site *s);
/* The events, call stacks and blocks that were lost: above 0, figures are inexact. */
uint64_t profile__lost(const struct profile *p);

#endif

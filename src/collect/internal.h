/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The structs that the collector's files share: the collector, its processes, their sites. */
#ifndef MEMTRACE_COLLECT_INTERNAL_H
#define MEMTRACE_COLLECT_INTERNAL_H

#include "collect/collector.h"
#include "heap/activity.h"
#include "heap/cohorts.h"
#include "heap/heap.h"
#include "heap/inherited.h"
#include "heap/ranges.h"
#include "heap/recent_frees.h"
#include "probe/alloc_functions.h"
#include "util/hashmap.h"
#include "util/pace.h"

/* Blocks outside the requested sizes are kept under this site, so that their frees are not taken
 * for those of unknown blocks. */
#define SITE_HIDDEN 0
/* IDs that a living process may have for stacks that are stored under others. Beyond that the older
 * half is forgotten: mostly from before its mappings changed. */
#define ALIASES_MAX 131072
#define PENDING_MAX 64 /* ended processes that are not folded yet */
/* See folded_processes.h. */
#define ENDED_MAX 6000
#define FOLDED_PROGRAMS_MAX 500
#define FOLDED_SITES_MAX 20000

/*
 * One call stack of one process, for one kind and one allocation function. Mappings of different
 * nature (file, thread stack, shared memory) are sites of their own, because reports name it.
 */
struct site {
	uint64_t stack;
	uint8_t kind, api;
	uint16_t map_flags;
	/* Its times count from the run's start. NULL: there was never more than one block, or there
	 * was no memory. */
	struct cohorts *cohorts;
	uint64_t live_bytes, live_blocks;
	uint64_t allocs, frees, alloc_bytes;
	/* The rest is not touched by events. */
	const struct stack *frames;		  /* NULL until they are looked up and known */
	uint64_t reported_bytes, reported_allocs; /* at the last committed query */
	uint64_t mark_bytes, mark_blocks;	  /* at the mark */
	uint64_t
	    code; /* a hash of the frames: equal for equal code in all processes; 0: not computed */
	struct judgement *left; /* in place of cohorts, once its process has ended; NULL: none */
	uint64_t left_bytes;	/* in a folded row: what the site held that `left` is of */
	uint32_t holders;	/* in a folded row: how many processes had it; otherwise 0 */
	/*
	 * Of what is live, that which is old enough, and the births (ns) of the oldest and the
	 * newest. Computed by each snapshot for mappings, and when the process ends.
	 */
	uint64_t aged_bytes, aged_blocks;
	uint64_t oldest, newest;
	uint64_t map_addr;
	double aged_parts; /* pieces of mappings: those of one mapping add up to one */
};

struct process {
	struct collector *c;
	uint32_t pid;
	uint32_t serial; /* its index in the collector's processes */
	uint64_t number; /* its own for ever */
	uint64_t folds;	 /* 0, or the number of ended processes that this row stands for */
	char comm[EVENT_COMM];
	const char *exe, *container;
	const char *unprobed; /* see collector__add_unprobed; NULL: none */
	bool named, exited;
	bool folded; /* see ended_processes.h */
	int status;  /* how it ended, as waitpid has it; -1: not known */
	uint64_t first_seen, ended;
	uint64_t age; /* ns when it was first seen; 0: unknown, or its program began since */

	struct heap *heap; /* these three are NULL once it has ended */
	struct ranges *ranges;
	struct mappings *mappings; /* but a named process keeps its mappings */
	bool stale;		   /* the mappings must be read again before their next use */
	uint64_t read_at;  /* when the last read of the mappings began: no older event needs one */
	uint64_t no_retry; /* until this event time, an unknown pc does not cause another read */
	struct pace reads;

	struct site *sites;
	uint32_t nsites;
	size_t cap_sites;
	struct hashmap *site_index;  /* NULL once it has ended */
	struct hashmap *stack_index; /* same_code__first's; NULL: none yet, or it has ended */
	/* IDs of its stacks that are stored under another one, oldest first: forgotten with it. */
	uint64_t *aliases;
	size_t naliases, cap_aliases;

	/* No block of the process is older than the tracing: a new program that was traced from its
	 * first instruction, or a child of such a process. */
	bool whole;
	bool inheritance_lost; /* there was no memory for what it inherited */
	bool
	    unstored; /* there was none for blocks of it, or of a process that it was forked from */
	struct inherited inherited;

	uint64_t allocs, frees, alloc_bytes, free_bytes, unmatched_frees;
	uint64_t unseen_frees;	   /* of the unmatched: not of blocks older than the tracing */
	uint64_t inherited_frees;  /* of inherited blocks; not in `frees` */
	struct older_frees *older; /* frees of blocks that may be older; NULL: none */
	struct activity *work;	   /* NULL: nothing died yet, or there was no memory */
	struct recent_frees recent_frees; /* empty once it has ended */
	uint64_t allocator_bytes, mapped_bytes;
	uint64_t live_bytes[API_KINDS];
};

struct collector {
	struct collector_opts opts;
	struct stacks *stacks;
	struct hashmap *by_pid;	    /* the living */
	struct process *last;	    /* the living one that was looked up last, or NULL */
	struct process **processes; /* all, in the order in which they came */
	uint32_t nprocesses;
	size_t cap_processes;
	struct strtab *names; /* of programs and containers */
	uint32_t named;	      /* names after those that none has any more were last dropped */
	uint64_t next_number;
	uint32_t nended;	/* rows of single processes that ended and may be folded */
	struct hashmap *folded; /* rows that stand for many, by program */
	uint32_t folded_sites;
	uint64_t folded_stackless;  /* blocks whose call stack was given up there */
	struct hashmap *wholes;	    /* while restoring: mappings in several pieces */
	struct hashmap *allocators; /* by module: struct intervals of allocation functions' code */

	/* Ended processes that still have all their sites, and what is left of the sites of the
	 * others: their allocations by how stacks ended and, where queries merge, their cohorts by
	 * same_code__key. */
	struct process *pending[PENDING_MAX];
	uint32_t npending;
	uint64_t gone_ends[API_KINDS][STACK_ENDS + 2]; /* the last two: unknown, guessed */
	struct hashmap *gone;
	struct activity *gone_work;   /* of them all, where queries merge; NULL: none */
	struct hashmap *module_codes; /* by module: equal for files with the same build ID */
	struct heap_copies inherited; /* what all processes inherited */
	uint64_t disinherited;	      /* processes for which that was given up */

	uint64_t live_bytes[API_KINDS], peak_bytes[API_KINDS];
	uint64_t events, bad_events, lost_table, superseded, stack_collisions;

	/* See limit.h. */
	uint64_t unchecked; /* bytes that were added since the last look, estimated */
	/* What is left is so little that what is not needed is freed; that no call stack is added;
	 * that no block is. */
	bool scarce, tight, full;
	/* Blocks that were not stored; allocations and mappings whose call stack was not. */
	uint64_t limited_blocks, limited_stacks;
	bool ended_since; /* a process has ended since the last sweep of call stacks */

	uint64_t now;	      /* the latest time in a record */
	uint64_t reported_at; /* the last committed query */
	uint64_t reported_bytes, reported_allocs, reported_frees;
	uint64_t marked; /* ns; 0: not yet */
};

/* The latest birth that a query counts; without a minimum age, any. */
static inline uint64_t birth_limit(uint64_t min_age, uint64_t now)
{
	if (!min_age)
		return UINT64_MAX;
	return now > min_age ? now - min_age : 0;
}

/* Times in a heap count from the run's start. */
static inline uint64_t heap_time(const struct collector *c, uint64_t ns)
{
	return ns > c->opts.start ? ns - c->opts.start : 0;
}

#endif

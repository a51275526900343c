/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns the stream of events into what is live: processes, their blocks and ranges, call sites; and
 * counts what was lost. Its entry has the ring buffer's callback signature, so that a test or a
 * recording passes the same bytes as the kernel. Not thread-safe: the session serializes calls.
 */
#ifndef MEMTRACE_COLLECT_COLLECTOR_H
#define MEMTRACE_COLLECT_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/event.h"
#include "collect/query.h"
#include "heap/judge.h"
#include "unwind/stacks.h"

struct collector;
struct modules;
struct mappings;

/* What is known of a process besides its events. */
struct process_facts {
	uint32_t pid;
	uint64_t first_seen; /* ns, CLOCK_MONOTONIC */
	uint64_t age;	     /* ns, how old it was then; 0: unknown, or it began then */
	bool named;
	char comm[EVENT_COMM];
	const char *exe;       /* NULL: unknown */
	const char *container; /* NULL: none, or not known yet */
	const char *unprobed;  /* NULL: none; see collector__add_unprobed */
};

/*
 * Is passed, in order, everything that the collector learns from outside, so that another collector
 * that is passed the same reaches the same state: see "from a recording" below.
 */
struct collector_observer {
	/* Any accepted record but a stack. A shared memory segment comes with its length. */
	void (*event)(void *ctx, const void *data, size_t size);
	/* A stack with its frames resolved, with the ID and time of its event. */
	void (*stack)(void *ctx, uint64_t time, const struct stack *st);
	void (*process)(void *ctx, const struct process_facts *f);
	void (*allocator)(void *ctx, uint32_t module, uint64_t start, uint64_t end);
};

struct collector_opts {
	struct modules *modules;
	bool offline; /* nothing is read from the system: all comes from a recording */
	const struct collector_observer *observer; /* may be NULL */
	void *observer_ctx;
	/* Brings a process's address space up to date; NULL: mappings__refresh. For tests. */
	int (*refresh)(void *ctx, struct mappings *sp, struct modules *modules);
	void *refresh_ctx;
	/* Reads the clock of the events' times; NULL: the time of the latest event counts, as where
	 * reading takes no time. */
	uint64_t (*clock)(void);
	/* Called after each fork, exec, exit, file and code event. May be NULL. */
	void (*notify)(void *ctx, const struct event *ev);
	void *notify_ctx;
	/* Blocks and mappings of other sizes are not counted, and their frees are not unmatched;
	 * max_size 0: no limit. The totals of allocator and mapped bytes include them all the same.
	 */
	uint64_t min_size, max_size;
	/* The min_age of later queries: applied once, when a process ends, to what it leaves. */
	uint64_t min_age;
	/* What later queries merge sites by: cohorts of ended processes are kept in that way
	 * (but not saved). */
	enum merge_by by;
	bool children; /* forked children are processes of their own here */
	/* Bytes that may be spent on what forked processes inherited (0: COLLECTOR_INHERITED_MAX).
	 * For more, it is given up, for the processes that have been forked the longest ago first.
	 */
	size_t max_inherited;
	/* Bytes of memory above which nothing more is stored (limit.h); 0: no limit. What is used,
	 * as memory_used says: all that counts against the limit, whosever it is; NULL: what the
	 * collector itself holds. */
	uint64_t memory_limit;
	uint64_t (*memory_used)(void);
	uint64_t start; /* ns, CLOCK_MONOTONIC: the run's beginning */
};

#define COLLECTOR_INHERITED_MAX (256u << 20)

struct collector *collector__new(const struct collector_opts *opts); /* NULL and errno */
void collector__free(struct collector *c);

/*
 * 0, or -EINVAL for an invalid record (counted, skipped), or -ENOMEM (counted). `data` is aligned
 * to 8 bytes. A ring buffer stops at a negative value, so its callback must wrap this function.
 *
 * A process that was not added begins with its first allocation, free, mapping or stack: the sender
 * of events decides which processes are traced. A process that ended keeps its row, until there are
 * many (folded_processes.h); its blocks are what it left, at the age that they had then. Its pid
 * may be reused by another process. exec ends what is live without counting it as freed.
 */
int collector__event(void *collector, void *data, size_t size);

/* Sets the container that a process belongs to, by the name that reports show. */
void collector__set_container(struct collector *c, uint32_t pid, const char *name);
/*
 * The process uses an allocation function that is not probed: `name` ("operator new of libx.so")
 * says which. What it allocates is missing, so that frees of unknown blocks are no sign of older
 * ones. Forgotten at an exec. Nothing happens where the process is not known.
 */
void collector__add_unprobed(struct collector *c, uint32_t pid, const char *name);
/* A target named by the user: reads its comm and address space. 0 or a negative errno. */
int collector__add_process(struct collector *c, uint32_t pid);
/* Reads comm, exe and mappings of a process again, as after an exec. */
void collector__refresh_process(struct collector *c, uint32_t pid);
/* Likewise, with mappings that were read already, beginning at a time (ns). Takes them over. */
void collector__set_mappings(struct collector *c, uint32_t pid, struct mappings *maps,
			     uint64_t began);
/* Reads the mappings again, unless that was done too often, or too much time was spent on it. */
void collector__refresh_mappings(struct collector *c, uint32_t pid);

/*
 * Code at [start, end) of a module's file belongs to an allocation function. What is mapped in
 * calls from it belongs to the allocator, even where the outer call was not seen: one that was
 * running when its probe was attached, or a free, which is reported at its entry. 0 or -ENOMEM.
 */
int collector__add_allocator(struct collector *c, uint32_t module, uint64_t start, uint64_t end);

/*
 * Frees call stacks that no site refers to and no living process may use, once there are many, and
 * names of processes. To be called now and then while nothing points to a stack or a name. Returns
 * 0 or -ENOMEM.
 */
int collector__tidy(struct collector *c);
/* Whether anything was left out because of the memory limit. */
bool collector__is_limited(const struct collector *c);
/* Sets used[] for each module below n that a stack or a mapping refers to. */
void collector__use_modules(const struct collector *c, bool *used, size_t n);
/* Forgets what is known of a module that none refers to: its ID is not used again. */
void collector__forget_module(void *collector, uint32_t module);

/* ---- from a recording ---- */

/* What the observer was passed; 0, -EINVAL or -ENOMEM. Events go to collector__event. */
int collector__add_stack(struct collector *c, uint64_t time, const struct stack *st);
int collector__set_process(struct collector *c, const struct process_facts *f);

/*
 * Saves the whole state in pieces of some 64 KiB. collector__restore, called with all of them in
 * order, brings a new collector with the same options to the same state. Their form is private to
 * the collector; modules are identified by their IDs. 0 or -ENOMEM; -EINVAL for an invalid piece.
 */
struct strbuf;
struct cursor;
int collector__save(const struct collector *c, void (*piece)(void *ctx, const struct strbuf *sb),
		    void *ctx);
int collector__restore(struct collector *c, struct cursor *piece);

/* Each range that has a file behind it. */
void collector__file_ranges(const struct collector *c,
			    void (*range)(void *ctx, uint32_t pid, uint64_t start), void *ctx);

/*
 * Stores what each site holds now (of the age that queries ask for), in place of an earlier mark:
 * snapshots report the difference from then on. 0 or -ENOMEM.
 */
int collector__mark(struct collector *c, uint64_t now);

/* ---- what a report is made of ---- */

struct site_row {
	/* In a merged row, these are of the process that holds most of it. */
	uint32_t pid;
	uint32_t process;   /* its row in the snapshot's processes: a pid may come twice */
	uint32_t site;	    /* its number in that process, valid until that ends */
	uint32_t processes; /* how many have it; 1 without merging */
	uint64_t stack;	    /* stack id, 0: none */
	uint8_t kind;	    /* enum api_kind */
	uint8_t api;	    /* row of the table */
	uint16_t map_flags; /* EVENT_F_* for a map */
	uint64_t live_bytes, live_blocks;    /* old enough for the query */
	uint64_t allocs, frees, alloc_bytes; /* for a map: mappings made, ended, and their bytes */
	int64_t growth_bytes;		     /* since the last committed query */
	int64_t since_mark_bytes,
	    since_mark_blocks;	 /* live now less live at the mark, or at the start */
	uint64_t allocs_since;	 /* allocations since the last committed query */
	uint64_t oldest, newest; /* ages, ns; 0 where nothing is live */
	uint64_t map_addr;	 /* the lowest range's start, for naming a file mapping */
	/* On all its blocks, of any age. In a merged row the verdict is on all the processes
	 * together: see site_merge.c. */
	struct judgement judged;
};

struct process_row {
	uint32_t pid;	    /* 0 in a row that stands for several processes, all ended: */
	uint64_t processes; /* how many; otherwise 1 */
	char comm[EVENT_COMM];
	const char *exe; /* valid until collector__tidy; NULL: unknown */
	bool exited;
	int status; /* how it ended, as waitpid has it; -1: it lives, or it is not known */
	uint64_t live_bytes, live_blocks; /* as in struct snapshot */
	uint64_t allocs, frees, alloc_bytes, free_bytes, unmatched_frees; /* heap only */
	uint64_t unseen_frees, inherited_frees; /* as in struct snapshot */
	uint64_t allocator_bytes, mapped_bytes;
	uint64_t first_seen;   /* ns, CLOCK_MONOTONIC */
	uint64_t ended;	       /* ns, 0 while it lives */
	bool named;	       /* the user named it; otherwise a child */
	const char *container; /* as exe; NULL: none */
	const char *unprobed;  /* as exe; NULL: none. Several are separated by commas. */
};

struct snapshot {
	uint64_t now, since; /* since: the last committed query, or the start */
	/*
	 * Of the requested age, including ended processes: blocks of the malloc family, or mappings
	 * if only these were requested (mapped_bytes of a process count them in any case).
	 */
	uint64_t live_bytes, live_blocks;
	uint64_t peak_bytes;  /* the most of these that was ever live, of any age */
	int64_t growth_bytes; /* of live_bytes, since the last committed query */
	uint64_t marked;      /* ns: when the mark was set; 0: it was not */
	int64_t since_mark_bytes, since_mark_blocks; /* of live_bytes and live_blocks */
	bool heap; /* as asked for: without it, live_bytes are mappings */
	uint64_t allocs, frees, alloc_bytes, free_bytes, unmatched_frees; /* heap only */
	uint64_t unseen_frees; /* of the unmatched: not of blocks older than the tracing */
	/* Of blocks that a process inherited when it was forked. They are in no other figure. */
	uint64_t inherited_frees;
	uint64_t disinherited; /* processes whose inherited blocks are not known: no memory */
	uint64_t allocs_since, frees_since;
	uint64_t events, bad_events;
	uint64_t lost_table;	 /* blocks for which there was no memory, or which were left out: */
	uint64_t limited_blocks; /* because of the memory limit */
	uint64_t limited_stacks; /* allocations whose call stack was left out because of it */
	uint64_t lost_stack_ids; /* allocations whose stack's frames are not known */
	uint64_t superseded;	 /* blocks whose address was allocated again, with no free seen */
	uint64_t stack_collisions; /* stacks with the ID of another, as which they are shown */
	uint64_t stack_guessed; /* allocations whose stack has frames found by frame pointer only */
	uint64_t stack_ends[STACK_ENDS]; /* allocations, by how their stack's walk ended */
	struct site_row *sites;
	size_t nsites;			  /* in `sites` */
	size_t total_sites;		  /* with anything live, before the cut to top */
	uint64_t rest_bytes, rest_blocks; /* live in the sites that were cut */
	struct process_row *processes;
	size_t nprocesses;	   /* rows */
	uint64_t folded_stackless; /* blocks of processes that ended, without their call stack */
};

/*
 * 0 or -ENOMEM. Sites with nothing live are left out unless all are requested (top == 0), or rows
 * are sorted by rate and the site allocated since. Once a committed query has reported such sites
 * of a process that ended, and that the user did not name, they are dropped. Equal rows are in the
 * order of their processes and then of their first allocation.
 */
int collector__snapshot(struct collector *c, const struct query *q, struct snapshot *out);
void snapshot__free(struct snapshot *s);

const struct stacks *collector__stacks(const struct collector *c);
/* A process's mappings, for naming what has no module. NULL: unknown process, or a child that
 * ended. */
const struct mappings *collector__mappings(const struct collector *c, uint32_t pid);

/* ---- for tests and benchmarks ---- */

size_t collector__memory(const struct collector *c); /* bytes it holds */

#endif

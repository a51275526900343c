/* What the collector's files share: its processes, and their sites. */
#ifndef MEMTRACE_COLLECT_INTERNAL_H
#define MEMTRACE_COLLECT_INTERNAL_H

#include "collect/collector.h"
#include "heap/cohorts.h"
#include "heap/heap.h"
#include "heap/ranges.h"
#include "heap/recent_frees.h"
#include "probe/alloc_functions.h"
#include "util/hashmap.h"

/* Blocks outside the sizes asked for are kept under this site, so that their frees are known. */
#define SITE_HIDDEN 0
#define PENDING 64

/*
 * One call stack of one process and one kind, for one function of the table; maps of different
 * nature (file, thread stack, shared memory) are told apart too, because reports name it.
 */
struct site {
	uint64_t stack;
	uint8_t kind, api;
	uint16_t map_flags;
	/* Times in it count from the run's start. NULL: there was never more than one block, or no
	 * memory. */
	struct cohorts *cohorts;
	uint64_t live_bytes, live_blocks;
	uint64_t allocs, frees, alloc_bytes;
	/* Events touch none of the rest. */
	const struct stack *frames;	  /* NULL until they are looked up and known */
	uint64_t told_bytes, told_allocs; /* at the last committed query */
	uint64_t mark_bytes, mark_blocks; /* at the mark */
	uint64_t code; /* the same for the same code in all processes; 0: not computed yet */
	struct judgement *left; /* in place of cohorts, once its process has ended; NULL: none */
	/*
	 * Of what is live, that which is old enough, and the births (ns) of its ends. For maps each
	 * snapshot makes these anew; they last once the process has ended.
	 */
	uint64_t aged_bytes, aged_blocks;
	uint64_t oldest, newest;
	uint64_t map_addr;
	double aged_parts; /* the pieces of one mapping add up to one */
};

struct process {
	struct collector *c;
	uint32_t pid;
	uint32_t serial; /* its place in the collector's row of processes */
	char comm[EVENT_COMM];
	const char *exe, *container;
	bool named, exited;
	uint64_t first_seen, ended;

	struct heap *heap; /* these three are NULL once it has ended */
	struct ranges *ranges;
	struct mappings *space; /* but a named process keeps its space */
	bool stale;		/* the space is to be read again before its next use */
	uint64_t refreshed;	/* event time when the space was last read */
	uint64_t no_retry; /* until this event time, a missing pc is no reason to read it again */

	struct site *sites;
	uint32_t nsites, cap_sites;
	struct hashmap *site_index; /* NULL once it has ended */

	uint64_t allocs, frees, alloc_bytes, free_bytes, unmatched_frees;
	struct cohorts *older;	   /* the unmatched frees, as births; NULL: none */
	struct recent_frees freed; /* empty once it ended */
	uint64_t allocator_bytes, mapped_bytes;
	uint64_t live_bytes[API_KINDS];
};

struct collector {
	struct collector_opts opts;
	struct stacks *stacks;
	struct hashmap *by_pid;	    /* the living */
	struct process *last;	    /* the living one asked for last, or NULL */
	struct process **processes; /* all, in the order in which they came */
	uint32_t nprocesses, cap_processes;
	struct strtab *names;
	struct hashmap *wholes;	    /* while it is restored: mappings in several pieces */
	struct hashmap *allocators; /* by module: struct intervals of allocation functions' code */

	/* Ended processes that still have all their sites, and what is left of the sites of the
	 * others: their allocations by how stacks ended (the last: unknown), and, where queries
	 * merge, by what they are merged by: struct cohorts. */
	struct process *pending[PENDING];
	uint32_t npending;
	uint64_t gone_ends[API_KINDS][STACK_ENDS + 2]; /* then: not known, guessed */
	struct hashmap *gone;
	struct hashmap *module_codes; /* by module: the same for files with the same build ID */

	uint64_t live_bytes[API_KINDS], peak_bytes[API_KINDS];
	uint64_t events, bad_events, lost_table, superseded, stack_collisions;

	uint64_t now;	  /* the latest time that a record told of */
	uint64_t told_at; /* the last committed query */
	uint64_t told_bytes, told_allocs, told_frees;
	uint64_t marked; /* ns; 0: not yet */
};

/* collector_process.c */

struct process *process__find(struct collector *c, uint32_t pid); /* living; NULL: unknown */
struct process *process__get(struct collector *c, uint32_t pid, uint64_t now); /* NULL: no memory */
void process__free(struct process *p);
int process__name(struct collector *c, uint32_t pid);
int process__fork(struct collector *c, const struct event_fork *ev);
int process__exec(struct collector *c, const struct event_exec *ev);
void process__exit(struct process *p, uint64_t now);
int process__read(struct process *p); /* comm, exe and mappings, from /proc */
int process__code(struct process *p, const struct event_code *ev);
int process__stack(struct process *p, const struct event_stack *ev);
int process__keep_stack(struct process *p, uint64_t time, const struct stack *st);
void process__segment(struct collector *c,
		      struct event_map *ev); /* fills in its length, if it is known */
int process__set(struct collector *c, const struct process_facts *f);
void process__retire(struct process *p, uint64_t now); /* it ended, and what it left was measured */

/* collector_book.c */

/* What tells a site from the others of its process; the next number where another has it. */
static inline uint64_t site_key(const struct site *s)
{
	return hash__mix(s->stack, (uint64_t)s->map_flags << 16 | s->api << 8 | s->kind);
}

int book__restore_site(struct process *p,
		       const struct site *s); /* the process's next. 0 or -ENOMEM */
int book__alloc(struct process *p, const struct event_alloc *ev);
int book__free(struct process *p, const struct event_free *ev);
int book__realloc(struct process *p, const struct event_realloc *ev);
/* Whether a stack passes through an allocation function. */
bool book__is_allocator(const struct collector *c, const struct stack *st);
int book__map(struct process *p, const struct event_map *ev);
void book__range_changed(void *process, const struct range *r, int64_t bytes, int blocks);

/* collector_snapshot.c */

/*
 * Measures what of the maps, or of a heap, was born by `limit` (ns): the aged_ members, and the
 * births of the ends, of each site of that kind.
 */
void survey__maps(struct process *p, uint64_t limit);
void survey__heap(struct process *p, uint64_t limit);

/* The verdict on a site; what a process left is judged at its end. */
struct judgement survey__judge(const struct process *p, const struct site *s, uint64_t now);
/* Whether a row belongs among the first `top`, should it come that far. */
bool survey__has_place(const struct query *q, const struct site_row *row);

/* collector_rank.c */

struct ranking { /* start with { .top, .sort, .least } */
	struct site_row *rows;
	size_t n, cap, top;
	enum sort_key sort;
	uint64_t least; /* bytes: what grows but holds less is no matter */
	bool was_cut;
};

int rank__offer(struct ranking *r, const struct site_row *row); /* 0 or -ENOMEM */
void rank__cut(struct ranking *r); /* sorts, and leaves the best `top` */

/* collector_merge.c */

struct merging;

struct merging *merge__new(struct collector *c, const struct query *q); /* NULL: no memory */
int merge__add(struct merging *m, struct process *p, struct site *s, const struct site_row *row);
/* Judges the merged rows and offers them. 0 or -ENOMEM. */
int merge__finish(struct merging *m, struct ranking *r, struct snapshot *out);
void merge__free(struct merging *m);
/* What a site is merged by. */
uint64_t merge__key(struct collector *c, enum merge_by by, const struct process *p, struct site *s);
/* A copy of what is known of a site's births and deaths, for the caller to free: in an ended
 * process, all have died. NULL: nothing is. */
struct cohorts *merge__cohorts(const struct process *p, const struct site *s);

/* collector_ended.c */

/* A process has ended: its sites are folded soon, at the next committed query or when many are
 * pending. */
void ended__add(struct process *p);
bool ended__is_pending(const struct process *p);
void ended__fold_all(struct collector *c);

/* The latest birth that a query counts: all, where it asks for no age. */
static inline uint64_t birth_limit(uint64_t min_age, uint64_t now)
{
	if (!min_age)
		return UINT64_MAX;
	return now > min_age ? now - min_age : 0;
}

/* Time in a heap counts from the run's start. */
static inline uint64_t heap_time(const struct collector *c, uint64_t ns)
{
	return ns > c->opts.start ? ns - c->opts.start : 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the BPF programs and their loader share besides the records: map values, limits, counters.
 * Compiles alone on both sides.
 */
#ifndef MEMTRACE_ABI_SHARED_H
#define MEMTRACE_ABI_SHARED_H

#include "abi/event.h"

#define RING_BYTES (32 << 20)

/*
 * Processes and threads are kept in direct-mapped tables, indexed by the low bits of their ID: a
 * lookup is a load, not a helper call and a hash, and an allocation and its free take nine lookups.
 * If a slot is taken, the process or thread goes to a hash map instead. The stacks that were sent
 * are remembered in sets of four: one that was evicted is sent again, and the collector ignores the
 * copy.
 */
#define PROCESS_SLOTS 32768
#define PROCESS_OVERFLOW 8192
#define THREAD_SLOTS 65536
#define THREAD_OVERFLOW 16384
#define SEEN_SETS 16384
#define SEEN_WAYS 4

/* How call stacks are walked: not at all, by frame pointers, or by unwind tables. */
enum stack_mode { STACK_OFF, STACK_FP, STACK_DWARF, STACK_MODES };

/* A traced process. */
struct traced {
	ev_u32 tgid;  /* the owner of this slot; 0: it is free */
	ev_u32 pid;   /* the process that owns the memory: the parent of a vfork child */
	ev_u32 epoch; /* counts exec and changes of the mapped files: part of a stack's id */
	ev_u32 flags; /* TRACED_* */
};

#define TRACED_HOLD 1	    /* launched by memtrace, and not all probes are attached yet */
#define TRACED_NO_MAPS 2    /* not all probes are attached: an allocator's call may go unseen */
#define TRACED_ASKED 4	    /* a stack met code of an unknown file, and that was reported */
#define TRACED_NEW_CODE 8   /* it mapped code of an unknown file since the loader last looked */
#define TRACED_CODE_GONE 16 /* it may have unmapped code since its epoch last changed */

/*
 * Filters select processes in addition to those added by process ID. A process belongs to the
 * target if any filter matches: its cgroup or an ancestor, its PID namespace or an ancestor, or
 * every process.
 */
enum { FILTER_NONE, FILTER_ALL, FILTER_CGROUP, FILTER_PIDNS };

struct filter {
	ev_u32 kind;
	ev_u32 level;	  /* depth of the cgroup, or of the namespace; the root's is 0 */
	ev_u64 id;	  /* the cgroup's ID in kernfs, or the namespace's inode number */
	ev_u32 subsys;	  /* number of the cgroup's version 1 controller, or FILTER_V2 */
	ev_u32 from_exec; /* a process moved there is traced from its next exec on: until then it
			   * is the container runtime */
};

#define FILTER_V2 0xffffffffu
#define HELPERS_MAX 4 /* processes of the tracer besides itself */
#define FILTERS_MAX 64
#define KNOWN_FILES 16384

/*
 * A hold: a thread that is about to run code of an unknown file waits, for at most HOLD_NS, until a
 * catcher has stopped it (by ptrace, before it executes another instruction of the program). The
 * outcome of hold n is written to slot n % HOLD_SLOTS.
 */
#define HOLD_SLOTS 1024
#define HOLD_NS 10000000ull
#define HOLD_GRANT(number, held) ((number) << 1 | (held))
#define HOLD_CATCHERS 2

struct hold_request {
	ev_u64 number;	 /* from 1 */
	ev_u32 pid, tid; /* 0: the request with this number is withdrawn, because its event was
			  * lost */
	ev_u64 ip, sp;	 /* of the program: where it should stop, or where ip returns to */
};

/* A mapping of code, as the iterators list them. */
struct listed {
	ev_u32 pid;
	ev_u32 dev; /* as in struct event_code */
	ev_u64 ino, start, end, offset;
	ev_u64 magic; /* of its file system (linux/magic.h) */
};

/* Events that could not be reported, by reason. */
struct counters {
	ev_u64 lost_events;    /* no room in the ring buffer */
	ev_u64 lost_stacks;    /* no room for a stack's record; it is sent again */
	ev_u64 lost_processes; /* fork, exec or exit not reported, or too many processes */
	ev_u64 no_thread;      /* no room for a thread's state: its call was not counted */
	ev_u64 no_scratch;     /* no free buffer to walk a stack in: reported without a stack */
	ev_u64
	    abandoned; /* calls that never returned: longjmp, cancelled threads; nothing is lost */
	ev_u64 holds;  /* threads held until their new code was probed; counted by the session */
	ev_u64 late;   /* programs that started and libraries that were mapped before their files
			* were known */
	ev_u64 outsiders;    /* processes outside the target that now map probed files; counted by
			      * the session */
	ev_u64 holds_missed; /* threads that could not be held: their calls before the probes
			      * were attached are missing */
	ev_u64 missed; /* processes that ended before they were probed; counted by the session */
	ev_u64 late_children; /* those that ran before they were probed; likewise, and in `late` */
};

/*
 * The first rows of the table of allocation functions (probe/alloc_functions.h) stand for system
 * calls: the BPF side sends their numbers and the collector names them.
 */
enum { API_NONE, API_MMAP, API_BRK, API_SHMAT, API_MREMAP, API_FIRST_FUNCTION };

_Static_assert(sizeof(struct traced) == 16, "traced");
_Static_assert(sizeof(struct filter) == 24, "filter");
_Static_assert(sizeof(struct hold_request) == 32, "hold_request");
_Static_assert(sizeof(struct listed) == 48, "listed");

#endif

/*
 * What the BPF programs and their loader agree on besides the records: map values, limits,
 * counters. Compiles alone on both sides.
 */
#ifndef MEMTRACE_ABI_SHARED_H
#define MEMTRACE_ABI_SHARED_H

#include "abi/event.h"

#define RING_BYTES (32 << 20)

/*
 * Processes and threads live in direct-mapped tables, a slot by the low bits of their number: a
 * look-up is a load, not a helper call and a hash, and there are nine of them in a pair of calls.
 * Whoever finds its slot taken by another lives in a hash map instead. The stacks that were sent
 * are remembered in sets of four: one that was forgotten is sent again, and the collector knows it
 * already.
 */
#define PROCESS_SLOTS 32768
#define PROCESS_OVERFLOW 8192
#define THREAD_SLOTS 65536
#define THREAD_OVERFLOW 16384
#define SEEN_SETS 16384
#define SEEN_WAYS 4

/* How call stacks are walked: not at all, by frame pointers, or by unwind tables. */
enum stack_mode { STACK_OFF, STACK_FP, STACK_DWARF, STACK_MODES };

/* A process whose events are wanted. */
struct traced {
	ev_u32 tgid;  /* whose slot this is; 0: nobody's */
	ev_u32 pid;   /* that owns the memory: the parent of a vfork child */
	ev_u32 epoch; /* counts exec and changes of the mapped files: part of a stack's id */
	ev_u32 flags; /* TRACED_* */
};

#define TRACED_HOLD 1	  /* launched by us, and not all probes are in yet */
#define TRACED_NO_MAPS 2  /* not all probes are in: a system call may be the allocator's, unseen */
#define TRACED_ASKED 4	  /* a stack met code of an unknown file, and that was told */
#define TRACED_NEW_CODE 8 /* it mapped code of an unknown file since the loader last told */
#define TRACED_CODE_GONE 16 /* it may have unmapped code since its epoch last changed */

/*
 * Whose events are wanted besides those of processes named one by one. A process is of the target
 * if any filter says so: by a cgroup or one below it, by a PID namespace or one nested in it, or
 * all.
 */
enum { FILTER_NONE, FILTER_ALL, FILTER_CGROUP, FILTER_PIDNS };

struct filter {
	ev_u32 kind;
	ev_u32 level;	  /* depth of the cgroup, or of the namespace; the root's is 0 */
	ev_u64 id;	  /* the cgroup's in kernfs, or the namespace's inode number */
	ev_u32 subsys;	  /* number of the version 1 controller whose cgroup it is, or FILTER_V2 */
	ev_u32 from_exec; /* who is moved there counts from its next exec on: before, it is the
			     runtime */
};

#define FILTER_V2 0xffffffffu
#define FILTERS_MAX 64
#define KNOWN_FILES 16384

/*
 * A hold: a thread that is about to run code that is not known yet waits, for HOLD_NS at most,
 * until somebody has got hold of it (by ptrace, before it executes another instruction of the
 * program). What became of hold n is told in slot n % HOLD_SLOTS.
 */
#define HOLD_SLOTS 1024
#define HOLD_NS 10000000ull
#define HOLD_TOLD(number, held) ((number) << 1 | (held))
#define HOLD_CATCHERS 2

struct hold_request {
	ev_u64 number;	 /* from 1 */
	ev_u32 pid, tid; /* 0: who asked before asks no more, because the event that it comes with
			    is lost */
	ev_u64 ip, sp;	 /* of the program: where it is to stop, or where that returns to */
};

/* A mapping of code, as the iterators list them. */
struct listed {
	ev_u32 pid;
	ev_u32 dev; /* as in struct event_code */
	ev_u64 ino, start, end, offset;
};

/* Events that could not be told, by reason. */
struct counters {
	ev_u64 lost_events;    /* no room in the ring buffer */
	ev_u64 lost_stacks;    /* a stack's record found no room; it is sent again */
	ev_u64 lost_processes; /* fork, exec or exit could not be told, or too many processes */
	ev_u64 no_thread;      /* no room for a thread's state: its call was not seen */
	ev_u64 no_scratch;     /* no free buffer to walk a stack in: reported without a stack */
	ev_u64
	    abandoned; /* calls that never returned: longjmp, cancelled threads; nothing is lost */
	ev_u64 holds;  /* threads held until their new code was probed: the session's */
	ev_u64
	    late; /* programs that began, and libraries that came, before their files were known */
	ev_u64 outsiders;    /* processes of others that map files which are probed, at this moment:
				the session's */
	ev_u64 holds_missed; /* that could not be held: what they did before the probes were in is
				missing */
};

/*
 * The first rows of the table of allocation functions (probe/alloc_functions.h): those that stand
 * for system calls are sent by the kernel side and named by the collector.
 */
enum { API_NONE, API_MMAP, API_BRK, API_SHMAT, API_MREMAP, API_FIRST_FUNCTION };

_Static_assert(sizeof(struct traced) == 16, "traced");
_Static_assert(sizeof(struct filter) == 24, "filter");
_Static_assert(sizeof(struct hold_request) == 32, "hold_request");
_Static_assert(sizeof(struct listed) == 40, "listed");

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records that the BPF programs write to the ring buffer, and that a recording or a test may
 * write in their place. This header is shared by both sides and compiles alone on each.
 *
 * Units: addresses and sizes are bytes in the traced process; times are nanoseconds of
 * CLOCK_MONOTONIC. Every record starts with struct event and is a multiple of 8 bytes long.
 * `pid` is the process (the kernel's tgid) that owns the address space: a vfork child reports
 * as its parent until it execs.
 */
#ifndef MEMTRACE_ABI_EVENT_H
#define MEMTRACE_ABI_EVENT_H

#ifdef __bpf__
typedef __u8 ev_u8;
typedef __u16 ev_u16;
typedef __u32 ev_u32;
typedef __u64 ev_u64;
#else
#include <stdint.h>
typedef uint8_t ev_u8;
typedef uint16_t ev_u16;
typedef uint32_t ev_u32;
typedef uint64_t ev_u64;
#endif

#define EVENT_MAX_FRAMES 127
#define EVENT_COMM 16

enum event_type {
	EVENT_NONE,
	EVENT_ALLOC,   /* struct event_alloc: the program got a block */
	EVENT_FREE,    /* struct event_free: the program gives a block back */
	EVENT_REALLOC, /* struct event_realloc: a realloc that succeeded, or freed */
	EVENT_MAP,     /* struct event_map: mmap or shmat returned */
	EVENT_UNMAP,   /* struct event_map: munmap or shmdt returned */
	EVENT_REMAP,   /* struct event_map: mremap returned */
	EVENT_BRK,     /* struct event_map: the program break moved */
	EVENT_STACK,   /* struct event_stack: the frames of a stack id */
	EVENT_FORK,    /* struct event_fork */
	EVENT_EXEC,    /* struct event_exec */
	EVENT_EXIT,  /* struct event: the last thread of the process ended; see EVENT_EXIT_STATUS */
	EVENT_FILES, /* struct event_files: the mapped files changed (dlopen, dlclose) */
	EVENT_ENTER, /* struct event_exec: a running process became traced */
	EVENT_CODE,  /* struct event_code: code was mapped */
	EVENT_CANDIDATE,  /* struct event_exec: one of a cgroup's first programs started */
	EVENT_TRANSLATED, /* struct event_exec: a process whose code is translated started, or has
			   * mapped a file */
	EVENT_TYPES
};

/* Flags of struct event. */
#define EVENT_F_ALLOCATOR 0x01 /* a system call made inside an allocation function */
#define EVENT_F_FILE 0x02      /* the mapping has a file behind it */
#define EVENT_F_STACK 0x04     /* MAP_STACK: a thread's stack */
#define EVENT_F_FIXED 0x08     /* MAP_FIXED: replaces what was there */
#define EVENT_F_SHM 0x10       /* System V shared memory */
#define EVENT_F_SHARED 0x20    /* MAP_SHARED */
#define EVENT_F_EXEC 0x40      /* PROT_EXEC */
#define EVENT_F_DONTUNMAP 0x80 /* mremap kept the old mapping */
#define EVENT_F_GUESSED 0x100  /* a stack passed a frame by its frame pointer, without CFI */
#define EVENT_F_CUSTOM 0x200   /* a call of the program's own allocator (--probe) */
#define EVENT_F_INSIDE 0x400   /* freed inside such an allocator */
#define EVENT_F_UNKNOWN 0x800  /* code of a file that is not probed yet */
#define EVENT_F_LIBC 0x1000    /* a free by which the C library gives back what is its own */
#define EVENT_F_WHOLE 0x2000   /* of EVENT_EXEC: all functions of the new program are probed */
#define EVENT_F_LATE 0x4000    /* of EVENT_FILES: code ran before it was probed */

/* The api of an EVENT_EXIT whose flags are the wait status; others do not say how it ended. */
#define EVENT_EXIT_STATUS 1

struct event {
	ev_u8 type; /* enum event_type */
	ev_u8 api;  /* row of the table of allocation functions (API_*, shared.h), 0 for none */
	ev_u16 flags;
	ev_u32 pid;
	ev_u64 time; /* of the return of an allocation or system call; a free has the time of the
		      * previous record, because reading the clock would cost more than it is
		      * worth */
};

struct event_alloc {
	struct event ev;
	ev_u64 addr;
	ev_u64 size;  /* as requested; nmemb * size if there are two arguments */
	ev_u64 stack; /* stack ID, 0 if none was taken */
};

struct event_free {
	struct event ev;
	ev_u64 addr; /* never 0 */
};

struct event_realloc {
	struct event ev;
	ev_u64 old;  /* 0: there was none */
	ev_u64 addr; /* 0: size was 0 and the old block was freed */
	ev_u64 size;
	ev_u64 stack;
	ev_u64 began; /* time of entry: a block recorded at `old` later than this is another
		       * block */
};

/* clang-format off */
/*
 * EVENT_MAP:   [addr, addr + len) is mapped; len 0 with EVENT_F_SHM: a segment of unknown length.
 * EVENT_UNMAP: [addr, addr + len) is unmapped; len 0 with EVENT_F_SHM: the segment at addr.
 * EVENT_REMAP: [old, old + old_len) became [addr, addr + len).
 * EVENT_BRK:   the break moved from `old` to `addr`; old 0: this is where it was when first seen.
 */
/* clang-format on */
struct event_map {
	struct event ev;
	ev_u64 addr;
	ev_u64 len;
	ev_u64 old;
	ev_u64 old_len;
	ev_u64 stack;
	ev_u64 began; /* time of the call's entry: later mappings here are others */
};

enum stack_end {		   /* how a walk ended */
		 STACK_COMPLETE,   /* reached the thread's or the process's first frame */
		 STACK_LIMIT,	   /* cut at the frame limit */
		 STACK_NO_MAPPING, /* the pc is in no known mapping */
		 STACK_NO_CFI,	   /* no CFI for the pc and no plausible frame pointer */
		 STACK_UNREADABLE, /* the stack's memory could not be read */
		 STACK_BAD_SP,	   /* the stack pointer did not move up */
		 STACK_NO_TABLE,   /* the unwind table is not loaded (memory limit, or not yet) */
		 STACK_UNKNOWN,	   /* not known (frame-pointer walk) */
		 STACK_ENDS
};

struct event_stack {
	struct event ev;
	ev_u64 id; /* never 0 */
	ev_u16 n;  /* frames */
	ev_u8 end; /* enum stack_end */
	ev_u8 pad[5];
	ev_u64 pc[EVENT_MAX_FRAMES]; /* return addresses, leaf first; only n are sent */
};

struct event_fork {
	struct event ev; /* pid: the parent */
	ev_u32 child;
	ev_u32 shares_memory; /* vfork: the child's allocations are reported as the parent's */
};

/* hold: the number (shared.h) of the hold in which the thread waits and that the reader must end;
 * 0: none. */
struct event_exec {
	struct event ev;
	char comm[EVENT_COMM];
	ev_u64 hold;
};

struct event_files {
	struct event ev;
	ev_u64 hold;
};

/* Executable memory at [start, end) maps a file at `offset`; dev and ino 0: the vDSO. */
struct event_code {
	struct event ev;
	ev_u64 start, end;
	ev_u64 offset;
	ev_u64 ino; /* of the real file, not of an overlay */
	ev_u32 dev; /* as the kernel has it: major << 20 | minor */
	ev_u32 pad;
};

#define EVENT_STACK_HEAD (sizeof(struct event_stack) - EVENT_MAX_FRAMES * sizeof(ev_u64))

_Static_assert(sizeof(struct event) == 16, "event");
_Static_assert(sizeof(struct event_alloc) == 40, "event_alloc");
_Static_assert(sizeof(struct event_free) == 24, "event_free");
_Static_assert(sizeof(struct event_realloc) == 56, "event_realloc");
_Static_assert(sizeof(struct event_map) == 64, "event_map");
_Static_assert(sizeof(struct event_stack) == 32 + EVENT_MAX_FRAMES * 8, "event_stack");
_Static_assert(sizeof(struct event_fork) == 24, "event_fork");
_Static_assert(sizeof(struct event_exec) == 40, "event_exec");
_Static_assert(sizeof(struct event_files) == 24, "event_files");
_Static_assert(sizeof(struct event_code) == 56, "event_code");

/*
 * An attach cookie describes the probed function to the BPF program: its row of the table, how it
 * behaves, and in which argument register (0 to 5) each argument is at the probe. ARG_RAX: the
 * argument was moved to rax. ARG_NONE: there is no such argument.
 */
enum api_shape {
	SHAPE_ALLOC,	 /* returns the block, NULL on failure */
	SHAPE_ALLOC_OUT, /* stores the block through an argument, returns 0 on success */
	SHAPE_REALLOC,	 /* takes a block and returns it, moved or not */
	SHAPE_FREE,
	SHAPE_FREE_CALL, /* a free that may call allocation functions: their calls are part of it */
	SHAPE_LIBC_FREE, /* no function, but the call of free by which the C library gives back what
			  * is its own */
	SHAPES
};

#define ARG_RAX 6
#define ARG_NONE 7
#define COOKIE(api, shape, size, count, ptr)                                                       \
	((ev_u64)(api) | (ev_u64)(shape) << 8 | (ev_u64)(size) << 16 | (ev_u64)(count) << 20 |     \
	 (ev_u64)(ptr) << 24)
#define COOKIE_API(c) ((c) >> 0 & 0xff)
#define COOKIE_SHAPE(c) (((c) >> 8) & 0xff)
#define COOKIE_SIZE(c) (((c) >> 16) & 7)
#define COOKIE_COUNT(c) (((c) >> 20) & 7)
#define COOKIE_PTR(c) (((c) >> 24) & 7)
#define COOKIE_CUSTOM (1ull << 28) /* of the program's own allocator (--probe) */
#define COOKIE_INT (1ull << 29)	   /* blocks are numbers of type int: a negative one is a failure */
#define COOKIE_EXITS                                                                               \
	(1ull << 30) /* its end is seen by probes at its exits, not by a return probe */
#define COOKIE_BYTES_SHIFT 32
#define COOKIE_BYTES(c) ((c) >> COOKIE_BYTES_SHIFT) /* size of a block, if no argument gives it */
#define COOKIE_LENGTH(c) COOKIE_BYTES(c) /* with COOKIE_EXITS: of the code, from the probe on */

#endif

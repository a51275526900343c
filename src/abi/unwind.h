/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unwind tables that the tracer fills and the walk in BPF reads. Compiles alone on both sides.
 *
 * A *rule* says how to get from a frame to its caller. A *row* says at which address a rule begins
 * to apply. The rows of a file are sorted by address and grouped by *page*, 4 KiB of code: a page
 * starts with a row of its own, so the rule for an address is found by looking at one page only.
 *
 *	process ─▶ mappings (sorted) ─▶ page entry ─▶ rows (sorted) ─▶ rule
 *
 * Page entries and rows are words in *chunks* of 32 KiB, each an array map of its own, so that a
 * file's tables can be freed independently of others. A word's address is chunk << 13 | index. What
 * must be contiguous never crosses chunks: the rows of a page, and the page entries of a mapping. A
 * file with more than 16 MiB of code is entered as several consecutive mappings.
 *
 * There are few distinct rules, and files share most of them: one table holds them all, and a row
 * has the number of its rule.
 *
 * The writer publishes in this order: rules, rows, page entries, a slice of mappings that is not in
 * use yet, and last the process, with a new number: the walk's cache is keyed by that number.
 */
#ifndef MEMTRACE_ABI_UNWIND_H
#define MEMTRACE_ABI_UNWIND_H

#include "abi/event.h"

#ifdef __bpf__
typedef __s8 ev_s8;
typedef __s32 ev_s32;
#else
typedef int8_t ev_s8;
typedef int32_t ev_s32;
#endif

#define UNWIND_PAGE_BITS 12
#define UNWIND_PAGE_SIZE (1u << UNWIND_PAGE_BITS)
#define UNWIND_CHUNK_BITS 13
#define UNWIND_CHUNK_WORDS (1u << UNWIND_CHUNK_BITS) /* of 4 bytes */
#define UNWIND_CHUNK_PAGES (UNWIND_CHUNK_WORDS / 2)  /* page entries: 16 MiB of code */
#define UNWIND_MAX_RULES (1u << 16)		     /* of all files; a row has 16 bits for it */
#define UNWIND_MAX_MAPPINGS (1u << 15)		     /* of all processes */
#define UNWIND_MAX_PROCESSES (1u << 13)		     /* that have mappings */
#define UNWIND_CACHE_BITS 14
#define UNWIND_MAX_ID 0xffffu

/*
 * How the canonical frame address (CFA, the stack pointer before the call) is found. The return
 * address is always at CFA - 8. Registers have DWARF's numbers.
 */
enum unwind_kind {
	UNWIND_NONE,	  /* no CFI for this address */
	UNWIND_BOTTOM,	  /* the first frame: it has no caller */
	UNWIND_RSP,	  /* CFA = rsp + cfa */
	UNWIND_RBP,	  /* CFA = rbp + cfa */
	UNWIND_RBX,	  /* CFA = rbx + cfa: the dynamic loader's lazy resolver */
	UNWIND_RSP_DEREF, /* CFA = *(rsp + cfa) + 8 * plus: a realigned stack */
	UNWIND_RBP_DEREF, /* CFA = *(rbp + cfa) + 8 * plus: a realigned stack */
	UNWIND_PLT,	  /* CFA = rsp + 8 + ((rip & 15) >= cfa ? 8 : 0) */
	UNWIND_SIGNAL,	  /* the kernel's signal frame is at rsp */
	UNWIND_UNKNOWN,	  /* CFI that the walk cannot follow */
	UNWIND_LOST,	  /* no room for the rule in the table */
	UNWIND_GO,	  /* Go: by the frame pointer, which may lead to another stack; the stack
			   * begins where it is 0 */
	UNWIND_REG = 16,  /* + n: CFA = cfa + another register, which is known only for the frame
			   * that a signal interrupted: word n of the ucontext */
	UNWIND_KINDS = UNWIND_REG + 22
};

/* Where the caller's rbp or rbx is. */
enum unwind_saved {
	UNWIND_SAME,   /* not changed */
	UNWIND_AT_CFA, /* saved at CFA + 8 * slot */
	UNWIND_AT_RBP, /* saved at rbp + 8 * slot, rbp of this frame */
	UNWIND_GONE    /* not known */
};

struct unwind_rule {
	ev_u8 kind;  /* enum unwind_kind */
	ev_u8 saved; /* UNWIND_SAVED(rbp, rbx, plus) */
	ev_s8 rbp;   /* slot, in words of 8 bytes */
	ev_s8 rbx;
	ev_s32 cfa; /* bytes */
};

#define UNWIND_SAVED(rbp, rbx, plus) ((rbp) | (rbx) << 2 | (plus) << 4)
#define UNWIND_SAVED_RBP(saved) ((saved) >> 0 & 3)
#define UNWIND_SAVED_RBX(saved) ((saved) >> 2 & 3)
#define UNWIND_SAVED_PLUS(saved) ((saved) >> 4) /* 0 to 15 */

/* A row is one word: page offset << 16 | number of the rule. Rule 0 is UNWIND_NONE. */
#define UNWIND_ROW(offset, rule) ((ev_u32)(offset) << 16 | (rule))
#define UNWIND_ROW_OFFSET(row) ((row) >> 16)
#define UNWIND_ROW_RULE(row) ((row) >> 0 & 0xffff)

/* The entry of a page, two words. n 0: no rows, no CFI. */
struct unwind_page {
	ev_u32 first; /* address of the first row's word */
	ev_u32 n;
};

/* Code at [start, start + len) of a process. */
struct unwind_mapping {
	ev_u64 start, len;
	ev_u64 base;  /* the address of the first page entry's code; <= start */
	ev_u32 pages; /* address of the first page entry's word, or UNWIND_NO_… */
	ev_u32 pad;
};

/* No table: below every word's address, because chunk 0 is never used. */
enum {
	UNWIND_NO_CFI,	 /* code without CFI: generated, or of a file that has none */
	UNWIND_NO_TABLE, /* a table that had no room or is still being made */
};

/*
 * A process's mappings: a slice of the array of all mappings. The value of a map may be overwritten
 * while a program reads it: `check` exposes a torn read and a value that belongs to another
 * process.
 *
 * epoch: the number of changes to the process's mapped files that the slice includes, plus one; 0:
 * unknown, and the slice is trusted.
 */
struct unwind_process {
	ev_u64 slice; /* UNWIND_SLICE */
	ev_u64 check; /* UNWIND_FOLD(slice) ^ epoch << 32 ^ pid */
};

/* id: 1 to UNWIND_MAX_ID, one for each slice in use, reused as late as possible. */
#define UNWIND_SLICE(first, n, id) ((ev_u64)(id) << 32 | (ev_u64)(n) << 16 | (first))
#define UNWIND_SLICE_FIRST(s) ((ev_u32)((s) >> 0 & 0xffff))
#define UNWIND_SLICE_N(s) ((ev_u32)((s) >> 16 & 0xffff))
#define UNWIND_SLICE_ID(s) ((s) >> 32 & UNWIND_MAX_ID)

#define UNWIND_GOLDEN 0x9e3779b97f4a7c15ULL
#define UNWIND_FOLD(v) (UNWIND_GOLDEN * (v))

/*
 * The same tables by file, for mappings that are not yet known to be in a process. They cover the
 * first 128 MiB of a file's code.
 */
#define UNWIND_FILE_PARTS 8
#define UNWIND_MAX_FILES 2048

struct unwind_file_key {
	ev_u64 ino; /* both 0: the vDSO, which is the same in all processes */
	ev_u32 dev; /* as the kernel has it: major << 20 | minor */
	ev_u32 pad;
};

struct unwind_part {
	ev_u64 offset, len; /* in the file */
	ev_u64 check;	    /* UNWIND_PART_CHECK: exposes a torn read */
	ev_u32 pages;	    /* the page entry for `offset` */
	ev_u32 pad;
};

struct unwind_file {
	struct unwind_part parts[UNWIND_FILE_PARTS];
};

#define UNWIND_PART_CHECK(key, part)                                                               \
	UNWIND_FOLD(UNWIND_FOLD(UNWIND_FOLD((key)->ino) ^ (key)->dev ^ (part)->offset) ^           \
		    (part)->len ^ (ev_u64)(part)->pages << 32)

_Static_assert(sizeof(struct unwind_rule) == 8, "unwind_rule");
_Static_assert(sizeof(struct unwind_page) == 8, "unwind_page");
_Static_assert(sizeof(struct unwind_mapping) == 32, "unwind_mapping");
_Static_assert(sizeof(struct unwind_process) == 16, "unwind_process");
_Static_assert(sizeof(struct unwind_file_key) == 16, "unwind_file_key");
_Static_assert(sizeof(struct unwind_part) == 32, "unwind_part");
_Static_assert(UNWIND_MAX_MAPPINGS <= 1u << 16, "a slice has 16 bits for a mapping");
_Static_assert(UNWIND_CHUNK_WORDS >= UNWIND_PAGE_SIZE, "the rows of a page fit in a chunk");
_Static_assert(UNWIND_ROW(UNWIND_PAGE_SIZE - 1, 0) >> 16 == UNWIND_PAGE_SIZE - 1, "unwind row");

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the rule for an address; has the maps that lead to it (abi/unwind.h).
 *
 * Rules are cached by pc in a table without locks: an entry whose two words do not match is not
 * used. The mapping of the last lookup is kept.
 *
 * An address that has a rule although the byte before it has none was not made by a call: a
 * coroutine or a thread starts there, and the stack ends.
 *
 * The kernel is asked (bpf_find_vma, 5.17) about a mapping that is not in the tables, or may have
 * changed: a file that is known from another process is known at once. Where the kernel cannot
 * answer, because another thread is changing the mappings, the stack is cut and says so.
 */
#ifndef MEMTRACE_UNWIND_FIND_BPF_H
#define MEMTRACE_UNWIND_FIND_BPF_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "global.bpf.h"
#include "abi/event.h"
#include "abi/unwind.h"

#define UNWIND_SLOTS 8
#define UNWIND_WINDOW 2048
#define UNWIND_TRAMPOLINES 64	   /* nested return probes of a thread, at most */
#define UNWIND_FP_REACH (1u << 20) /* a frame pointer further up is not plausible */
#define UNWIND_SWITCHES 16	   /* from stack to stack in a walk, at most */
#define UNWIND_LOWEST 4096	   /* no code below */
#define UNWIND_ADDRESS_BITS 47

/* In place of a register's address: its value is known; it cannot be known. */
enum { UNWIND_HERE, UNWIND_NOWHERE };

/* In place of a rule: there is no mapping. No kind has this number. */
#define UNWIND_NO_MAPPING (~0ULL)

struct unwind_slot {
	__u32 busy;
	__u32 limit; /* frames */
	__u64 pc, sp, rbp, rbx;
	__u64 rbp_at, rbx_at; /* where they were saved, or UNWIND_HERE, UNWIND_NOWHERE */
	__u64 registers;      /* the ucontext, if a signal interrupted this frame; or 0 */
	__u64 trampoline;
	struct unwind_mapping mapping; /* of the last lookup */
	__u64 slice;		       /* UNWIND_SLICE: the process's mappings */
	__u32 stale;		       /* the slice may be out of date */
	__u32 asked;		       /* `mapping` is the kernel's answer, valid for now only */
	__u32 missing;		       /* the walk met a file without a table */
	__u32 switches;		       /* between a thread's stack and a goroutine's */
	__u64 window_at, window_len;
	__u64 id;
	__u64 called; /* 1: pc is a return address */
	struct event_stack st;
	__u64 window[UNWIND_WINDOW / 8];
};

/* Concurrent writers may leave the check of one and the rule of the other: folding exposes that. */
struct unwind_remembered {
	__u64 check; /* key ^ UNWIND_FOLD(rule) */
	__u64 rule;
};

struct unwind_mappings {
	struct unwind_mapping at[UNWIND_MAX_MAPPINGS];
};

struct unwind_rules {
	__u64 at[UNWIND_MAX_RULES]; /* struct unwind_rule */
};

struct unwind_cache {
	struct unwind_remembered at[1 << UNWIND_CACHE_BITS];
};

struct unwind_chunk {
	__u32 words[UNWIND_CHUNK_WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, UNWIND_SLOTS);
	__type(key, __u32);
	__type(value, struct unwind_slot);
} unwind_slots SEC(".maps");

/* Keyed by the process that owns the memory. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UNWIND_MAX_PROCESSES);
	__type(key, __u32);
	__type(value, struct unwind_process);
} unwind_processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct unwind_mappings);
} unwind_mappings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct unwind_rules);
} unwind_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct unwind_cache);
} unwind_cache SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UNWIND_MAX_FILES);
	__type(key, struct unwind_file_key);
	__type(value, struct unwind_file);
} unwind_files SEC(".maps");

/* The loader sets max_entries from the memory that the tables may take. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(
	    values, struct {
		    __uint(type, BPF_MAP_TYPE_ARRAY);
		    __uint(max_entries, 1);
		    __uint(map_flags, BPF_F_MMAPABLE);
		    __uint(key_size, sizeof(__u32));
		    __uint(value_size, sizeof(struct unwind_chunk));
	    });
} unwind_chunks SEC(".maps");

/* The one element of an array. */
static __always_inline void *unwind__only(void *map)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(map, &zero);
}

static __always_inline __u64 unwind__mix(__u64 h, __u64 v)
{
	h = (h ^ v) * UNWIND_GOLDEN;
	return h ^ (h >> 32);
}

/* ---- looking up a rule ---- */

/* Returns the mapping that holds pc, as an index into all mappings; -1: none. No branch in the loop
 * depends on data. */
GLOBAL_FUNC int unwind_find_mapping(__u32 first, __u32 n, __u64 pc)
{
	struct unwind_mappings *all = unwind__only(&unwind_mappings);
	struct unwind_mapping *m;

	if (!all || !n)
		return -1;
	for (int i = 0; i < 16 && n > 1; i++) {
		__u32 half = n / 2;
		__u64 start = all->at[(first + half) & (UNWIND_MAX_MAPPINGS - 1)].start;

		first += half & ~(__u32)((__s64)(pc - start) >> 63);
		n -= half;
	}
	first &= UNWIND_MAX_MAPPINGS - 1;
	m = &all->at[first];
	return pc - m->start < m->len ? (int)first : -1;
}

static __always_inline struct unwind_chunk *unwind__chunk(__u32 word)
{
	__u32 chunk = word >> UNWIND_CHUNK_BITS;
	void *map = bpf_map_lookup_elem(&unwind_chunks, &chunk);

	return map ? unwind__only(map) : NULL;
}

/* Returns the rule `offset` bytes after the code of the page entry at `pages`. */
GLOBAL_FUNC __u64 unwind_find_rule(__u32 pages, __u64 offset)
{
	__u32 page = pages + 2 * (__u32)(offset >> UNWIND_PAGE_BITS), first, n, row;
	__u64 want = (offset & (UNWIND_PAGE_SIZE - 1)) << 16 | 0xffff;
	struct unwind_chunk *c = unwind__chunk(page);
	struct unwind_rules *rules;

	if (!c)
		return UNWIND_LOST;
	first = c->words[page & (UNWIND_CHUNK_WORDS - 2)];
	n = c->words[(page & (UNWIND_CHUNK_WORDS - 2)) + 1];
	if (!n)
		return UNWIND_NONE;
	c = unwind__chunk(first);
	if (!c)
		return UNWIND_LOST;
	for (int i = 0; i < 13 && n > 1; i++) {
		__u32 half = n / 2;
		__u64 at = c->words[(first + half) & (UNWIND_CHUNK_WORDS - 1)];

		first += half & ~(__u32)((__s64)(want - at) >> 63);
		n -= half;
	}
	row = c->words[first & (UNWIND_CHUNK_WORDS - 1)];
	rules = unwind__only(&unwind_rules);
	return rules ? rules->at[row & (UNWIND_MAX_RULES - 1)] : UNWIND_LOST;
}

/* ---- asking the kernel ---- */

struct unwind_question {
	struct unwind_slot *s;
	__u64 at;
};

#define VM_EXEC 4
#define EBUSY 16

static long unwind_on_vma(struct task_struct *task, struct vm_area_struct *vma,
			  struct unwind_question *q)
{
	struct unwind_mapping *m = &q->s->mapping;
	__u64 at = q->at, start = vma->vm_start, end = vma->vm_end, offset;
	struct file *file = vma->vm_file;
	struct unwind_file_key key = {};
	struct unwind_file *known;
	struct inode *inode;

	if (!(vma->vm_flags & VM_EXEC))
		return 0;
	m->start = start;
	m->len = end - start;
	m->pages = UNWIND_NO_CFI;
	if (file) {
		inode = file->f_inode;
		key.ino = inode->i_ino;
		key.dev = inode->i_sb->s_dev;
	} else if (!task->mm || start != (__u64)task->mm->context.vdso) {
		return 0;
	}
	known = bpf_map_lookup_elem(&unwind_files, &key);
	m->pages = UNWIND_NO_TABLE;
	if (!known) {
		q->s->missing = 1;
		return 0;
	}
	offset = at - start + (vma->vm_pgoff << UNWIND_PAGE_BITS);
	for (int i = 0; i < UNWIND_FILE_PARTS; i++) {
		struct unwind_part p = known->parts[i];
		__u64 behind = offset - p.offset;

		if (behind >= p.len || p.check != UNWIND_PART_CHECK(&key, &p))
			continue;
		m->base = at - behind;
		m->start = m->base > start ? m->base : start;
		if (end > m->base + p.len)
			end = m->base + p.len;
		m->len = end - m->start;
		m->pages = p.pages;
		break;
	}
	return 0;
}

#define UNWIND_CAN_ASK bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_find_vma)

/* Puts the kernel's mapping at an address into s->mapping. Returns 0, or what to use as the
 * rule. */
static __always_inline __u64 unwind__ask(struct unwind_slot *s, __u64 at)
{
	struct unwind_question q = { .s = s, .at = at };
	long err;

	if (UNWIND_CAN_ASK) {
		s->asked = 1;
		s->mapping.len = 0;
		err = bpf_find_vma(bpf_get_current_task_btf(), at, unwind_on_vma, &q, 0);
		if (err == -EBUSY) /* another thread is changing the mappings */
			return UNWIND_LOST;
		return err || !s->mapping.len ? UNWIND_NO_MAPPING : 0;
	}
	return s->slice ? UNWIND_NO_MAPPING : UNWIND_LOST;
}

/* ---- the rule for an address ---- */

static __always_inline __u64 unwind__search(struct unwind_slot *s, __u64 at)
{
	struct unwind_mapping *m = &s->mapping;

	if (at - m->start >= m->len) {
		struct unwind_mappings *all = unwind__only(&unwind_mappings);
		int i = -1;

		if (!s->stale)
			i = unwind_find_mapping(UNWIND_SLICE_FIRST(s->slice),
						UNWIND_SLICE_N(s->slice), at);
		if (i >= 0 && all) {
			*m = all->at[i & (UNWIND_MAX_MAPPINGS - 1)];
			s->asked = 0;
		} else {
			__u64 none = unwind__ask(s, at);

			if (none)
				return none;
		}
	}
	if (m->pages < UNWIND_CHUNK_WORDS)
		return m->pages == UNWIND_NO_CFI ? UNWIND_NONE : UNWIND_LOST;
	return unwind_find_rule(m->pages, at - m->base);
}

/* Returns whether the code at pc is what signal handlers return to: mov $15,%rax; syscall. */
static __always_inline bool unwind__is_restorer(__u64 pc)
{
	__u64 code = 0;

	/* The first seven bytes, and the first of the system call's two. */
	return !bpf_probe_read_user(&code, sizeof(code), (void *)pc) &&
	       code == 0x0f0000000fc0c748ULL;
}

static __always_inline __u64 unwind__cached_rule(struct unwind_slot *s)
{
	__u64 at = s->pc - s->called, rule;
	__u64 key = at | s->called << UNWIND_ADDRESS_BITS |
		    UNWIND_SLICE_ID(s->slice) << (UNWIND_ADDRESS_BITS + 1);
	struct unwind_cache *cache = unwind__only(&unwind_cache);
	struct unwind_remembered *r;

	if (!cache)
		return UNWIND_LOST;
	r = &cache->at[at * UNWIND_GOLDEN >> (64 - UNWIND_CACHE_BITS)];
	rule = r->rule;
	if (!s->stale && (r->check ^ UNWIND_FOLD(rule)) == key)
		return rule;
	rule = unwind__search(s, at);
	if (rule == UNWIND_NO_MAPPING)
		return rule;
	if (rule == UNWIND_NONE && s->called) {
		if (unwind__is_restorer(s->pc))
			rule = UNWIND_SIGNAL;
		else if (unwind__search(s, s->pc) != UNWIND_NONE)
			rule = UNWIND_BOTTOM;
	}
	if (!s->asked) {
		r->check = key ^ UNWIND_FOLD(rule);
		r->rule = rule;
	}
	return rule;
}

#endif

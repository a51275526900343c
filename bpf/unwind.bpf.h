/*
 * The walk up a user stack without frame pointers, by the tables of ground/unwind.h.
 *
 * A frame is a pc, a stack pointer, and what is known of rbp and rbx. The rule for the pc gives the stack
 * pointer of the caller (the CFA), and the word below it is the address that the call returns to. rbp
 * and rbx are carried as the place where they were saved, and are read when a rule asks for them, which most never
 * do.
 *
 *  - A return address is looked up one byte earlier: the call may be its function's last instruction. An
 *    address that a signal interrupted is looked up as it is, and recorded one byte later, so that
 *    "pc - 1" is in the instruction that is being executed for each recorded pc.
 *  - An address that has a rule although the byte before it has none was not made by a call: a coroutine or
 *    a thread starts there, and the stack ends.
 *  - Return probes replace return addresses by that of a trampoline. The kernel keeps the
 *    originals, and finds them by the place that they were taken from.
 *  - Code without CFI is passed by its frame pointer where that is plausible, and the record says so.
 *
 *  - A mapping that is not in the tables, or may no longer be what they say, is looked up in the kernel
 *    (bpf_find_vma, 5.17): a file that is known from another process is known at once.
 *
 * Speed comes from four things: rules are remembered by pc in a table without locks (an entry whose two
 * words don't fit together is not used); the stack is read through a window that never crosses a page;
 * the mapping of the last lookup is kept; rbp is lazy.
 *
 * Uprobe programs can be preempted, so a buffer for each CPU would be shared by two walks: each CPU
 * has a few slots, taken by atomic exchange. What loops is a global function, which the verifier looks at once
 * and on its own; with everything in line the number of states explodes.
 */
#ifndef MEMTRACE_UNWIND_BPF_H
#define MEMTRACE_UNWIND_BPF_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "ground/event.h"
#include "ground/unwind.h"

#define UNWIND_SLOTS 8
#define UNWIND_WINDOW 2048
#define UNWIND_TRAMPOLINES 64		/* return probes that one thread is inside of, at most */
#define UNWIND_FP_REACH (1u << 20)	/* a frame pointer further up is not one */
#define UNWIND_LOWEST 4096		/* no code below */
#define UNWIND_ADDRESS_BITS 47

/* In the place of a register's address: its value is known; it cannot be known. */
enum { UNWIND_HERE, UNWIND_NOWHERE };

/* No mapping, as a rule: no kind has this number. */
#define UNWIND_NO_MAPPING (~0ULL)

struct unwind_slot {
	__u32 busy;
	__u32 limit;			/* frames */
	__u64 pc, sp, rbp, rbx;
	__u64 rbp_at, rbx_at;		/* where they were saved, or UNWIND_HERE, UNWIND_NOWHERE */
	__u64 registers;		/* of this frame as a signal found them: the ucontext; 0: not so */
	__u64 trampoline;
	struct unwind_mapping mapping;	/* of the last lookup */
	__u64 slice;			/* UNWIND_SLICE: the process's mappings */
	__u32 stale;			/* the slice may not be true any more */
	__u32 asked;			/* `mapping` is the kernel's answer, true for now only */
	__u32 missing;			/* a file without a table was met */
	__u32 pad;
	__u64 window_at, window_len;
	__u64 id;
	__u64 called;			/* 1: pc is where a call returns to */
	struct event_stack st;
	__u64 window[UNWIND_WINDOW / 8];
};

/* Two writers at once may leave the check of one and the rule of the other: folding makes that tell. */
struct unwind_remembered {
	__u64 check;			/* key ^ UNWIND_FOLD(rule) */
	__u64 rule;
};

struct unwind_mappings {
	struct unwind_mapping at[UNWIND_MAX_MAPPINGS];
};

struct unwind_rules {
	__u64 at[UNWIND_MAX_RULES];	/* struct unwind_rule */
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

/* By the pid that owns the memory. */
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

/* max_entries is set by the loader, from the memory that the tables may take. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct {
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

/* The mapping that holds pc, as an index into all mappings; -1: none. No branch in the loop depends on data. */
__noinline int unwind_find_mapping(__u32 first, __u32 n, __u64 pc)
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

/* The rule at `offset` bytes behind the address that the page entry at `pages` stands for. */
__noinline __u64 unwind_find_rule(__u32 pages, __u64 offset)
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

static long unwind_on_vma(struct task_struct *task, struct vm_area_struct *vma, struct unwind_question *q)
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

/* Puts the kernel's mapping at an address into s->mapping. 0, or what to say for a rule. */
static __always_inline __u64 unwind__ask(struct unwind_slot *s, __u64 at)
{
	struct unwind_question q = { .s = s, .at = at };
	long err;

	if (UNWIND_CAN_ASK) {
		s->asked = 1;
		s->mapping.len = 0;
		err = bpf_find_vma(bpf_get_current_task_btf(), at, unwind_on_vma, &q, 0);
		if (err == -EBUSY)	/* another thread is changing the mappings */
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
			i = unwind_find_mapping(UNWIND_SLICE_FIRST(s->slice), UNWIND_SLICE_N(s->slice), at);
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

/* Whether the code at pc is what signal handlers return to: mov $15,%rax; syscall. */
static __always_inline bool unwind__is_restorer(__u64 pc)
{
	__u64 code = 0;

	/* The first seven bytes, and the first of the system call's two. */
	return !bpf_probe_read_user(&code, sizeof(code), (void *)pc) && code == 0x0f0000000fc0c748ULL;
}

static __always_inline __u64 unwind__rule(struct unwind_slot *s)
{
	__u64 at = s->pc - s->called, rule;
	__u64 key = at | s->called << UNWIND_ADDRESS_BITS | UNWIND_SLICE_ID(s->slice) << (UNWIND_ADDRESS_BITS + 1);
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

/* ---- reading ---- */

/* The word at an address of the stack. 0, or what ends the walk. */
static __always_inline int unwind__read(struct unwind_slot *s, __u64 addr, __u64 *value)
{
	__u64 offset = addr - s->window_at;

	if (addr & 7)
		return bpf_probe_read_user(value, sizeof(*value), (void *)addr) ? STACK_UNREADABLE : 0;
	if (offset >= s->window_len) {
		/* Not across a page: the next one may not be there. */
		__u64 len = 4096 - (addr & 4095);

		barrier_var(len);
		if (len > UNWIND_WINDOW)
			len = UNWIND_WINDOW;
		barrier_var(len);	/* or 6.1's verifier loses the bound */
		s->window_len = 0;
		if (bpf_probe_read_user(s->window, len, (void *)addr))
			return STACK_UNREADABLE;
		s->window_at = addr;
		s->window_len = len;
		offset = 0;
	}
	*value = s->window[offset / 8 & (UNWIND_WINDOW / 8 - 1)];
	return 0;
}

/* Makes a register's value known. 0, or what ends the walk. */
static __always_inline int unwind__need(struct unwind_slot *s, __u64 *value, __u64 *at)
{
	int err;

	if (*at == UNWIND_HERE)
		return 0;
	if (*at == UNWIND_NOWHERE)
		return STACK_NO_CFI;
	err = unwind__read(s, *at, value);
	if (!err)
		*at = UNWIND_HERE;
	return err;
}

/* What a return probe's trampoline at the top of the stack stands for: the address that was at `place`. 0: not
 * found, which ends the walk as STACK_NO_MAPPING. */
__noinline __u64 unwind_original(__u64 place)
{
	struct uprobe_task *utask = bpf_get_current_task_btf()->utask;
	struct return_instance *ri = utask ? utask->return_instances : NULL;

	for (int i = 0; i < UNWIND_TRAMPOLINES && ri; i++) {
		if (ri->stack == place && !ri->chained)
			return ri->orig_ret_vaddr;
		ri = ri->next;
	}
	return 0;
}

static __always_inline __u64 unwind__trampoline(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct xol_area *area = task->mm ? task->mm->uprobes_state.xol_area : NULL;

	return area ? area->vaddr : 0;
}

/* ---- one frame ---- */

enum { UCONTEXT_RBP = 120, UCONTEXT_WORDS = 7 };

/* Up to the frame that a signal interrupted. */
static __always_inline int unwind__signal(struct unwind_slot *s)
{
	__u64 regs[UCONTEXT_WORDS];	/* rbp, rbx, rdx, rax, rcx, rsp, rip */

	if (bpf_probe_read_user(regs, sizeof(regs), (void *)(s->sp + UCONTEXT_RBP)))
		return STACK_UNREADABLE;
	s->registers = s->sp;
	s->rbp = regs[0];
	s->rbx = regs[1];
	s->sp = regs[5];
	s->pc = regs[6];
	s->rbp_at = s->rbx_at = UNWIND_HERE;
	s->called = 0;
	return 0;
}

/* Up by the frame pointer, where it can be one; otherwise the walk ends for the reason that led here. */
static __always_inline int unwind__guess(struct unwind_slot *s, int why)
{
	__u64 saved[2];

	if (unwind__need(s, &s->rbp, &s->rbp_at) || s->rbp < s->sp || s->rbp - s->sp > UNWIND_FP_REACH ||
	    s->rbp & 7 || bpf_probe_read_user(saved, sizeof(saved), (void *)s->rbp))
		return why;
	s->st.ev.flags |= EVENT_F_GUESSED;
	s->sp = s->rbp + sizeof(saved);
	s->rbp = saved[0];
	s->rbx_at = UNWIND_NOWHERE;
	s->registers = 0;
	s->called = 1;
	s->pc = saved[1];
	return 0;
}

static __always_inline int unwind__cfa(struct unwind_slot *s, struct unwind_rule r, __u64 *cfa)
{
	__u64 base = 0;
	int err = 0;

	switch (r.kind) {
	case UNWIND_RSP:
	case UNWIND_RSP_DEREF:
		base = s->sp;
		break;
	case UNWIND_RBP:
	case UNWIND_RBP_DEREF:
		err = unwind__need(s, &s->rbp, &s->rbp_at);
		base = s->rbp;
		break;
	case UNWIND_RBX:
		err = unwind__need(s, &s->rbx, &s->rbx_at);
		base = s->rbx;
		break;
	case UNWIND_PLT:
		*cfa = s->sp + 8 + ((s->pc - s->called & 15) >= (__u64)r.cfa ? 8 : 0);
		return 0;
	default:
		if (r.kind < UNWIND_REG || !s->registers)
			return STACK_NO_CFI;
		err = unwind__read(s, s->registers + 8 * (r.kind - UNWIND_REG), &base);
		break;
	}
	*cfa = base + r.cfa;
	if (err || (r.kind != UNWIND_RSP_DEREF && r.kind != UNWIND_RBP_DEREF))
		return err;
	err = unwind__read(s, *cfa, &base);
	*cfa = base + 8 * UNWIND_SAVED_PLUS(r.saved);
	return err;
}

/* Where the caller's rbp or rbx is, if not where it was. */
static __always_inline __u64 unwind__place(__u64 at, __u32 how, __s8 slot, __u64 cfa, __u64 rbp)
{
	switch (how) {
	case UNWIND_AT_CFA:
		return cfa + 8 * (__s64)slot;
	case UNWIND_AT_RBP:
		return rbp + 8 * (__s64)slot;
	case UNWIND_GONE:
		return UNWIND_NOWHERE;
	default:
		return at;
	}
}

static __always_inline int unwind__caller(struct unwind_slot *s, struct unwind_rule r)
{
	__u32 rbp = UNWIND_SAVED_RBP(r.saved), rbx = UNWIND_SAVED_RBX(r.saved);
	__u64 cfa, pc, base;
	int err = unwind__cfa(s, r, &cfa);

	if (err)
		return err;
	if (cfa <= s->sp)
		return STACK_BAD_SP;
	err = unwind__read(s, cfa - 8, &pc);
	if (!err && (rbp == UNWIND_AT_RBP || rbx == UNWIND_AT_RBP))
		err = unwind__need(s, &s->rbp, &s->rbp_at);
	if (err)
		return err;
	base = s->rbp;
	s->rbp_at = unwind__place(s->rbp_at, rbp, r.rbp, cfa, base);
	s->rbx_at = unwind__place(s->rbx_at, rbx, r.rbx, cfa, base);
	s->registers = 0;
	s->called = 1;
	s->sp = cfa;
	s->pc = pc;
	return 0;
}

enum { UNWIND_GO_ON = -1 };

/* Records a frame and moves to its caller. UNWIND_GO_ON, or how the walk ended (enum stack_end). */
static __always_inline int unwind__step(struct unwind_slot *s)
{
	union {
		__u64 word;
		struct unwind_rule rule;
	} r;
	__u32 n = s->st.n;
	int err;

	if (!s->pc)
		return STACK_COMPLETE;	/* who made this stack put a zero where the first return address would be */
	if (s->pc == s->trampoline && s->called)
		s->pc = unwind_original(s->sp - 8);
	if (s->pc < UNWIND_LOWEST || s->pc >> UNWIND_ADDRESS_BITS)
		return STACK_NO_MAPPING;
	if (n >= s->limit || n >= EVENT_MAX_FRAMES)
		return STACK_LIMIT;
	s->st.pc[n] = s->pc + 1 - s->called;
	s->st.n = n + 1;
	s->id = unwind__mix(s->id, s->pc);
	r.word = unwind__rule(s);
	if (r.word == UNWIND_NO_MAPPING) {
		err = unwind__guess(s, STACK_NO_MAPPING);
	} else {
		switch (r.rule.kind) {
		case UNWIND_NONE:
			err = unwind__guess(s, STACK_NO_CFI);
			break;
		case UNWIND_BOTTOM:
			return STACK_COMPLETE;
		case UNWIND_SIGNAL:
			err = unwind__signal(s);
			break;
		case UNWIND_LOST:
			return STACK_NO_TABLE;
		default:
			err = unwind__caller(s, r.rule);
			break;
		}
	}
	return err ? err : UNWIND_GO_ON;
}

/* Two frames. 0: there is more. */
__noinline int unwind_step(__u32 slot)
{
	struct unwind_slot *s = bpf_map_lookup_elem(&unwind_slots, &slot);
	int end;

	if (!s)
		return 1;
	end = unwind__step(s);
	if (end == UNWIND_GO_ON)
		end = unwind__step(s);
	if (end == UNWIND_GO_ON)
		return 0;
	s->st.end = end;
	return 1;
}

/* ---- what probes call ---- */

/* A buffer of this CPU; its number goes to *slot. NULL: all are taken by programs that were preempted. */
static __always_inline struct unwind_slot *unwind__get(__u32 *slot)
{
	for (__u32 i = 0; i < UNWIND_SLOTS; i++) {
		__u32 k = i;
		struct unwind_slot *s = bpf_map_lookup_elem(&unwind_slots, &k);

		if (!s)
			return NULL;
		if (!__sync_lock_test_and_set(&s->busy, 1)) {
			*slot = i;
			return s;
		}
	}
	return NULL;
}

static __always_inline void unwind__put(struct unwind_slot *s)
{
	__sync_lock_test_and_set(&s->busy, 0);
}

/*
 * Walks from these registers, those of a place that has just returned from a call or a system call, and fills s->st (n,
 * end, pc, ev.flags, id). pid: the process that owns the memory. seed: what else makes its addresses mean what they do; the
 * high half is the epoch, a number that changes whenever its mapped files do. Returns the id, never 0: it hashes
 * pid, seed, frames and end, so that two of k stacks share one with a probability of k * k / 2^65.
 */
static __always_inline __u64 unwind__walk(struct unwind_slot *s, __u32 slot, __u32 pid, __u64 seed, __u32 limit,
					  __u64 pc, __u64 sp, __u64 rbp, __u64 rbx)
{
	struct unwind_process *p = bpf_map_lookup_elem(&unwind_processes, &pid);
	__u64 check;
	__u32 epoch;

	s->st.n = 0;
	s->st.ev.flags = 0;
	s->id = unwind__mix(seed, pid);
	s->limit = limit;
	s->pc = pc;
	s->sp = sp;
	s->rbp = rbp;
	s->rbx = rbx;
	s->rbp_at = s->rbx_at = UNWIND_HERE;
	s->registers = 0;
	s->called = 1;
	s->mapping.len = 0;
	s->window_len = 0;
	s->missing = s->asked = 0;
	s->slice = p ? p->slice : 0;
	check = p ? p->check ^ UNWIND_FOLD(s->slice) : 0;
	if ((__u32)check != pid)
		s->slice = check = 0;
	epoch = check >> 32;
	s->stale = epoch && epoch != (__u32)(seed >> 32) + 1 && UNWIND_CAN_ASK;
	s->trampoline = unwind__trampoline();
	for (int i = 0; i < (EVENT_MAX_FRAMES + 2) / 2; i++)
		if (unwind_step(slot))
			break;
	s->id = unwind__mix(s->id, (__u64)s->st.n << 32 | (__u32)s->st.ev.flags << 8 | s->st.end);
	s->st.id = s->id ? s->id : 1;
	return s->st.id;
}

/* The process has a new program: nothing is known of it until it is told again. Also where it ends. */
static __always_inline void unwind__forget(__u32 pid)
{
	bpf_map_delete_elem(&unwind_processes, &pid);
}

/* A child with a copy of its parent's memory. */
static __always_inline void unwind__fork(__u32 parent, __u32 child)
{
	struct unwind_process *p = bpf_map_lookup_elem(&unwind_processes, &parent), copy;

	if (!p)
		return;
	copy = *p;
	copy.check ^= parent ^ child;
	bpf_map_update_elem(&unwind_processes, &child, &copy, BPF_ANY);
}

/* The same from a function's entry, where the return address is still at the stack pointer. */
static __always_inline __u64 unwind__walk_entry(struct unwind_slot *s, __u32 slot, __u32 pid, __u64 seed, __u32 limit,
						__u64 sp, __u64 rbp, __u64 rbx)
{
	__u64 pc = 0;

	bpf_probe_read_user(&pc, sizeof(pc), (void *)sp);
	return unwind__walk(s, slot, pid, seed, limit, pc, sp + 8, rbp, rbx);
}

#endif

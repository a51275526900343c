/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks up a user stack without frame pointers, by the tables of abi/unwind.h.
 *
 * A frame is a pc, a stack pointer, and what is known about rbp and rbx. The rule for the pc gives
 * the stack pointer of the caller (the CFA), and the word below it is the return address. For rbp
 * and rbx, the walk carries the place where they were saved, and reads it only when a rule asks for
 * them, which most never do.
 *
 * A return address is looked up one byte earlier: the call may be its function's last instruction.
 * An address that a signal interrupted is looked up as it is, and recorded one byte later, so that
 * for each recorded pc, "pc - 1" is in the instruction that is being executed.
 *
 * Return probes replace return addresses by that of a trampoline. The kernel keeps the originals,
 * which are found by the place on the stack that they were taken from.
 *
 * Code without CFI is passed by its frame pointer where that is plausible, and the record says so.
 * Go's code keeps frame pointers, which lead from a thread's stack to a goroutine's and back.
 *
 * What makes it fast: rules are cached by pc (unwind_find.bpf.h), the stack is read through a
 * window that never crosses a page, and rbp is read lazily.
 *
 * Uprobe programs can be preempted, so that two walks would share one buffer per CPU: each CPU has
 * a few slots, taken by atomic exchange. Loop bodies are global functions, which the verifier
 * checks once and on their own; with everything inlined the number of states explodes.
 */
#ifndef MEMTRACE_UNWIND_BPF_H
#define MEMTRACE_UNWIND_BPF_H

#include "unwind_find.bpf.h"

/* ---- reading ---- */

/* Reads a word of the stack. Returns 0, or how the walk ends. */
static __always_inline int unwind__read(struct unwind_slot *s, __u64 addr, __u64 *value)
{
	__u64 offset = addr - s->window_at;

	if (addr & 7)
		return bpf_probe_read_user(value, sizeof(*value), (void *)addr) ? STACK_UNREADABLE
										: 0;
	if (offset >= s->window_len) {
		/* Does not cross a page: the next one may not be mapped. */
		__u64 len = 4096 - (addr & 4095);

		barrier_var(len);
		if (len > UNWIND_WINDOW)
			len = UNWIND_WINDOW;
		barrier_var(len); /* or the verifier of 6.1 loses the bound */
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

/* Reads a register's value if need be. Returns 0, or how the walk ends. */
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

/* Returns the return address that a return probe replaced at `place` by its trampoline. 0: not
 * found, which ends the walk as STACK_NO_MAPPING. */
GLOBAL_FUNC __u64 unwind_original(__u64 place)
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

/* Moves up to the frame that a signal interrupted. */
static __always_inline int unwind__signal(struct unwind_slot *s)
{
	__u64 regs[UCONTEXT_WORDS]; /* rbp, rbx, rdx, rax, rcx, rsp, rip */

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

/* Moves up by the frame pointer, if it can be one; otherwise the walk ends for the reason `why`. */
static __always_inline int unwind__guess(struct unwind_slot *s, int why)
{
	__u64 saved[2];

	if (unwind__need(s, &s->rbp, &s->rbp_at) || s->rbp < s->sp ||
	    s->rbp - s->sp > UNWIND_FP_REACH || s->rbp & 7 ||
	    bpf_probe_read_user(saved, sizeof(saved), (void *)s->rbp))
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

/*
 * Moves up by Go's frame pointer. Where Go called C, it leads from the thread's stack to the
 * goroutine's, and where C called Go, back. Such steps are counted, since a program may have put
 * anything there.
 */
static __always_inline int unwind__go(struct unwind_slot *s)
{
	__u64 saved, pc, at;
	int err = unwind__need(s, &s->rbp, &s->rbp_at);

	at = s->rbp;
	if (err)
		return err;
	if (!at) {
		s->pc = 0; /* ends the walk as complete */
		return 0;
	}
	if (at & 7 || (at - s->sp > UNWIND_FP_REACH && s->switches++ >= UNWIND_SWITCHES))
		return STACK_BAD_SP;
	err = unwind__read(s, at, &saved);
	if (!err)
		err = unwind__read(s, at + 8, &pc);
	if (err)
		return err;
	s->sp = at + 16;
	s->rbp = saved;
	s->rbx_at = UNWIND_NOWHERE;
	s->registers = 0;
	s->called = 1;
	s->pc = pc;
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

/* Returns where the caller's rbp or rbx is, if not where it was. */
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

/* Records a frame and moves to its caller. Returns UNWIND_GO_ON, or how the walk ended (enum
 * stack_end). */
static __always_inline int unwind__frame(struct unwind_slot *s)
{
	union {
		__u64 word;
		struct unwind_rule rule;
	} r;
	__u32 n = s->st.n;
	int err;

	if (!s->pc)
		return STACK_COMPLETE; /* whatever made this stack put a zero in place of the
					* first return address */
	if (s->pc == s->trampoline && s->called)
		s->pc = unwind_original(s->sp - 8);
	if (s->pc < UNWIND_LOWEST || s->pc >> UNWIND_ADDRESS_BITS)
		return STACK_NO_MAPPING;
	if (n >= s->limit || n >= EVENT_MAX_FRAMES)
		return STACK_LIMIT;
	s->st.pc[n] = s->pc + 1 - s->called;
	s->st.n = n + 1;
	s->id = unwind__mix(s->id, s->pc);
	r.word = unwind__cached_rule(s);
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
		case UNWIND_GO:
			err = unwind__go(s);
			break;
		default:
			err = unwind__caller(s, r.rule);
			break;
		}
	}
	return err ? err : UNWIND_GO_ON;
}

/* Walks two frames. Returns 0 if there are more. */
GLOBAL_FUNC int unwind_two_frames(__u32 slot)
{
	struct unwind_slot *s = bpf_map_lookup_elem(&unwind_slots, &slot);
	int end;

	if (!s)
		return 1;
	end = unwind__frame(s);
	if (end == UNWIND_GO_ON)
		end = unwind__frame(s);
	if (end == UNWIND_GO_ON)
		return 0;
	s->st.end = end;
	return 1;
}

/* ---- interface for probes ---- */

/* Takes a buffer of this CPU; its number goes to *slot. NULL: programs that were preempted have
 * them all. */
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
 * Walks from these registers, as they are after the return from a call or a system call, and fills
 * s->st (n, end, pc, ev.flags, id). pid: the process that owns the memory. seed: whatever else the
 * meaning of an address depends on; its high half is the epoch, a number that changes whenever the
 * process's mapped files do. Returns the ID, never 0: it hashes pid, seed, frames and end, so that
 * two of k stacks share one with a probability of k * k / 2^65.
 */
static __always_inline __u64 unwind__walk(struct unwind_slot *s, __u32 slot, __u32 pid, __u64 seed,
					  __u32 limit, __u64 pc, __u64 sp, __u64 rbp, __u64 rbx)
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
	s->missing = s->asked = s->switches = 0;
	s->slice = p ? p->slice : 0;
	check = p ? p->check ^ UNWIND_FOLD(s->slice) : 0;
	if ((__u32)check != pid)
		s->slice = check = 0;
	epoch = check >> 32;
	s->stale = epoch && epoch != (__u32)(seed >> 32) + 1 && UNWIND_CAN_ASK;
	s->trampoline = unwind__trampoline();
	for (int i = 0; i < (EVENT_MAX_FRAMES + 2) / 2; i++)
		if (unwind_two_frames(slot))
			break;
	s->id = unwind__mix(s->id, (__u64)s->st.n << 32 | (__u32)s->st.ev.flags << 8 | s->st.end);
	s->st.id = s->id ? s->id : 1;
	return s->st.id;
}

/* Forgets a process's mappings: it runs a new program, or ended. */
static __always_inline void unwind__forget(__u32 pid)
{
	bpf_map_delete_elem(&unwind_processes, &pid);
}

/* Gives a child the mappings of its parent, whose memory it copied. */
static __always_inline void unwind__fork(__u32 parent, __u32 child)
{
	struct unwind_process *p = bpf_map_lookup_elem(&unwind_processes, &parent), copy;

	if (!p)
		return;
	copy = *p;
	copy.check ^= parent ^ child;
	bpf_map_update_elem(&unwind_processes, &child, &copy, BPF_ANY);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restores a collector from the pieces that another one saved. Pieces are not trusted: numbers that
 * are used as indices (sites, kinds, pids) are checked, plain counts are taken as they are.
 */
#include "collect/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/accounting.h"
#include "collect/ended_processes.h"
#include "collect/folded_processes.h"
#include "collect/process.h"

static void take_numbers(struct cursor *c, void *to, const struct number *n, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *at = (char *)to + n[i].offset;

		if (n[i].small)
			*(uint32_t *)at = (uint32_t)codec__take(c);
		else
			*(uint64_t *)at = codec__take(c);
	}
}

/* 0 or a negative errno; *out may be NULL then as well. */
static int take_cohorts(struct cursor *in, struct cohorts **out)
{
	*out = NULL;
	if (!(codec__take(in) & 1))
		return 0;
	*out = cohorts__load(in);
	return *out ? 0 : -errno;
}

static int take_older_frees(struct cursor *in, struct older_frees **out)
{
	struct cohorts *all;
	int err = take_cohorts(in, &all);

	*out = all ? older_frees__of(all) : NULL;
	return all && !*out ? -errno : err;
}

static int take_activity(struct cursor *in, struct activity **out)
{
	if (!(codec__take(in) & 1))
		return 0;
	*out = activity__load(in);
	return *out ? 0 : -errno;
}

/* The process that pieces belong to: the last one, if it has not ended yet. */
static struct process *current_process(struct collector *c)
{
	struct process *p = c->nprocesses ? c->processes[c->nprocesses - 1] : NULL;

	return p && !p->exited ? p : NULL;
}

static int restore_totals(struct collector *c, struct cursor *in)
{
	take_numbers(in, c, totals, ARRAY_SIZE(totals));
	for (int kind = 0; kind < API_KINDS; kind++)
		for (int end = 0; end < STACK_ENDS + 2; end++)
			c->gone_ends[kind][end] = codec__take(in);
	if (cursor__left(in)) /* not in older recordings */
		c->disinherited = codec__take(in);
	if (cursor__left(in)) { /* nor these */
		c->limited_blocks = codec__take(in);
		c->limited_stacks = codec__take(in);
	}
	return 0;
}

static int restore_allocators(struct collector *c, struct cursor *in)
{
	uint64_t module = codec__take(in), lo = codec__take(in), hi = codec__take(in);

	if (module >= FRAME_NO_MODULE)
		return -EINVAL;
	return collector__add_allocator(c, (uint32_t)module, lo, hi);
}

static int restore_stacks(struct collector *c, struct cursor *in)
{
	_Alignas(
	    struct stack) char buf[sizeof(struct stack) + EVENT_MAX_FRAMES * sizeof(struct frame)];
	struct stack *st = (struct stack *)buf;
	uint8_t how;
	int err;

	*st = (struct stack){ .id = codec__take(in) };
	st->pid = (uint32_t)codec__take(in);
	how = (uint8_t)codec__take(in);
	st->end = STACK_HOW_END(how);
	st->guessed = STACK_HOW_GUESSED(how);
	st->n = (uint16_t)codec__take(in);
	if (!st->id || st->end >= STACK_ENDS || st->n > EVENT_MAX_FRAMES)
		return -EINVAL;
	for (unsigned int i = 0; i < st->n; i++) {
		st->frames[i].module = (uint32_t)codec__take(in);
		st->frames[i].pc = codec__take(in);
		st->frames[i].offset = codec__take(in);
	}
	err = stacks__add(c->stacks, st);
	return err < 0 ? err : 0;
}

static int restore_stack_aliases(struct collector *c, struct cursor *in)
{
	_Alignas(
	    struct stack) char buf[sizeof(struct stack) + EVENT_MAX_FRAMES * sizeof(struct frame)];
	struct stack *copy = (struct stack *)buf;
	uint64_t id = codec__take(in);
	const struct stack *st = stacks__get(c->stacks, codec__take(in));
	int err;

	if (!st || !id)
		return -EINVAL;
	memcpy(copy, st, sizeof(*st) + st->n * sizeof(st->frames[0]));
	copy->id = id;
	err = stacks__add(c->stacks, copy);
	return err < 0 ? err : 0;
}

static void forget_wholes(struct collector *c)
{
	hashmap__free(c->wholes);
	c->wholes = NULL;
}

static int restore_process(struct collector *c, struct cursor *in)
{
	struct process_facts f = { .pid = (uint32_t)codec__take(in) };
	uint32_t before = c->nprocesses;
	const void *comm;
	char *exe, *container, *unprobed = NULL;
	uint64_t size;
	int err;

	forget_wholes(c);
	f.first_seen = codec__take(in);
	f.named = codec__take(in) & 1;
	comm = cursor__take(in, sizeof(f.comm));
	if (comm)
		memcpy(f.comm, comm, sizeof(f.comm));
	f.exe = exe = codec__take_string(in);
	f.container = container = codec__take_string(in);
	size = codec__take(in);
	if (cursor__left(in)) /* not in older recordings */
		f.unprobed = unprobed = codec__take_string(in);
	if (cursor__left(in))
		f.age = codec__take(in);
	if (!f.pid)
		f.pid = FOLDED_PID;
	err = collect_process__set(c, &f);
	free(exe);
	free(container);
	free(unprobed);
	if (!err && c->nprocesses != before + 1)
		err = -EINVAL; /* another living one has its pid */
	if (!err && size > RECENT_FREES_MAX)
		err = -EINVAL;
	if (!err)
		recent_frees__grow(&current_process(c)->recent_frees, size);
	return err;
}

/* The set is as large as it was, so addresses go to the slots that they were in. */
static int restore_recent_frees(struct collector *c, struct cursor *in)
{
	struct process *p = current_process(c);
	uint64_t addr = codec__take(in);

	if (!p || !addr || !p->recent_frees.size)
		return -EINVAL;
	recent_frees__add(&p->recent_frees, addr);
	return 0;
}

static int take_judgement(struct cursor *in, struct judgement **out)
{
	if (!(codec__take(in) & 1))
		return 0;
	*out = malloc(sizeof(**out));
	return *out ? judge__load(in, *out) : -ENOMEM;
}

static int restore_sites(struct collector *c, struct cursor *in)
{
	struct process *p = current_process(c);
	struct site s = { 0 };
	uint64_t kind = codec__take(in), api = codec__take(in);
	int err;

	s.kind = (uint8_t)kind;
	s.api = (uint8_t)api;
	s.map_flags = (uint16_t)codec__take(in);
	take_numbers(in, &s, site_numbers, ARRAY_SIZE(site_numbers));
	s.aged_parts = codec__take_double(in);
	if (!p || kind >= API_KINDS || api > UINT8_MAX || in->bad)
		return -EINVAL;
	err = take_cohorts(in, &s.cohorts);
	if (!err)
		err = take_judgement(in, &s.left);
	if (!err)
		err = accounting__restore_site(p, &s);
	if (err) {
		free(s.cohorts);
		free(s.left);
	}
	return err;
}

/* Each is stored as the difference from the one before it, of the same site and piece. */
static int restore_blocks(struct collector *c, struct cursor *in)
{
	uint64_t addr = 0, birth = 0, site, last = UINT64_MAX;
	struct process *p = current_process(c);
	struct block b, old;
	int err = 0;

	while (p && !err && cursor__left(in)) {
		site = codec__take(in);
		if (site != last)
			addr = birth = 0;
		last = site;
		b.addr = addr += codec__unfold(codec__take(in));
		b.size = codec__take(in);
		b.birth = birth += codec__unfold(codec__take(in));
		b.chain = codec__take(in);
		b.site = (uint32_t)site;
		if (in->bad || (site != SITE_HIDDEN && site >= p->nsites))
			return -EINVAL;
		err = heap__put(p->heap, &b, &old);
		err = err > 0 ? -EINVAL : err;
	}
	return p ? err : -EINVAL;
}

static int restore_inherited(struct collector *c, struct cursor *in)
{
	struct process *p = current_process(c);
	struct heap *heap = p ? heap__new() : NULL;
	struct block b = { 0 }, old;
	int err = !p ? -EINVAL : !heap ? -ENOMEM : 0;

	while (!err && cursor__left(in)) {
		b.addr += codec__unfold(codec__take(in));
		b.size = codec__take(in);
		b.birth = codec__take(in);
		b.chain = codec__take(in);
		err = in->bad ? -EINVAL : heap__put(heap, &b, &old);
		err = err > 0 ? -EINVAL : err;
	}
	if (!err)
		return inherited__add(&p->inherited, heap, &c->inherited);
	heap__free(heap);
	return err;
}

static int restore_ranges(struct collector *c, struct cursor *in)
{
	struct process *p = current_process(c);
	uint64_t site, base, shared;
	struct whole *whole = NULL;
	struct range r = { 0 };
	int err;

	r.start = codec__take(in);
	r.end = codec__take(in);
	r.birth = codec__take(in);
	site = codec__take(in);
	r.site = site ? (uint32_t)(site - 1) : RANGE_ALLOCATOR;
	r.flags = (uint32_t)codec__take(in);
	base = codec__take(in);
	shared = codec__take(in);
	if (!p || in->bad || (site > SITE_HIDDEN + 1 && site > p->nsites))
		return -EINVAL;
	if (shared && !c->wholes)
		c->wholes = hashmap__new();
	if (shared && !c->wholes)
		return -ENOMEM;
	if (shared)
		whole = hashmap__get_ptr(c->wholes, shared);
	err = ranges__put_back(p->ranges, &r, base, shared, &whole);
	return !err && shared ? hashmap__set_ptr(c->wholes, shared, whole) : err;
}

static int restore_process_end(struct collector *c, struct cursor *in)
{
	struct process *p = current_process(c);
	bool exited = codec__take(in) & 1, pending = codec__take(in) & 1;
	uint64_t folds = 0, what;
	int err;

	forget_wholes(c);
	if (!p || p->older || p->work)
		return -EINVAL;
	take_numbers(in, p, process_numbers, ARRAY_SIZE(process_numbers));
	err = take_older_frees(in, &p->older);
	if (!err && cursor__left(in)) /* older states do not have it */
		p->status = (int)codec__take_up_to(in, UINT16_MAX + 1u) - 1;
	if (!err && cursor__left(in)) /* nor this */
		err = take_activity(in, &p->work);
	if (!err && cursor__left(in)) /* nor this */
		folds = codec__take(in);
	if (!err && cursor__left(in)) { /* nor these */
		what = codec__take(in);
		p->whole = what & SAVED_WHOLE;
		p->inheritance_lost = what & SAVED_INHERITANCE_LOST;
		p->unstored = what & SAVED_UNSTORED;
		p->unseen_frees = codec__take(in);
		p->inherited_frees = codec__take(in);
	}
	if (!err && (p->pid == FOLDED_PID) != (exited && folds))
		err = -EINVAL;
	if (!err && exited)
		collect_process__retire(p, p->ended);
	p->folded = exited && !pending && !p->named;
	if (err || !exited)
		return err;
	if (folds)
		return folded_processes__restore(p, folds);
	if (pending)
		ended_processes__add(p);
	else if (!p->named)
		folded_processes__ended(c);
	return 0;
}

/* Each reads one thing of its kind, or all, from the rest of a piece. */
static int (*const restorers[PIECES])(struct collector *c, struct cursor *in) = {
	[PIECE_TOTALS] = restore_totals,       [PIECE_ALLOCATORS] = restore_allocators,
	[PIECE_STACKS] = restore_stacks,       [PIECE_ALIASES] = restore_stack_aliases,
	[PIECE_PROCESS] = restore_process,     [PIECE_RECENT_FREES] = restore_recent_frees,
	[PIECE_SITES] = restore_sites,	       [PIECE_BLOCKS] = restore_blocks,
	[PIECE_RANGES] = restore_ranges,       [PIECE_PROCESS_END] = restore_process_end,
	[PIECE_INHERITED] = restore_inherited,
};

int collector__restore(struct collector *c, struct cursor *piece)
{
	uint64_t kind = codec__take(piece);
	int err = 0;

	if (piece->bad || kind >= PIECES)
		return -EINVAL;
	while (!err && cursor__left(piece)) {
		err = restorers[kind](c, piece);
		if (!err && piece->bad)
			err = -EINVAL;
	}
	return err;
}

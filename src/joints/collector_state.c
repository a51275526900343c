/*
 * A collector's state in pieces, and out of them again. A piece begins with its kind; what belongs to a
 * process follows the process. Nothing here trusts a piece: numbers that lead anywhere (sites, kinds, pids)
 * are checked, counts are taken as they are.
 */
#include "joints/collector_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ground/codec.h"
#include "ground/util.h"
#include "model/intervals.h"

#define PIECE_BYTES (64u << 10)

enum piece {
	PIECE_TOTALS,
	PIECE_ALLOCATORS,
	PIECE_STACKS,		/* each before its other names */
	PIECE_NAMES,		/* of stacks that have several */
	PIECE_PROCESS,
	PIECE_SITES,		/* of the process before, as all that follows */
	PIECE_BLOCKS,
	PIECE_RANGES,
	PIECE_LIFE,		/* whether it lives; its last piece */
	PIECES
};

/* ---- saving ---- */

struct saving {
	const struct collector *c;
	void (*give)(void *ctx, const struct strbuf *sb);
	void *ctx;
	struct strbuf sb;
	int err;
};

static void give(struct saving *s)
{
	if (s->sb.error)
		s->err = s->sb.error;
	else if (s->sb.len)
		s->give(s->ctx, &s->sb);
	strbuf__reset(&s->sb);
}

/* The next thing of its kind may begin: in a new piece, where the one before is of another or full. */
static void room(struct saving *s, enum piece kind)
{
	if (s->sb.len && (s->sb.len >= PIECE_BYTES || s->sb.data[0] != (char)kind))
		give(s);
	if (!s->sb.len)
		strbuf__addc(&s->sb, (char)kind);
}

/* Fields that are plain numbers, both ways. */
struct number {
	size_t offset;
	bool small;		/* 32 bits; otherwise 64 */
};

#define N64(type, member) { offsetof(struct type, member), false }
#define N32(type, member) { offsetof(struct type, member), true }

static const struct number totals[] = {
	N64(collector, live_bytes[API_HEAP]), N64(collector, live_bytes[API_MAP]),
	N64(collector, peak_bytes[API_HEAP]), N64(collector, peak_bytes[API_MAP]),
	N64(collector, events), N64(collector, bad_events), N64(collector, lost_table),
	N64(collector, superseded), N64(collector, stack_collisions), N64(collector, now),
	N64(collector, told_at), N64(collector, told_bytes), N64(collector, told_allocs),
	N64(collector, told_frees), N64(collector, marked),
};

static const struct number process_numbers[] = {
	N64(process, ended), N64(process, allocs), N64(process, frees), N64(process, alloc_bytes),
	N64(process, free_bytes), N64(process, unmatched_frees), N64(process, allocator_bytes),
	N64(process, mapped_bytes), N64(process, live_bytes[API_HEAP]), N64(process, live_bytes[API_MAP]),
};

static const struct number site_numbers[] = {
	N64(site, stack), N64(site, live_bytes), N64(site, live_blocks), N64(site, allocs),
	N64(site, frees), N64(site, alloc_bytes), N64(site, told_bytes), N64(site, told_allocs),
	N64(site, aged_bytes), N64(site, aged_blocks), N64(site, oldest), N64(site, newest),
	N64(site, map_addr), N64(site, mark_bytes), N64(site, mark_blocks),
};

static void put_numbers(struct strbuf *sb, const void *from, const struct number *n, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *at = (const char *)from + n[i].offset;

		codec__put(sb, n[i].small ? *(const uint32_t *)at : *(const uint64_t *)at);
	}
}

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

static void put_cohorts(struct strbuf *sb, const struct cohorts *c)
{
	codec__put(sb, c != NULL);
	if (c)
		cohorts__save(c, sb);
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

static void save_allocators(struct saving *s)
{
	uint64_t image;
	uintptr_t known;
	size_t pos = 0;

	while (hashmap__next(s->c->allocators, &pos, &image, &known)) {
		const struct intervals *code = (const struct intervals *)known;

		for (size_t i = 0; i < code->n; i++) {
			room(s, PIECE_ALLOCATORS);
			codec__put(&s->sb, image);
			codec__put(&s->sb, code->at[i].lo);
			codec__put(&s->sb, code->at[i].hi);
		}
	}
}

static void save_stacks(struct saving *s)
{
	const struct stack *st;
	size_t pos = 0;
	uint64_t id;

	while (stacks__next(s->c->stacks, &pos, &id, &st)) {
		if (id != st->id)
			continue;
		room(s, PIECE_STACKS);
		codec__put(&s->sb, st->id);
		codec__put(&s->sb, st->pid);
		codec__put(&s->sb, st->end);
		codec__put(&s->sb, st->n);
		for (unsigned int i = 0; i < st->n; i++) {
			codec__put(&s->sb, st->frames[i].image);
			codec__put(&s->sb, st->frames[i].pc);
			codec__put(&s->sb, st->frames[i].offset);
		}
	}
	for (pos = 0; stacks__next(s->c->stacks, &pos, &id, &st);) {
		if (id == st->id)
			continue;
		room(s, PIECE_NAMES);
		codec__put(&s->sb, id);
		codec__put(&s->sb, st->id);
	}
}

static void save_sites(struct saving *s, const struct process *p)
{
	for (uint32_t i = SITE_HIDDEN + 1; i < p->nsites; i++) {
		const struct site *site = &p->sites[i];

		room(s, PIECE_SITES);
		codec__put(&s->sb, site->kind);
		codec__put(&s->sb, site->api);
		codec__put(&s->sb, site->map_flags);
		put_numbers(&s->sb, site, site_numbers, ARRAY_SIZE(site_numbers));
		codec__put_double(&s->sb, site->aged_parts);
		put_cohorts(&s->sb, site->cohorts);
	}
}

/* By site and age, as their lists are made again. */
static void save_blocks(struct saving *s, const struct process *p)
{
	struct block b;

	for (uint32_t i = SITE_HIDDEN; i == SITE_HIDDEN || i < p->nsites; i++) {
		uint64_t addr = 0, birth = 0;
		uint32_t cursor = 0;

		while (heap__site_next(p->heap, i, &cursor, &b)) {
			room(s, PIECE_BLOCKS);
			if (s->sb.len == 1)
				addr = birth = 0;	/* a piece stands alone */
			codec__put(&s->sb, i);
			codec__put(&s->sb, codec__fold(b.addr - addr));
			codec__put(&s->sb, b.size);
			codec__put(&s->sb, codec__fold(b.birth - birth));
			codec__put(&s->sb, b.chain);
			addr = b.addr;
			birth = b.birth;
		}
	}
}

static void save_ranges(struct saving *s, const struct process *p)
{
	const struct whole *whole;
	size_t cursor = 0;
	struct range r;
	uint64_t base;

	while (ledger__next_piece(p->ledger, &cursor, &r, &base, &whole)) {
		room(s, PIECE_RANGES);
		codec__put(&s->sb, r.start);
		codec__put(&s->sb, r.end);
		codec__put(&s->sb, r.birth);
		codec__put(&s->sb, r.site == LEDGER_ALLOCATOR ? 0 : (uint64_t)r.site + 1);
		codec__put(&s->sb, r.flags);
		codec__put(&s->sb, base);
		codec__put(&s->sb, (uintptr_t)whole);
	}
}

static void save_process(struct saving *s, const struct process *p)
{
	room(s, PIECE_PROCESS);
	codec__put(&s->sb, p->pid);
	codec__put(&s->sb, p->first_seen);
	codec__put(&s->sb, p->named);
	strbuf__add(&s->sb, p->comm, sizeof(p->comm));
	codec__put_string(&s->sb, p->exe);
	codec__put_string(&s->sb, p->container);
	for (size_t i = 0; i < ARRAY_SIZE(p->freed); i++)
		codec__put(&s->sb, p->freed[i]);
	give(s);
	save_sites(s, p);
	if (!p->exited) {
		save_blocks(s, p);
		save_ranges(s, p);
	}
	room(s, PIECE_LIFE);
	codec__put(&s->sb, p->exited);
	put_numbers(&s->sb, p, process_numbers, ARRAY_SIZE(process_numbers));
	put_cohorts(&s->sb, p->older);
	give(s);
}

int collector__save(const struct collector *c, void (*piece)(void *ctx, const struct strbuf *sb), void *ctx)
{
	struct saving s = { .c = c, .give = piece, .ctx = ctx };

	save_allocators(&s);
	save_stacks(&s);
	for (uint32_t i = 0; i < c->nprocesses; i++)
		save_process(&s, c->processes[i]);
	/* Last: the rest changes some of them. */
	room(&s, PIECE_TOTALS);
	put_numbers(&s.sb, c, totals, ARRAY_SIZE(totals));
	give(&s);
	strbuf__free(&s.sb);
	return s.err;
}

/* ---- restoring ---- */

/* The process that pieces are about: the last that came, and alive so far. */
static struct process *current(struct collector *c)
{
	struct process *p = c->nprocesses ? c->processes[c->nprocesses - 1] : NULL;

	return p && !p->exited ? p : NULL;
}

static int restore_totals(struct collector *c, struct cursor *in)
{
	take_numbers(in, c, totals, ARRAY_SIZE(totals));
	return 0;
}

static int restore_allocators(struct collector *c, struct cursor *in)
{
	uint64_t image = codec__take(in), lo = codec__take(in), hi = codec__take(in);

	if (image >= FRAME_NO_IMAGE)
		return -EINVAL;
	return collector__add_allocator(c, (uint32_t)image, lo, hi);
}

static int restore_stacks(struct collector *c, struct cursor *in)
{
	_Alignas(struct stack) char buf[sizeof(struct stack) + EVENT_MAX_FRAMES * sizeof(struct frame)];
	struct stack *st = (struct stack *)buf;
	int err;

	*st = (struct stack){ .id = codec__take(in) };
	st->pid = (uint32_t)codec__take(in);
	st->end = (uint8_t)codec__take(in);
	st->n = (uint16_t)codec__take(in);
	if (!st->id || st->end >= STACK_ENDS || st->n > EVENT_MAX_FRAMES)
		return -EINVAL;
	for (unsigned int i = 0; i < st->n; i++) {
		st->frames[i].image = (uint32_t)codec__take(in);
		st->frames[i].pc = codec__take(in);
		st->frames[i].offset = codec__take(in);
	}
	err = stacks__add(c->stacks, st);
	return err < 0 ? err : 0;
}

static int restore_names(struct collector *c, struct cursor *in)
{
	_Alignas(struct stack) char buf[sizeof(struct stack) + EVENT_MAX_FRAMES * sizeof(struct frame)];
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
	char *exe, *container;
	int err;

	forget_wholes(c);
	f.first_seen = codec__take(in);
	f.named = codec__take(in) & 1;
	comm = codec__take_bytes(in, sizeof(f.comm));
	if (comm)
		memcpy(f.comm, comm, sizeof(f.comm));
	f.exe = exe = codec__take_string(in);
	f.container = container = codec__take_string(in);
	err = f.pid ? process__set(c, &f) : -EINVAL;
	free(exe);
	free(container);
	if (!err && c->nprocesses != before + 1)
		err = -EINVAL;	/* its pid is another living one's */
	for (size_t i = 0; !err && i < ARRAY_SIZE(current(c)->freed); i++)
		current(c)->freed[i] = codec__take(in);
	return err;
}

static int restore_sites(struct collector *c, struct cursor *in)
{
	struct process *p = current(c);
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
		err = book__restore_site(p, &s);
	if (err)
		free(s.cohorts);
	return err;
}

/* Each is told by its distance from the one before it, of the same site and piece. */
static int restore_blocks(struct collector *c, struct cursor *in)
{
	uint64_t addr = 0, birth = 0, site, last = UINT64_MAX;
	struct process *p = current(c);
	struct block b, old;
	int err = 0;

	while (p && !err && codec__left(in)) {
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

static int restore_ranges(struct collector *c, struct cursor *in)
{
	struct process *p = current(c);
	uint64_t site, base, shared;
	struct whole *whole = NULL;
	struct range r = { 0 };
	uintptr_t known;
	int err;

	r.start = codec__take(in);
	r.end = codec__take(in);
	r.birth = codec__take(in);
	site = codec__take(in);
	r.site = site ? (uint32_t)(site - 1) : LEDGER_ALLOCATOR;
	r.flags = (uint32_t)codec__take(in);
	base = codec__take(in);
	shared = codec__take(in);
	if (!p || in->bad || (site > SITE_HIDDEN + 1 && site > p->nsites))
		return -EINVAL;
	if (shared && !c->wholes)
		c->wholes = hashmap__new();
	if (shared && !c->wholes)
		return -ENOMEM;
	if (shared && hashmap__get(c->wholes, shared, &known))
		whole = (struct whole *)known;
	err = ledger__put_back(p->ledger, &r, base, shared, &whole);
	return !err && shared ? hashmap__set(c->wholes, shared, (uintptr_t)whole) : err;
}

static int restore_life(struct collector *c, struct cursor *in)
{
	struct process *p = current(c);
	bool exited = codec__take(in) & 1;
	int err;

	forget_wholes(c);
	if (!p || p->older)
		return -EINVAL;
	take_numbers(in, p, process_numbers, ARRAY_SIZE(process_numbers));
	err = take_cohorts(in, &p->older);
	if (!err && exited)
		process__retire(p, p->ended);
	return err;
}

/* Each takes one thing of its kind, or all, from what is left of a piece. */
static int (*const restorers[PIECES])(struct collector *c, struct cursor *in) = {
	[PIECE_TOTALS] = restore_totals,
	[PIECE_ALLOCATORS] = restore_allocators,
	[PIECE_STACKS] = restore_stacks,
	[PIECE_NAMES] = restore_names,
	[PIECE_PROCESS] = restore_process,
	[PIECE_SITES] = restore_sites,
	[PIECE_BLOCKS] = restore_blocks,
	[PIECE_RANGES] = restore_ranges,
	[PIECE_LIFE] = restore_life,
};

int collector__restore(struct collector *c, struct cursor *piece)
{
	uint64_t kind = codec__take(piece);
	int err = 0;

	if (piece->bad || kind >= PIECES)
		return -EINVAL;
	while (!err && codec__left(piece)) {
		err = restorers[kind](c, piece);
		if (!err && piece->bad)
			err = -EINVAL;
	}
	return err;
}

/* ---- what else a recording asks ---- */

void collector__file_ranges(const struct collector *c, void (*range)(void *ctx, uint32_t pid, uint64_t start),
			    void *ctx)
{
	struct range r;

	for (uint32_t i = 0; i < c->nprocesses; i++) {
		const struct process *p = c->processes[i];
		size_t cursor = 0;

		while (!p->exited && ledger__next(p->ledger, &cursor, &r))
			if ((r.flags & EVENT_F_FILE) && r.site != LEDGER_ALLOCATOR && r.site != SITE_HIDDEN)
				range(ctx, p->pid, r.start);
	}
}

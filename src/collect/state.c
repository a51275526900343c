/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saves a collector's state in pieces. A piece begins with its kind; what belongs to a process
 * follows the process. */
#include "collect/state.h"

#include "collect/ended_processes.h"
#include "util/intervals.h"

#define PIECE_BYTES (64u << 10)

static void put_numbers(struct strbuf *sb, const void *from, const struct number *n, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *at = (const char *)from + n[i].offset;

		codec__put(sb, n[i].small ? *(const uint32_t *)at : *(const uint64_t *)at);
	}
}

struct saving {
	const struct collector *c;
	void (*give)(void *ctx, const struct strbuf *sb);
	void *ctx;
	struct strbuf sb;
	uint64_t inherited;    /* blocks that were saved */
	uint64_t disinherited; /* processes whose inherited blocks were too many for that */
	int err;
};

static void emit_piece(struct saving *s)
{
	if (s->sb.error)
		s->err = s->sb.error;
	else if (s->sb.len)
		s->give(s->ctx, &s->sb);
	strbuf__reset(&s->sb);
}

/* Makes room for the next thing of a kind: in a new piece, where the last one is full or of another
 * kind. */
static void begin_item(struct saving *s, enum piece kind)
{
	if (s->sb.len && (s->sb.len >= PIECE_BYTES || s->sb.data[0] != (char)kind))
		emit_piece(s);
	if (!s->sb.len)
		strbuf__addc(&s->sb, (char)kind);
}

static void put_cohorts(struct strbuf *sb, const struct cohorts *c)
{
	codec__put(sb, c != NULL);
	if (c)
		cohorts__save(c, sb);
}

static void save_allocators(struct saving *s)
{
	const struct intervals *code;
	uint64_t module;
	size_t pos = 0;

	while ((code = hashmap__next_ptr(s->c->allocators, &pos, &module))) {
		for (size_t i = 0; i < code->n; i++) {
			begin_item(s, PIECE_ALLOCATORS);
			codec__put(&s->sb, module);
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
		begin_item(s, PIECE_STACKS);
		codec__put(&s->sb, st->id);
		codec__put(&s->sb, st->pid);
		codec__put(&s->sb, STACK_HOW(st));
		codec__put(&s->sb, st->n);
		for (unsigned int i = 0; i < st->n; i++) {
			codec__put(&s->sb, st->frames[i].module);
			codec__put(&s->sb, st->frames[i].pc);
			codec__put(&s->sb, st->frames[i].offset);
		}
	}
	for (pos = 0; stacks__next(s->c->stacks, &pos, &id, &st);) {
		if (id == st->id)
			continue;
		begin_item(s, PIECE_ALIASES);
		codec__put(&s->sb, id);
		codec__put(&s->sb, st->id);
	}
}

static void save_recent_frees(struct saving *s, const struct recent_frees *f)
{
	for (uint32_t i = 0; i < f->size; i++) {
		if (!f->at[i])
			continue;
		begin_item(s, PIECE_RECENT_FREES);
		codec__put(&s->sb, f->at[i]);
	}
}

static void save_sites(struct saving *s, const struct process *p)
{
	for (uint32_t i = SITE_HIDDEN + 1; i < p->nsites; i++) {
		const struct site *site = &p->sites[i];

		begin_item(s, PIECE_SITES);
		codec__put(&s->sb, site->kind);
		codec__put(&s->sb, site->api);
		codec__put(&s->sb, site->map_flags);
		put_numbers(&s->sb, site, site_numbers, ARRAY_SIZE(site_numbers));
		codec__put_double(&s->sb, site->aged_parts);
		put_cohorts(&s->sb, site->cohorts);
		codec__put(&s->sb, site->left != NULL);
		if (site->left)
			judge__save(site->left, &s->sb);
	}
}

/* By site and age, the order in which their lists are rebuilt. */
static void save_blocks(struct saving *s, const struct process *p)
{
	struct block b;

	for (uint32_t i = SITE_HIDDEN; i == SITE_HIDDEN || i < p->nsites; i++) {
		uint64_t addr = 0, birth = 0;
		uint32_t cursor = 0;

		while (heap__site_next(p->heap, i, &cursor, &b)) {
			begin_item(s, PIECE_BLOCKS);
			if (s->sb.len == 1)
				addr = birth = 0; /* each piece stands alone */
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

/* Their sites are the parent's, and of no use. Returns whether there was room. */
static bool save_inherited(struct saving *s, const struct process *p)
{
	struct block b;
	uint64_t addr = 0, cursor;

	if (inherited__count(&p->inherited) > SAVED_INHERITED_MAX - s->inherited)
		return false;
	s->inherited += inherited__count(&p->inherited);
	for (uint32_t i = 0; i < p->inherited.n; i++) {
		cursor = 0;
		while (heap_copy__next(p->inherited.heaps[i], &cursor, &b)) {
			begin_item(s, PIECE_INHERITED);
			if (s->sb.len == 1)
				addr = 0;
			codec__put(&s->sb, codec__fold(b.addr - addr));
			codec__put(&s->sb, b.size);
			codec__put(&s->sb, b.birth);
			codec__put(&s->sb, b.chain);
			addr = b.addr;
		}
	}
	return true;
}

static void save_ranges(struct saving *s, const struct process *p)
{
	const struct whole *whole;
	size_t cursor = 0;
	struct range r;
	uint64_t base;

	while (ranges__next_piece(p->ranges, &cursor, &r, &base, &whole)) {
		begin_item(s, PIECE_RANGES);
		codec__put(&s->sb, r.start);
		codec__put(&s->sb, r.end);
		codec__put(&s->sb, r.birth);
		codec__put(&s->sb, r.site == RANGE_ALLOCATOR ? 0 : (uint64_t)r.site + 1);
		codec__put(&s->sb, r.flags);
		codec__put(&s->sb, base);
		codec__put(&s->sb, (uintptr_t)whole);
	}
}

static void save_process(struct saving *s, const struct process *p)
{
	bool fits = true;

	begin_item(s, PIECE_PROCESS);
	codec__put(&s->sb, p->pid);
	codec__put(&s->sb, p->first_seen);
	codec__put(&s->sb, p->named);
	strbuf__add(&s->sb, p->comm, sizeof(p->comm));
	codec__put_string(&s->sb, p->exe);
	codec__put_string(&s->sb, p->container);
	codec__put(&s->sb, p->recent_frees.size);
	codec__put_string(&s->sb, p->unprobed);
	codec__put(&s->sb, p->age);
	emit_piece(s);
	save_recent_frees(s, &p->recent_frees);
	save_sites(s, p);
	if (!p->exited) {
		save_blocks(s, p);
		save_ranges(s, p);
		fits = save_inherited(s, p);
		s->disinherited += !fits;
	}
	begin_item(s, PIECE_PROCESS_END);
	codec__put(&s->sb, p->exited);
	codec__put(&s->sb, ended_processes__is_pending(p));
	put_numbers(&s->sb, p, process_numbers, ARRAY_SIZE(process_numbers));
	put_cohorts(&s->sb, p->older ? older_frees__all(p->older) : NULL);
	codec__put(&s->sb, (uint64_t)(p->status + 1));
	codec__put(&s->sb, p->work != NULL);
	if (p->work)
		activity__save(p->work, &s->sb);
	codec__put(&s->sb, p->folds);
	codec__put(&s->sb, (p->whole ? SAVED_WHOLE : 0) |
			       (p->inheritance_lost || !fits ? SAVED_INHERITANCE_LOST : 0) |
			       (p->unstored ? SAVED_UNSTORED : 0));
	codec__put(&s->sb, p->unseen_frees);
	codec__put(&s->sb, p->inherited_frees);
	emit_piece(s);
}

int collector__save(const struct collector *c, void (*piece)(void *ctx, const struct strbuf *sb),
		    void *ctx)
{
	struct saving s = { .c = c, .give = piece, .ctx = ctx };

	save_allocators(&s);
	save_stacks(&s);
	for (uint32_t i = 0; i < c->nprocesses; i++)
		save_process(&s, c->processes[i]);
	/* Last, because restoring the rest changes some of them. */
	begin_item(&s, PIECE_TOTALS);
	put_numbers(&s.sb, c, totals, ARRAY_SIZE(totals));
	for (int kind = 0; kind < API_KINDS; kind++)
		for (int end = 0; end < STACK_ENDS + 2; end++)
			codec__put(&s.sb, c->gone_ends[kind][end]);
	codec__put(&s.sb, c->disinherited + s.disinherited);
	codec__put(&s.sb, c->limited_blocks);
	codec__put(&s.sb, c->limited_stacks);
	emit_piece(&s);
	strbuf__free(&s.sb);
	return s.err;
}

/* ---- what else a recording needs ---- */

void collector__file_ranges(const struct collector *c,
			    void (*range)(void *ctx, uint32_t pid, uint64_t start), void *ctx)
{
	struct range r;

	for (uint32_t i = 0; i < c->nprocesses; i++) {
		const struct process *p = c->processes[i];
		size_t cursor = 0;

		while (!p->exited && ranges__next(p->ranges, &cursor, &r))
			if ((r.flags & EVENT_F_FILE) && r.site != RANGE_ALLOCATOR &&
			    r.site != SITE_HIDDEN)
				range(ctx, p->pid, r.start);
	}
}

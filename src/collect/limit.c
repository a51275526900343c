/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collect/limit.h"

#include "collect/ended_processes.h"
#include "collect/folded_processes.h"

/* Ended processes that keep a row each where memory is short. */
#define ENDED_SCARCE 256
/* What growth between two looks, tables that double and a report being made may add. */
#define HEADROOM_LEAST (8u << 20)

static uint64_t used(const struct collector *c)
{
	return c->opts.memory_used ? c->opts.memory_used() : collector__memory(c);
}

void collect_limit__check(struct collector *c)
{
	uint64_t limit = c->opts.memory_limit, headroom = limit / 8, now;

	c->unchecked = 0;
	if (!limit)
		return;
	if (headroom < HEADROOM_LEAST)
		headroom = limit / 4 < HEADROOM_LEAST ? limit / 4 : HEADROOM_LEAST;
	now = used(c);
	c->scarce = now > limit - 3 * headroom;
	/* Once there, some room is needed to go on, so that it does not change with each look. */
	c->tight = now > limit - 2 * headroom - (c->tight ? headroom / 2 : 0);
	c->full = now > limit - headroom - (c->full ? headroom / 2 : 0);
	if (!c->scarce)
		return;
	ended_processes__fold_all(c);
	folded_processes__bound(c, ENDED_SCARCE);
}

bool collect_limit__has_room(const struct process *p, uint64_t name)
{
	struct block b;

	return !p->c->full || heap__has_room(p->heap) || heap__find(p->heap, name, &b);
}

void collect_limit__left_out(struct process *p, const struct block *b)
{
	p->unstored = true;
	p->c->limited_blocks += b->site != SITE_HIDDEN;
}

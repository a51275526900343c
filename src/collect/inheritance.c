/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collect/inheritance.h"

static void lose(struct process *p)
{
	inherited__free(&p->inherited);
	p->inheritance_lost = true;
	p->c->disinherited++;
}

void inheritance__begin(struct process *child, struct process *parent)
{
	if (!parent || parent == child || child->inherited.n)
		return;
	child->whole = parent->whole;
	child->inheritance_lost = parent->inheritance_lost;
	child->unstored = parent->unstored;
	if (inherited__fork(&child->inherited, parent->heap, &parent->inherited,
			    &child->c->inherited))
		lose(child);
}

/* Those that were forked first lose theirs first: what they share with others is what has not
 * changed since. */
void inheritance__bound(struct collector *c)
{
	struct heap_copies *copies = &c->inherited;
	bool all = copies->damaged;

	for (uint32_t i = 0; i < c->nprocesses && (all || copies->bytes > copies->max / 2); i++)
		if (!c->processes[i]->exited && c->processes[i]->inherited.n)
			lose(c->processes[i]);
	copies->over = copies->damaged = false;
}

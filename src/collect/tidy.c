/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frees what nothing refers to any longer: call stacks of processes that ended, and what is known
 * of their files. */
#include <errno.h>
#include <stdlib.h>

#include "collect/internal.h"
#include "symbols/mappings.h"
#include "util/intervals.h"

struct marks {
	struct collector *c;
	struct hashmap *used; /* stacks, by their address */
	int err;
};

static void mark(struct marks *m, const struct stack *st)
{
	if (st && !m->err)
		m->err = hashmap__set(m->used, (uintptr_t)st, 1);
}

static void mark_process(struct marks *m, struct process *p)
{
	const struct stacks *stacks = m->c->stacks;
	const struct stack *st;
	size_t pos = 0;

	for (uint32_t i = SITE_HIDDEN + 1; i < p->nsites; i++) {
		struct site *s = &p->sites[i];

		if (!s->frames && s->stack)
			s->frames = stacks__get(stacks, s->stack);
		mark(m, s->frames);
	}
	for (size_t i = 0; i < p->naliases; i++)
		mark(m, stacks__get(stacks, p->aliases[i]));
	while (p->stack_index && (st = hashmap__next_ptr(p->stack_index, &pos, NULL)))
		mark(m, st);
}

/* A living process may use any of its stacks again, without sending it again. */
static bool is_used(void *ctx, const struct stack *st)
{
	const struct marks *m = ctx;
	uintptr_t one;

	return hashmap__get(m->used, (uintptr_t)st, &one) ||
	       hashmap__get(m->c->by_pid, st->pid, &one);
}

int collector__tidy(struct collector *c)
{
	struct marks m = { .c = c };
	int64_t n;

	if (!stacks__due(c->stacks))
		return 0;
	m.used = hashmap__new();
	if (!m.used)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->nprocesses && !m.err; i++)
		mark_process(&m, c->processes[i]);
	n = m.err ? m.err : stacks__sweep(c->stacks, is_used, &m);
	hashmap__free(m.used);
	return n < 0 ? (int)n : 0;
}

/* ---- files ---- */

static void use_module(bool *used, size_t n, uint32_t module)
{
	if (module < n)
		used[module] = true;
}

static void use_mappings(bool *used, size_t n, const struct mappings *maps)
{
	for (size_t i = 0; i < mappings__count(maps); i++)
		use_module(used, n, mappings__at(maps, i)->module);
}

void collector__use_modules(const struct collector *c, bool *used, size_t n)
{
	const struct stack *st;
	size_t pos = 0;
	uint64_t id;

	while (stacks__next(c->stacks, &pos, &id, &st))
		for (unsigned int i = 0; i < st->n; i++)
			use_module(used, n, st->frames[i].module);
	for (uint32_t i = 0; i < c->nprocesses; i++)
		if (c->processes[i]->mappings)
			use_mappings(used, n, c->processes[i]->mappings);
}

void collector__forget_module(void *collector, uint32_t module)
{
	struct collector *c = collector;
	struct intervals *code = hashmap__remove_ptr(c->allocators, module);

	if (code)
		intervals__free(code);
	free(code);
	hashmap__remove(c->module_codes, module, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frees what nothing refers to any longer: call stacks of processes that ended, their names, and
 * what is known of their files. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "collect/internal.h"
#include "symbols/mappings.h"
#include "util/intervals.h"
#include "util/strtab.h"

#define NAMES_MIN 1024 /* fewer are not looked through */

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

/* Returns 0 or -ENOMEM, for all names that a process has. */
static int copy_names(const struct process *p, struct strtab *to, const char *names[3])
{
	const char *const from[3] = { p->exe, p->container, p->unprobed };

	for (size_t i = 0; i < 3; i++) {
		names[i] = strtab__copy(to, from[i]);
		if (from[i] && !names[i])
			return -ENOMEM;
	}
	return 0;
}

/* Drops the names of programs and containers that no process has any more, once they are many. */
static int tidy_names(struct collector *c)
{
	const char *(*names)[3];
	struct strtab *kept;
	int err = 0;

	if (strtab__count(c->names) <= 2 * c->named + NAMES_MIN)
		return 0;
	names = calloc(c->nprocesses + 1, sizeof(*names));
	kept = strtab__new();
	for (uint32_t i = 0; kept && names && !err && i < c->nprocesses; i++)
		err = copy_names(c->processes[i], kept, names[i]);
	if (!kept || !names || err) {
		strtab__free(kept);
		free(names);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < c->nprocesses; i++) {
		struct process *p = c->processes[i];

		p->exe = names[i][0];
		p->container = names[i][1];
		p->unprobed = names[i][2];
	}
	free(names);
	strtab__free(c->names);
	c->names = kept;
	c->named = strtab__count(kept);
	return 0;
}

static int tidy_stacks(struct collector *c)
{
	struct marks m = { .c = c };
	int64_t n;

	if (!stacks__due(c->stacks, c->scarce) && !(c->tight && c->ended_since))
		return 0;
	c->ended_since = false;
	m.used = hashmap__new();
	if (!m.used)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->nprocesses && !m.err; i++)
		mark_process(&m, c->processes[i]);
	n = m.err ? m.err : stacks__sweep(c->stacks, is_used, &m);
	hashmap__free(m.used);
	return n < 0 ? (int)n : 0;
}

int collector__tidy(struct collector *c)
{
	int err = tidy_names(c), stacks = tidy_stacks(c);

	/* Memory counts as used until the kernel has it. */
	if (c->scarce)
		malloc_trim(0);
	return err ? err : stacks;
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

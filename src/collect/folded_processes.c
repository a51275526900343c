/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collect/folded_processes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/ended_processes.h"
#include "collect/process.h"
#include "util/array.h"
#include "util/hash.h"

#define OTHERS "other programs"

/* ---- call stacks ---- */

static uint64_t site_key(const struct site *s)
{
	uint64_t what = (uint64_t)s->map_flags << 16 | (uint64_t)s->api << 8 | s->kind;

	return hash__mix(s->stack, what);
}

/* The site of a folded row for what `s` is; NULL: no memory. */
static struct site *find_site(struct process *row, const struct site *s)
{
	struct site as = { .kind = s->kind, .api = s->api, .map_flags = s->map_flags };
	struct collector *c = row->c;
	uintptr_t i;

	as.stack = s->stack;
	if (hashmap__get(row->site_index, site_key(&as), &i))
		return &row->sites[i];
	if (c->folded_sites >= FOLDED_SITES_MAX && as.stack) {
		as.stack = 0;
		c->folded_stackless += s->live_blocks;
		if (hashmap__get(row->site_index, site_key(&as), &i))
			return &row->sites[i];
	}
	if (array__grow(&row->sites, &row->cap_sites, (size_t)row->nsites + 1,
			sizeof(*row->sites)) ||
	    hashmap__set(row->site_index, site_key(&as), row->nsites))
		return NULL;
	row->sites[row->nsites] = as;
	c->folded_sites++;
	return &row->sites[row->nsites++];
}

/* A birth, as if the row had ended when its process did. */
static uint64_t moved(const struct process *row, const struct process *p, uint64_t birth)
{
	uint64_t age = p->ended > birth ? p->ended - birth : 0;

	return row->ended > age ? row->ended - age : 0;
}

static void add_ages(const struct process *row, const struct process *p, struct site *to,
		     const struct site *s)
{
	uint64_t oldest = moved(row, p, s->oldest), newest = moved(row, p, s->newest);

	if (!to->live_blocks || oldest < to->oldest)
		to->oldest = oldest;
	if (!to->live_blocks || newest > to->newest)
		to->newest = newest;
}

/* Where the verdicts differ, that of the one which held the most stays. */
static void add_verdict(struct site *to, struct site *s)
{
	if (!s->left || (to->left && to->left_bytes >= s->live_bytes))
		return;
	free(to->left);
	to->left = s->left;
	to->left_bytes = s->live_bytes;
	s->left = NULL;
}

static void add_site(struct process *row, const struct process *p, struct site *s)
{
	struct site *to = find_site(row, s);

	if (!to) {
		row->c->lost_table += s->live_blocks;
		return;
	}
	if (s->live_blocks)
		add_ages(row, p, to, s);
	add_verdict(to, s);
	to->holders++;
	to->live_bytes += s->live_bytes;
	to->live_blocks += s->live_blocks;
	to->allocs += s->allocs;
	to->frees += s->frees;
	to->alloc_bytes += s->alloc_bytes;
	to->reported_bytes += s->reported_bytes;
	to->reported_allocs += s->reported_allocs;
	to->mark_bytes += s->mark_bytes;
	to->mark_blocks += s->mark_blocks;
	to->aged_bytes += s->aged_bytes;
	to->aged_blocks += s->aged_blocks;
	to->aged_parts += s->aged_parts;
}

/* ---- programs ---- */

static uint64_t hash_name(const char *name)
{
	return name ? hash__string(HASH_START, name) : 0;
}

static uint64_t program_key(const struct process *p)
{
	uint64_t comm[2];

	memcpy(comm, p->comm, sizeof(comm));
	return hash__mix(hash__mix(hash__mix(comm[0], comm[1]), hash_name(p->exe)),
			 hash_name(p->container));
}

static struct process *new_row(struct collector *c, const struct process *p)
{
	struct process *row = calloc(1, sizeof(*row));

	if (!row)
		return NULL;
	row->c = c;
	row->status = -1;
	row->exited = row->folded = true;
	row->first_seen = p->first_seen;
	row->ended = p->ended;
	row->nsites = SITE_HIDDEN + 1;
	row->site_index = hashmap__new();
	if (!row->site_index ||
	    array__grow(&row->sites, &row->cap_sites, row->nsites, sizeof(*row->sites)) ||
	    array__grow(&c->processes, &c->cap_processes, (size_t)c->nprocesses + 1,
			sizeof(struct process *))) {
		collect_process__free(row);
		return NULL;
	}
	memset(row->sites, 0, row->nsites * sizeof(*row->sites));
	row->serial = c->nprocesses;
	row->number = c->next_number++;
	c->processes[c->nprocesses++] = row;
	return row;
}

/* The row for the program of a process; NULL: no memory. */
static struct process *find_program(struct collector *c, const struct process *p)
{
	bool others = hashmap__count(c->folded) >= FOLDED_PROGRAMS_MAX;
	struct process *row = hashmap__get_ptr(c->folded, program_key(p));
	uint64_t key;

	if (!row && others)
		row = hashmap__get_ptr(c->folded, 0);
	if (row)
		return row;
	row = new_row(c, p);
	if (!row)
		return NULL;
	key = others ? 0 : program_key(p);
	if (others) {
		snprintf(row->comm, sizeof(row->comm), OTHERS);
	} else {
		memcpy(row->comm, p->comm, sizeof(row->comm));
		row->exe = p->exe;
		row->container = p->container;
		row->unprobed = p->unprobed;
	}
	if (hashmap__set_ptr(c->folded, key, row)) {
		c->nprocesses--;
		collect_process__free(row);
		return NULL;
	}
	return row;
}

static void fold_process_into(struct process *row, struct process *p)
{
	for (uint32_t i = SITE_HIDDEN + 1; i < p->nsites; i++)
		add_site(row, p, &p->sites[i]);
	if (p->first_seen < row->first_seen)
		row->first_seen = p->first_seen;
	row->folds += collect_process__stands_for(p);
	row->allocs += p->allocs;
	row->frees += p->frees;
	row->alloc_bytes += p->alloc_bytes;
	row->free_bytes += p->free_bytes;
	row->unmatched_frees += p->unmatched_frees;
	row->unseen_frees += p->unseen_frees;
	row->inherited_frees += p->inherited_frees;
	row->allocator_bytes += p->allocator_bytes;
	row->mapped_bytes += p->mapped_bytes;
	for (int kind = 0; kind < API_KINDS; kind++)
		row->live_bytes[kind] += p->live_bytes[kind];
}

int folded_processes__restore(struct process *row, uint64_t folds)
{
	struct collector *c = row->c;
	bool others = !row->exe && !memcmp(row->comm, OTHERS, sizeof(OTHERS));
	int err;

	row->pid = 0;
	row->folds = folds;
	row->site_index = hashmap__new();
	err = row->site_index ? hashmap__set_ptr(c->folded, others ? 0 : program_key(row), row)
			      : -ENOMEM;
	for (uint32_t i = SITE_HIDDEN + 1; i < row->nsites && !err; i++) {
		row->sites[i].left_bytes = row->sites[i].left ? row->sites[i].live_bytes : 0;
		err = hashmap__set(row->site_index, site_key(&row->sites[i]), i);
		c->folded_sites++;
	}
	return err;
}

/* ---- the bound ---- */

static bool may_fold(const struct process *p)
{
	return p->exited && !p->named && !p->folds && !ended_processes__is_pending(p);
}

void folded_processes__ended(struct collector *c)
{
	c->nended++;
}

/* Somewhat more than need be, so that it is not done for each process. */
void folded_processes__bound(struct collector *c, uint32_t max)
{
	uint32_t n = 0, before = c->nprocesses, fold;

	if (c->nended <= max)
		return;
	fold = c->nended - (max - max / 8);
	for (uint32_t i = 0; i < before && fold; i++) {
		struct process *p = c->processes[i], *row = may_fold(p) ? find_program(c, p) : NULL;

		if (!row)
			continue;
		fold_process_into(row, p);
		collect_process__free(p);
		c->processes[i] = NULL;
		c->nended--;
		fold--;
	}
	for (uint32_t i = 0; i < c->nprocesses; i++) {
		if (!c->processes[i])
			continue;
		c->processes[n] = c->processes[i];
		c->processes[n]->serial = n;
		n++;
	}
	c->nprocesses = n;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"
#include "profile/title.h"
#include "util/array.h"
#include "util/hashmap.h"

#define TIMES_MAX 4	/* so many blocks of a part for each of another */
#define SLACK 16	/* numbers are equal within one in so many */
#define KEPT_MAX 0.9	/* a share of live blocks below this tells parts from others */
#define SHARE_SLACK 1.2 /* shares are equal within this factor */
#define NESTED_DEPTH 3	/* so far out one function calls another whose blocks are its own */
#define NESTED_LEAST 32 /* fewer blocks are in step by chance */

/* What later rows are compared with: the part that came first. */
struct first_part {
	struct profile_frame own; /* the title; all 0: there is none */
	uint64_t callers;	  /* hash of the program's own frames behind it */
	uint32_t pid;
	const char *container;
	uint64_t blocks;
	double survival;
};

struct groups {
	struct profile_group *groups;
	struct first_part *firsts; /* of each */
	size_t n, cap, firsts_cap;
	/* Hashes of functions to indices, several of a key: of the title, of those that call it. */
	struct hashmap *by_title, *by_caller;
};

struct groups *groups__new(void)
{
	struct groups *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->by_title = hashmap__new();
	g->by_caller = hashmap__new();
	if (g->by_title && g->by_caller)
		return g;
	groups__free(g);
	errno = ENOMEM;
	return NULL;
}

void groups__free(struct groups *g)
{
	if (!g)
		return;
	hashmap__free(g->by_title);
	hashmap__free(g->by_caller);
	free(g->groups);
	free(g->firsts);
	free(g);
}

/* ---- the same code ---- */

static bool is_named(const struct profile_frame *f)
{
	return f->func && *f->func;
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static uint64_t text_hash(const char *s)
{
	return s ? hash__string(HASH_START, s) : 0;
}

/* Of the function; of code without a name, of the call. */
static uint64_t function_hash(const struct profile_frame *f)
{
	return hash__mix(text_hash(f->module), is_named(f) ? text_hash(f->func) : f->offset);
}

static bool is_same_function(const struct profile_frame *a, const struct profile_frame *b)
{
	if (is_named(a) != is_named(b) || !is_same_text(a->module, b->module))
		return false;
	return is_named(a) ? !strcmp(a->func, b->func) : a->offset == b->offset;
}

static bool is_same_line(const struct profile_frame *a, const struct profile_frame *b)
{
	if (a->line && b->line)
		return a->line == b->line && is_same_text(a->file, b->file);
	return a->offset == b->offset;
}

/* Recursion counts once: how deep it went says nothing. The outermost function of the program, such
 * as main, is not near any other: all else is called by it. */
static uint64_t callers_hash(const struct profile_frame *own, const struct profile_frame *end,
			     uint64_t near[NESTED_DEPTH])
{
	const struct profile_frame *last = own;
	uint64_t hash = 0;
	size_t n = 0;

	for (const struct profile_frame *f = own + 1; f < end; f++) {
		if (f->library || is_same_function(f, last))
			continue;
		hash = hash__mix(hash, function_hash(f));
		if (n < NESTED_DEPTH)
			near[n] = function_hash(f);
		n++;
		last = f;
	}
	if (n && n <= NESTED_DEPTH)
		near[n - 1] = 0;
	return hash;
}

/* ---- living and dying together ---- */

static bool is_same_share(double a, double b)
{
	return a > 0 && b > 0 && a <= b * SHARE_SLACK && b <= a * SHARE_SLACK;
}

static bool is_in_step(const struct first_part *first, const struct profile_site *s)
{
	uint64_t a = first->blocks, b = s->live_blocks, few = a < b ? a : b, many = a < b ? b : a;
	uint64_t times = few ? many / few + (many % few > few / 2) : 0;
	uint64_t off = many > times * few ? many - times * few : times * few - many;
	bool same_share = is_same_share(first->survival, s->survival);

	if (same_share && first->survival < KEPT_MAX && s->survival < KEPT_MAX)
		return true;
	return times && times <= TIMES_MAX && off <= times * (1 + few / SLACK) &&
	       (times == 1 || same_share);
}

/* A row of the snapshot, with what it is compared by. */
struct newcomer {
	const struct profile_site *site;
	const struct profile_frame *own;
	uint64_t callers;
	uint64_t near[NESTED_DEPTH];
	enum merge_by by;
	const struct groups *groups;
};

static bool is_same_scope(const struct first_part *first, const struct newcomer *c)
{
	if (c->by == BY_PROCESS)
		return first->pid == c->site->pid;
	return c->by == BY_STACK || is_same_text(first->container, c->site->container);
}

static bool is_part(uintptr_t index, const void *wanted)
{
	const struct newcomer *c = wanted;
	const struct first_part *first = &c->groups->firsts[index];

	if (!is_same_scope(first, c) || !is_same_function(&first->own, c->own))
		return false;
	return (is_same_line(&first->own, c->own) && first->callers == c->callers) ||
	       is_in_step(first, c->site);
}

/*
 * An object is made by one function, and what belongs to it by those that it calls: its
 * constructor, or what fills it.
 */
static bool is_nested(uintptr_t index, const void *wanted)
{
	const struct newcomer *c = wanted;
	const struct first_part *first = &c->groups->firsts[index];

	return is_same_scope(first, c) && first->blocks >= NESTED_LEAST &&
	       c->site->live_blocks >= NESTED_LEAST && is_in_step(first, c->site);
}

/* The group that a newcomer is a part of. */
static bool find_group(const struct groups *g, const struct newcomer *c, uintptr_t *index)
{
	if (hashmap__find(g->by_title, function_hash(c->own), is_part, c, index) ||
	    hashmap__find(g->by_caller, function_hash(c->own), is_nested, c, index))
		return true;
	for (size_t i = 0; i < NESTED_DEPTH && c->near[i]; i++)
		if (hashmap__find(g->by_title, c->near[i], is_nested, c, index))
			return true;
	return false;
}

/* ---- groups ---- */

static void add_part(struct profile_group *group, const struct profile_site *s)
{
	group->parts++;
	if (s->verdict == VERDICT_LEAK)
		group->verdict = VERDICT_LEAK;
	group->live_bytes += s->live_bytes;
	group->live_blocks += s->live_blocks;
	group->allocs += s->allocs;
	group->growth_bytes += s->growth_bytes;
	group->since_mark_bytes += s->since_mark_bytes;
	group->since_mark_blocks += s->since_mark_blocks;
	group->allocs_per_s += s->allocs_per_s;
	group->rate_bps += s->leak_rate_bps;
	if (s->oldest_s > group->oldest_s)
		group->oldest_s = s->oldest_s;
}

/* Returns the index, or -ENOMEM. */
static int64_t new_group(struct groups *g, const struct newcomer *c)
{
	const struct profile_site *s = c->site;

	if (array__grow(&g->groups, &g->cap, g->n + 1, sizeof(*g->groups)) ||
	    array__grow(&g->firsts, &g->firsts_cap, g->n + 1, sizeof(*g->firsts)))
		return -ENOMEM;
	if (c->own && hashmap__add(g->by_title, function_hash(c->own), g->n))
		return -ENOMEM;
	for (size_t i = 0; i < NESTED_DEPTH && c->near[i]; i++)
		if (hashmap__add(g->by_caller, c->near[i], g->n))
			return -ENOMEM;
	g->groups[g->n] = (struct profile_group){ .verdict = s->verdict };
	memcpy(g->groups[g->n].id, s->id, sizeof(s->id));
	g->firsts[g->n] = (struct first_part){
		.own = c->own ? *c->own : (struct profile_frame){ 0 },
		.callers = c->callers,
		.pid = s->pid,
		.container = s->container,
		.blocks = s->live_blocks,
		.survival = s->survival,
	};
	return (int64_t)g->n++;
}

uint32_t groups__add(struct groups *g, const struct profile_site *site,
		     const struct profile_frame *stack, size_t n, enum merge_by by, bool apart)
{
	const struct profile_frame *own = title__frame(stack, n);
	struct newcomer c = { .site = site, .by = by, .groups = g };
	int64_t index = -1;
	uintptr_t found;

	/* Without code of the program's own, nothing says that two are one mistake. */
	if (own && !own->library && !apart) {
		c.own = own;
		c.callers = callers_hash(own, stack + n, c.near);
		if (find_group(g, &c, &found))
			index = (int64_t)found;
	}
	if (index < 0)
		index = new_group(g, &c);
	if (index < 0)
		return 0;
	add_part(&g->groups[index], site);
	return (uint32_t)index + 1;
}

void groups__finish(struct groups *g, struct profile *p)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct profile_group *group = &g->groups[i];
		struct profile_findings *f =
		    group->verdict == VERDICT_LEAK ? &p->leak : &p->growing;

		f->groups++;
		f->group_bytes += group->live_bytes;
		f->group_rate_bps += group->rate_bps;
	}
	p->groups = g->groups;
	p->ngroups = g->n;
}

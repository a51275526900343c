/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sightings of one id are of one container, whichever runtime reports it: a docker container is
 * also one of containerd and of runc, and the source with the lower rank has the better name for
 * it.
 */
#include "container/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/array.h"
#include "util/hashmap.h"
#include "util/strtab.h"

#define CONTAINERS_MAX (1u << 20)
#define SHORT_ID 12 /* characters of a long id that are shown */
#define DISPLAY_BYTES 4096

struct registry {
	struct strtab *strings;
	struct hashmap *by_id;
	struct registry_entry **entries;
	size_t n, cap;
	int error;
};

struct registry *registry__new(void)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->strings = strtab__new();
	r->by_id = hashmap__new();
	if (r->strings && r->by_id)
		return r;
	registry__free(r);
	errno = ENOMEM;
	return NULL;
}

void registry__free(struct registry *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		if (r->entries[i]->held >= 0)
			close(r->entries[i]->held);
		free(r->entries[i]);
	}
	free(r->entries);
	hashmap__free(r->by_id);
	strtab__free(r->strings);
	free(r);
}

size_t registry__count(const struct registry *r)
{
	return r->n;
}

struct registry_entry *registry__at(const struct registry *r, size_t i)
{
	return r->entries[i];
}

int registry__error(const struct registry *r)
{
	return r->error;
}

const char *registry__keep(struct registry *r, const char *s)
{
	const char *kept = strtab__copy(r->strings, s);

	if (s && !kept)
		r->error = -ENOMEM;
	return kept;
}

/* ---- entries by id ---- */

/* Long random ids are the same whichever runtime reports them; others are names, and each runtime,
 * and each of containerd's namespaces, has its own. */
bool registry__is(const struct registry_entry *e, const char *runtime, const char *id,
		  const char *namespace)
{
	if (strcmp(e->c.id, id))
		return false;
	if (strlen(id) >= LONG_ID)
		return true;
	return !strcmp(e->c.runtime, runtime) && !strcmp(e->c.namespace ?: "", namespace ?: "");
}

static bool is_sighted(const void *entry, const void *sighting)
{
	const struct sighting *s = sighting;

	return registry__is(entry, s->runtime, s->id, s->namespace);
}

static struct registry_entry *lookup_entry(const struct registry *r, const struct sighting *s)
{
	return hashmap__find_ptr(r->by_id, hash__string(HASH_START, s->id), is_sighted, s);
}

struct registry_entry *registry__find(const struct registry *r, const char *runtime, const char *id)
{
	return lookup_entry(r, &(struct sighting){ .runtime = runtime, .id = id });
}

static struct registry_entry *new_entry(struct registry *r, const struct sighting *s)
{
	struct registry_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->c.runtime = s->runtime;
	e->c.id = registry__keep(r, s->id);
	e->rank = RANK_GUESS;
	e->held = -1;
	if (e->c.id && !hashmap__add_ptr(r->by_id, hash__string(HASH_START, s->id), e))
		return e;
	free(e);
	return NULL;
}

static struct registry_entry *add_container(struct registry *r, const struct sighting *s)
{
	struct registry_entry *e = NULL;

	if (r->n == CONTAINERS_MAX)
		return NULL;
	if (!array__grow(&r->entries, &r->cap, r->n + 1, sizeof(*r->entries)))
		e = new_entry(r, s);
	if (e)
		r->entries[r->n++] = e;
	else
		r->error = -ENOMEM;
	return e;
}

/* ---- sightings ---- */

void registry__begin_scan(struct registry *r)
{
	r->error = 0;
	for (size_t i = 0; i < r->n; i++) {
		struct registry_entry *e = r->entries[i];

		e->seen = 0;
		e->seen_first = false;
		/* A sandbox is known only from the process that the user named: no scan finds
		 * it. */
		e->here = !strcmp(e->c.runtime, SANDBOX);
		if (!e->here)
			e->claimed = 0;
	}
}

static void update_display(struct registry *r, struct registry_entry *e)
{
	struct container *c = &e->c;
	const char *own_name = c->name ? c->name : e->pause ? "(pause)" : c->id;
	char text[DISPLAY_BYTES];

	if (c->pod && c->namespace)
		snprintf(text, sizeof(text), "k8s %s/%s/%s", c->namespace, c->pod, own_name);
	else if (c->name)
		snprintf(text, sizeof(text), "%s %s", c->runtime, c->name);
	else if (strlen(c->id) >= LONG_ID)
		snprintf(text, sizeof(text), "%s %.*s", c->runtime, SHORT_ID, c->id);
	else
		snprintf(text, sizeof(text), "%s %s", c->runtime, c->id);
	c->display = registry__keep(r, text);
	if (!c->display)
		c->display = c->id;
}

static void add_hint(struct registry *r, struct registry_entry *e, const char *hint)
{
	if (!hint || !hint[strspn(hint, "/")] || e->nhints == REGISTRY_HINTS_MAX)
		return;
	for (size_t i = 0; i < e->nhints; i++)
		if (!strcmp(e->hints[i], hint))
			return;
	hint = registry__keep(r, hint);
	if (hint)
		e->hints[e->nhints++] = hint;
}

/* A lower rank overrides, a higher one fills gaps, and the same one may have news. */
static void learn(struct registry *r, const char **what, const char *said, bool overrule)
{
	if (said && (overrule || !*what) && (!*what || strcmp(*what, said)))
		*what = registry__keep(r, said);
}

struct registry_entry *registry__sight(struct registry *r, const struct sighting *s, size_t rank)
{
	struct registry_entry *e;
	bool overrule;

	if (!s->id || !*s->id)
		return NULL;
	e = lookup_entry(r, s);
	if (!e)
		e = add_container(r, s);
	if (!e)
		return NULL;
	e->here = true;
	overrule = rank < e->rank || (rank == e->rank && !s->old);
	if (overrule && rank != RANK_GUESS) {
		e->c.runtime = s->runtime;
		e->rank = rank;
	}
	learn(r, &e->c.name, s->name, overrule);
	learn(r, &e->c.pod, s->pod, overrule);
	learn(r, &e->c.namespace, s->namespace, overrule);
	add_hint(r, e, s->hint);
	e->pause |= s->pause;
	if (s->pid)
		e->claimed = s->pid;
	update_display(r, e);
	return e;
}

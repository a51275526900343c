/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the container that a name, a cgroup or a process refers to. */
#include "container/containers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container/internal.h"
#include "util/parse.h"

#define PARTS 3

/* How well a container fits what is wanted; the best wins, and must be the only one. */
enum fit { NO_FIT, FIT_PREFIX, FIT_ID_PREFIX, FIT_PART, FIT_WHOLE };

/* ---- names ---- */

/* A deployment's name is a prefix of its pods' names. */
static enum fit fit_part(const char *has, const char *wanted, size_t len, bool pod)
{
	if (!has || strncmp(has, wanted, len))
		return NO_FIT;
	if (!has[len])
		return FIT_PART;
	return pod && len && has[len] == '-' ? FIT_PREFIX : NO_FIT;
}

/* Matches NAMESPACE/POD/CONTAINER or a part of it, starting at `first`. */
static enum fit fit_from(const char *const has[PARTS], size_t first, const char *wanted)
{
	enum fit worst = FIT_WHOLE;
	size_t i = first;

	for (;; i++) {
		size_t len = strcspn(wanted, "/");
		enum fit fit = i < PARTS ? fit_part(has[i], wanted, len, i == 1) : NO_FIT;

		if (!fit)
			return NO_FIT;
		worst = fit < worst ? fit : worst;
		if (!wanted[len])
			break;
		wanted += len + 1;
	}
	return worst == FIT_PART && first == 0 && i == PARTS - 1 ? FIT_WHOLE : worst;
}

static enum fit fit_entry(const struct registry_entry *e, const char *wanted)
{
	const struct container *c = &e->c;
	const char *has[PARTS] = { c->namespace, c->pod, c->name };
	size_t len = strlen(c->runtime);
	enum fit best = NO_FIT;

	if (!strncmp(wanted, c->runtime, len) && wanted[len] == ':')
		wanted += len + 1;
	if (!*wanted)
		return NO_FIT;
	if (!strcmp(c->id, wanted) || (!c->pod && c->name && !strcmp(c->name, wanted)))
		return FIT_WHOLE;
	if (strlen(c->id) >= LONG_ID && !strncmp(c->id, wanted, strlen(wanted)))
		best = FIT_ID_PREFIX;
	if (e->pause)
		return best;
	/* Containers of containerd itself have a namespace and no pod. */
	if (!c->pod) {
		has[0] = NULL;
		has[1] = c->namespace;
		if (!c->name)
			has[2] = c->id;
	}
	for (size_t i = c->pod ? 0 : 2; i < PARTS; i++) {
		enum fit f = fit_from(has, i, wanted);

		best = f > best ? f : best;
	}
	if (!c->pod && c->namespace && fit_from(has, 1, wanted) >= FIT_PART && strchr(wanted, '/'))
		best = FIT_WHOLE;
	return best;
}

/* ---- cgroups and processes ---- */

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

/* Finds, among the containers whose cgroups are not named after them, the one with the longest
 * path. */
static struct registry_entry *entry_by_own_path(const struct registry *r, const char *path)
{
	struct registry_entry *best = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < registry__count(r); i++) {
		struct registry_entry *e = registry__at(r, i);

		for (size_t j = 0; j < e->c.ncgroups; j++) {
			size_t len = strlen(e->c.cgroups[j].path);

			if (len <= longest || !is_below(path, e->c.cgroups[j].path))
				continue;
			best = e;
			longest = len;
		}
	}
	return best;
}

static struct registry_entry *entry_by_pidns(const struct containers *cs, pid_t pid)
{
	for (size_t i = 0; i < registry__count(cs->registry); i++) {
		struct registry_entry *e = registry__at(cs->registry, i);

		if (!e->c.ncgroups && e->c.pidns &&
		    container_proc__in_pidns(cs->root, pid, e->c.pidns))
			return e;
	}
	return NULL;
}

static struct registry_entry *entry_of_process(struct containers *cs, pid_t pid)
{
	char *text = container_proc__cgroups(cs->root, pid), *copy, *at;
	struct registry_entry *e = NULL;
	struct cgroup_line line;
	struct container_id id;

	if (!text)
		return NULL;
	copy = at = strdup(text);
	if (container_id__innermost(text, &id))
		e = containers__known(cs, &id);
	while (!e && copy && cgroups__next_line(&at, &line))
		e = entry_by_own_path(cs->registry, line.path);
	free(text);
	free(copy);
	return e ? e : entry_by_pidns(cs, pid);
}

const struct container *containers__of_process(struct containers *cs, pid_t pid)
{
	struct registry_entry *e = entry_of_process(cs, pid);

	return e ? &e->c : NULL;
}

const struct container *containers__of_cgroup(struct containers *cs, const char *path)
{
	struct registry_entry *e;
	struct container_id id;

	e = container_id__last(path, &id) ? containers__known(cs, &id)
					  : entry_by_own_path(cs->registry, path);
	return e ? &e->c : NULL;
}

/* ---- the search ---- */

static int find_by_pid(struct containers *cs, const char *number, struct registry_entry **found)
{
	struct nesting nesting;
	uint64_t pid;

	if (parse__u64(number, &pid) || !pid || pid > INT32_MAX ||
	    container_proc__nesting(cs->root, (pid_t)pid, &nesting))
		return -ESRCH;
	*found = entry_of_process(cs, (pid_t)pid);
	if (!*found && nesting.level)
		*found = containers__sandbox(cs, (pid_t)pid, &nesting);
	return *found ? 0 : -ESRCH;
}

static enum fit best_fit(const struct registry *r, const char *wanted)
{
	enum fit best = NO_FIT;

	for (size_t i = 0; i < registry__count(r); i++) {
		const struct registry_entry *e = registry__at(r, i);
		enum fit f = e->here ? fit_entry(e, wanted) : NO_FIT;

		best = f > best ? f : best;
	}
	return best;
}

/* Selects those that fit so well, only the running ones if asked. Returns how many; *first is the
 * first of them. */
static size_t select_fit(const struct registry *r, const char *wanted, enum fit best, bool running,
			 struct registry_entry **first, const struct container **list)
{
	size_t n = 0;

	for (size_t i = 0; i < registry__count(r); i++) {
		struct registry_entry *e = registry__at(r, i);

		if (!e->here || (running && !e->c.init_pid))
			continue;
		if (best ? fit_entry(e, wanted) != best : e->pause)
			continue;
		if (!n)
			*first = e;
		if (list)
			list[n] = &e->c;
		n++;
	}
	return n;
}

static int by_display(const void *pa, const void *pb)
{
	const struct container *const *a = pa, *const *b = pb;

	return strcmp((*a)->display, (*b)->display);
}

/* Finds a container by name. `list`, which may be NULL, has room for all. -ENOENT and -ENOTUNIQ
 * leave the candidates in it. */
static int find_by_name(struct containers *cs, const char *wanted, struct registry_entry **found,
			const struct container **list, size_t *n)
{
	enum fit best = best_fit(cs->registry, wanted);
	struct registry_entry *first = NULL;

	/* A running container is preferred to one that ended; if nothing fits, all that run are
	 * listed. */
	*n = select_fit(cs->registry, wanted, best, true, &first, list);
	if (!*n && best)
		*n = select_fit(cs->registry, wanted, best, false, &first, list);
	if (best && *n == 1) {
		*found = first;
		return 0;
	}
	if (list)
		qsort(list, *n, sizeof(*list), by_display);
	return best ? -ENOTUNIQ : -ENOENT;
}

int containers__find(struct containers *cs, const char *wanted, const struct container **found,
		     const struct container ***candidates, size_t *n)
{
	const struct container **list = NULL;
	struct registry_entry *e = NULL;
	size_t count = 0;
	int err = containers__refresh(cs);

	*found = NULL;
	if (candidates) {
		*candidates = NULL;
		*n = 0;
	}
	if (err)
		return err;
	if (candidates) {
		list = calloc(containers__count(cs) + 1, sizeof(*list));
		if (!list)
			return -ENOMEM;
	}
	err = !strncmp(wanted, "pid:", 4) ? find_by_pid(cs, wanted + 4, &e)
					  : find_by_name(cs, wanted, &e, list, &count);
	if (!err) {
		containers__hold(cs, e);
		*found = &e->c;
	}
	if (candidates && (err == -ENOENT || err == -ENOTUNIQ)) {
		*candidates = list;
		*n = count;
	} else {
		free(list);
	}
	return err;
}

int containers__cgroup(const struct container *c, struct cgroup *out)
{
	int err = -EOPNOTSUPP;

	for (size_t i = 0; i < c->ncgroups; i++) {
		err = cgroups__lookup(&c->cgroups[i], out);
		/* The root holds every process, so it identifies nothing. */
		if (!err && out->level)
			return 0;
	}
	return err ? err : -EOPNOTSUPP;
}

/* Which container a name, a cgroup or a process means. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container/internal.h"
#include "util/util.h"

#define PARTS 3

/* How well something fits; the best wins, and must be alone. */
enum fit { NO_FIT, FIT_PREFIX, FIT_ID_PREFIX, FIT_PART, FIT_WHOLE };

/* ---- names ---- */

/* The deployment's name is what its pods' names begin with. */
static enum fit fit_part(const char *has, const char *wanted, size_t len, bool pod)
{
	if (!has || strncmp(has, wanted, len))
		return NO_FIT;
	if (!has[len])
		return FIT_PART;
	return pod && len && has[len] == '-' ? FIT_PREFIX : NO_FIT;
}

/* NAMESPACE/POD/CONTAINER or a part of it, from `first` on. */
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

static enum fit fit(const struct container *c, const char *wanted)
{
	const char *has[PARTS] = { c->space, c->pod, c->name };
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
	if (containers__is_pause(c))
		return best;
	/* containerd's own containers have a namespace and no pod. */
	if (!c->pod) {
		has[0] = NULL;
		has[1] = c->space;
		if (!c->name)
			has[2] = c->id;
	}
	for (size_t i = c->pod ? 0 : 2; i < PARTS; i++) {
		enum fit f = fit_from(has, i, wanted);

		best = f > best ? f : best;
	}
	if (!c->pod && c->space && fit_from(has, 1, wanted) >= FIT_PART && strchr(wanted, '/'))
		best = FIT_WHOLE;
	return best;
}

bool containers__answers(const struct container *c, const char *wanted)
{
	return fit(c, wanted) != NO_FIT;
}

/* ---- the search ---- */

static int find_process(struct containers *cs, const char *number, const struct container **found)
{
	struct nesting nesting;
	uint64_t pid;

	if (util__parse_u64(number, &pid) || !pid || pid > INT32_MAX ||
	    containers__nesting(cs, (pid_t)pid, &nesting))
		return -ESRCH;
	*found = containers__of_process(cs, (pid_t)pid);
	if (!*found && nesting.level)
		*found = containers__sandbox(cs, (pid_t)pid, &nesting);
	if (*found)
		containers__hold(cs, *found);
	return *found ? 0 : -ESRCH;
}

/* Those that fit so well, only the running ones if asked. Returns how many; the first of them in
 * *found. */
static size_t select_fit(const struct containers *cs, const char *wanted, enum fit best,
			 bool running, const struct container **found,
			 const struct container **list)
{
	size_t n = 0;

	for (size_t i = 0; i < containers__count(cs); i++) {
		const struct container *c = containers__at(cs, i);

		if (!containers__is_here(c) || (running && !c->init_pid))
			continue;
		if (best ? fit(c, wanted) != best : containers__is_pause(c))
			continue;
		if (!n)
			*found = c;
		if (list)
			list[n] = c;
		n++;
	}
	return n;
}

static int by_display(const void *pa, const void *pb)
{
	const struct container *const *a = pa, *const *b = pb;

	return strcmp((*a)->display, (*b)->display);
}

int containers__find(struct containers *cs, const char *wanted, const struct container **found,
		     const struct container ***candidates, size_t *n)
{
	const struct container *first = NULL, **list = NULL;
	enum fit best = NO_FIT;
	size_t count;
	int err = containers__refresh(cs);

	*found = NULL;
	if (candidates) {
		*candidates = NULL;
		*n = 0;
	}
	if (err)
		return err;
	if (!strncmp(wanted, "pid:", 4))
		return find_process(cs, wanted + 4, found);
	for (size_t i = 0; i < containers__count(cs); i++) {
		const struct container *c = containers__at(cs, i);
		enum fit f = containers__is_here(c) ? fit(c, wanted) : NO_FIT;

		best = f > best ? f : best;
	}
	if (candidates) {
		list = calloc(containers__count(cs) + 1, sizeof(*list));
		if (!list)
			return -ENOMEM;
	}
	/* What runs is meant rather than what ended; where nothing fits, all that runs is shown. */
	count = select_fit(cs, wanted, best, true, &first, list);
	if (!count && best)
		count = select_fit(cs, wanted, best, false, &first, list);
	if (best && count == 1) {
		*found = first;
		containers__hold(cs, first);
		free(list);
		return 0;
	}
	if (candidates) {
		qsort(list, count, sizeof(*list), by_display);
		*candidates = list;
		*n = count;
	}
	return best ? -ENOTUNIQ : -ENOENT;
}

/* ---- cgroups and processes ---- */

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

/* Of those whose cgroups are called after nothing that they are known by, the longest path. */
static const struct container *by_own_path(const struct containers *cs, const char *path)
{
	const struct container *best = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < containers__count(cs); i++) {
		const struct container *c = containers__at(cs, i);

		for (size_t j = 0; j < c->ncgroups; j++) {
			size_t len = strlen(c->cgroups[j].path);

			if (len <= longest || !is_below(path, c->cgroups[j].path))
				continue;
			best = c;
			longest = len;
		}
	}
	return best;
}

const struct container *containers__of_cgroup(struct containers *cs, const char *path)
{
	struct token t, last;
	bool found = false;
	size_t pos = 0;

	while (containers__next_token(path, &pos, &t)) {
		last = t;
		found = true;
	}
	return found ? containers__known(cs, &last) : by_own_path(cs, path);
}

const struct container *containers__of_process(struct containers *cs, pid_t pid)
{
	char *text = containers__cgroup_text(cs, pid), *copy, *at;
	const struct container *c = NULL;
	struct cgroup_line line;
	struct token t;

	if (!text)
		return NULL;
	copy = at = strdup(text);
	if (containers__innermost(text, &t))
		c = containers__known(cs, &t);
	while (!c && copy && cgroups__next_line(&at, &line))
		c = by_own_path(cs, line.path);
	free(text);
	free(copy);
	for (size_t i = 0; !c && i < containers__count(cs); i++) {
		const struct container *other = containers__at(cs, i);

		if (!other->ncgroups && other->pidns && containers__in_pidns(cs, pid, other->pidns))
			c = other;
	}
	return c;
}

int containers__cgroup(const struct container *c, struct cgroup *out)
{
	int err = -EOPNOTSUPP;

	for (size_t i = 0; i < c->ncgroups; i++) {
		err = cgroups__lookup(&c->cgroups[i], out);
		/* By the root everything would be recognised. */
		if (!err && out->level)
			return 0;
	}
	return err ? err : -EOPNOTSUPP;
}

/*
 * How a container's processes are recognised. Its first process may sit deeper than its own cgroup
 * is (an init system makes more of them), so of each hierarchy's path the part counts that is
 * called after the container, or that its runtime's files name. A cgroup that has neither is
 * somebody else's: a container without one of its own stays in that of whoever started it.
 */
#include <stdlib.h>
#include <string.h>

#include "container/internal.h"

/* Long random ids are the same whoever says them; others are names, which each runtime, and each of
 * containerd's namespaces, has its own of. */
bool containers__same(const struct entry *e, const struct sighting *s)
{
	if (strcmp(e->c.id, s->id))
		return false;
	if (strlen(s->id) >= LONG_ID)
		return true;
	return !strcmp(e->c.runtime, s->runtime) && !strcmp(e->c.space ?: "", s->space ?: "");
}

static bool ends_with(const char *s, size_t len, const char *end, size_t end_len)
{
	return len >= end_len && !strncmp(s + len - end_len, end, end_len);
}

/* A hint may be the path, have a mount point before it, or be the last part of it. */
static bool fits_hint(const char *path, size_t len, const char *hint)
{
	size_t n = strlen(hint);

	if (*hint == '/')
		return ends_with(hint, n, path, len);
	return len > n && path[len - n - 1] == '/' && ends_with(path, len, hint, n);
}

/* How much of a path is the container's own cgroup, which others may be below; 0: none. */
static size_t own(const struct entry *e, const char *path)
{
	struct token t;
	size_t pos = 0;

	while (containers__next_token(path, &pos, &t))
		if (containers__same(e, &(struct sighting){ .runtime = t.runtime, .id = t.id }))
			return t.end;
	for (size_t end = 1; path[1]; end++) {
		end += strcspn(path + end, "/");
		for (size_t i = 0; i < e->nhints; i++)
			if (fits_hint(path, end, e->hints[i]))
				return end;
		if (!path[end])
			break;
	}
	return 0;
}

/* v2 before memory before others. */
static int worth(const struct cgroup_line *line)
{
	return !*line->controllers ? 2 : strstr(line->controllers, "memory") ? 1 : 0;
}

static void add_cgroup(struct containers *cs, struct container *c, const struct cgroup_line *line,
		       size_t len)
{
	char path[PATH_BYTES];
	struct cgroup_line own_line;
	size_t i = c->ncgroups;

	if (len >= sizeof(path) || i == CONTAINER_CGROUPS)
		return;
	memcpy(path, line->path, len);
	path[len] = '\0';
	own_line.controllers = containers__keep(cs, line->controllers);
	own_line.path = containers__keep(cs, path);
	if (!own_line.controllers || !own_line.path)
		return;
	for (; i && worth(&c->cgroups[i - 1]) < worth(&own_line); i--)
		c->cgroups[i] = c->cgroups[i - 1];
	c->cgroups[i] = own_line;
	c->ncgroups++;
}

/* Whether another container has this process as its first: then a file's claim is an old one. */
static bool is_others(const struct containers *cs, const struct entry *e, pid_t pid, char *text)
{
	const struct entry *other;
	struct token t;

	if (!containers__innermost(text, &t))
		return false;
	other = containers__of_token(cs, &t);
	return other && other != e && other->seen == pid;
}

/* Takes a process for the container's first, if it can be. */
bool containers__adopt(struct containers *cs, struct entry *e, pid_t pid)
{
	struct container *c = &e->c;
	char *text = pid ? containers__cgroup_text(cs, pid) : NULL, *copy, *at;
	struct cgroup_line line;
	struct nesting nesting;
	bool first = false;

	if (!text || containers__nesting(cs, pid, &nesting)) {
		free(text);
		return false;
	}
	copy = at = strdup(text);
	c->ncgroups = 0;
	while (copy && cgroups__next_line(&at, &line)) {
		size_t len = own(e, line.path);

		if (len)
			add_cgroup(cs, c, &line, len);
	}
	free(copy);
	first = nesting.level && nesting.innermost == 1;
	if (!c->ncgroups && first)
		first = !is_others(cs, e, pid, text);
	free(text);
	if (!c->ncgroups && !first)
		return false;
	c->init_pid = pid;
	c->pidns = first ? nesting.inode : 0;
	c->pidns_level = first ? nesting.level : 0;
	return true;
}

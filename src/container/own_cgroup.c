/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A container's first process may be deeper than the container's own cgroup (an init system makes
 * more of them), so only the part of each path counts that is named after the container, or that
 * its runtime's files name. A cgroup that is neither belongs to something else: a container without
 * one of its own stays in that of the process that started it.
 */
#include "container/own_cgroup.h"

#include <stdlib.h>
#include <string.h>

#include "container/container_id.h"
#include "container/proc.h"

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

/* Returns how much of a path is the container's own cgroup, which others may be below; 0: none. */
static size_t own_part(const struct registry_entry *e, const char *path)
{
	struct container_id id;
	size_t pos = 0;

	while (container_id__next(path, &pos, &id))
		if (registry__is(e, id.runtime, id.id, NULL))
			return id.end;
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

/* Ranks v2 before memory before others. */
static int cgroup_rank(const struct cgroup_line *line)
{
	return !*line->controllers ? 2 : strstr(line->controllers, "memory") ? 1 : 0;
}

static void add_cgroup(struct registry *r, struct container *c, const struct cgroup_line *line,
		       size_t len)
{
	char path[PATH_BYTES];
	struct cgroup_line own_line;
	size_t i = c->ncgroups;

	if (len >= sizeof(path) || i == CONTAINER_CGROUPS)
		return;
	memcpy(path, line->path, len);
	path[len] = '\0';
	own_line.controllers = registry__keep(r, line->controllers);
	own_line.path = registry__keep(r, path);
	if (!own_line.controllers || !own_line.path)
		return;
	for (; i && cgroup_rank(&c->cgroups[i - 1]) < cgroup_rank(&own_line); i--)
		c->cgroups[i] = c->cgroups[i - 1];
	c->cgroups[i] = own_line;
	c->ncgroups++;
}

/* Returns whether another container has this process as its first: then the file's claim is
 * stale. */
static bool is_first_of_another(const struct registry *r, const struct registry_entry *e, pid_t pid,
				char *text)
{
	const struct registry_entry *other;
	struct container_id id;

	if (!container_id__innermost(text, &id))
		return false;
	other = registry__find(r, id.runtime, id.id);
	return other && other != e && other->seen == pid;
}

bool own_cgroup__adopt(struct registry *r, const char *root, struct registry_entry *e, pid_t pid)
{
	struct container *c = &e->c;
	char *text = pid ? container_proc__cgroups(root, pid) : NULL, *copy, *at;
	struct cgroup_line line;
	struct nesting nesting;
	bool first = false;

	if (!text || container_proc__nesting(root, pid, &nesting)) {
		free(text);
		return false;
	}
	copy = at = strdup(text);
	c->ncgroups = 0;
	while (copy && cgroups__next_line(&at, &line)) {
		size_t len = own_part(e, line.path);

		if (len)
			add_cgroup(r, c, &line, len);
	}
	free(copy);
	first = nesting.level && nesting.innermost == 1;
	if (!c->ncgroups && first)
		first = !is_first_of_another(r, e, pid, text);
	free(text);
	if (!c->ncgroups && !first)
		return false;
	c->init_pid = pid;
	c->pidns = first ? nesting.inode : 0;
	c->pidns_level = first ? nesting.level : 0;
	return true;
}

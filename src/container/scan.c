/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "container/container_id.h"
#include "container/proc.h"
#include "container/runtimes.h"
#include "util/array.h"
#include "util/hashmap.h"

struct daemon_process {
	pid_t pid;
	char comm[16];
};

struct scan {
	struct registry *registry;
	const char *root;
	struct daemon_process *daemons;
	size_t ndaemons, cap_daemons;
	struct hashmap *visited; /* directories */
	size_t row;		 /* of the runtime that is looking */
	bool foreign;		 /* process IDs seen here belong to another PID namespace */
	int error;
};

/* ---- for the rows ---- */

const char *scan__root(const struct scan *scan)
{
	return scan->root;
}

void scan__sight(struct scan *scan, const struct sighting *s)
{
	struct sighting seen = *s;

	if (scan->foreign)
		seen.pid = 0;
	registry__sight(scan->registry, &seen, scan->row);
}

bool scan__knows_name(const struct scan *scan, const char *id)
{
	const struct registry_entry *e = registry__find(scan->registry, "", id);

	return strlen(id) >= LONG_ID && e && e->c.name;
}

DIR *scan__visit(struct scan *scan, const char *root, const char *path)
{
	DIR *d = runtime_files__open_directory(root, path);
	uintptr_t value;
	struct stat st;
	uint64_t key;

	if (!d)
		return NULL;
	key = fstat(dirfd(d), &st) == 0 ? hash__mix(st.st_dev, st.st_ino) : 0;
	if (!hashmap__get(scan->visited, key, &value) && !hashmap__set(scan->visited, key, 1))
		return d;
	closedir(d);
	return NULL;
}

static bool comm_begins(const char *comm, const char *daemon)
{
	return daemon && !strncmp(comm, daemon, strlen(daemon));
}

pid_t scan__next_daemon(const struct scan *scan, pid_t pid)
{
	const char *daemon = runtimes__at(scan->row)->daemon;
	pid_t next = 0;

	for (size_t i = 0; i < scan->ndaemons; i++) {
		const struct daemon_process *d = &scan->daemons[i];

		if (d->pid > pid && (!next || d->pid < next) && comm_begins(d->comm, daemon))
			next = d->pid;
	}
	return next;
}

void scan__enter_daemon(struct scan *scan, pid_t pid, char root[PATH_BYTES])
{
	struct nesting nesting;

	container_proc__root(scan->root, pid, root);
	scan->foreign = container_proc__nesting(scan->root, pid, &nesting) || nesting.level;
}

/* ---- processes ---- */

static bool is_daemon(const char *comm)
{
	for (size_t i = 0; i < runtimes__count(); i++)
		if (comm_begins(comm, runtimes__at(i)->daemon))
			return true;
	return false;
}

static void note_daemon(struct scan *scan, pid_t pid, const char *comm)
{
	struct daemon_process *d;

	if (array__grow(&scan->daemons, &scan->cap_daemons, scan->ndaemons + 1, sizeof(*d))) {
		scan->error = -ENOMEM;
		return;
	}
	d = &scan->daemons[scan->ndaemons++];
	d->pid = pid;
	snprintf(d->comm, sizeof(d->comm), "%s", comm);
}

static void see_process(void *ctx, pid_t pid, char *cgroups, const char *comm)
{
	struct scan *scan = ctx;
	struct registry_entry *e;
	struct container_id id;
	struct nesting nesting;

	if (is_daemon(comm))
		note_daemon(scan, pid, comm);
	if (!container_id__innermost(cgroups, &id))
		return;
	e = registry__sight(scan->registry,
			    &(struct sighting){ .runtime = id.runtime, .id = id.id }, RANK_GUESS);
	if (!e || e->seen_first || container_proc__nesting(scan->root, pid, &nesting))
		return;
	e->seen_first = nesting.level && nesting.innermost == 1;
	if (e->seen_first || !e->seen)
		e->seen = pid;
}

int scan__run(struct registry *r, const char *root)
{
	struct scan scan = { .registry = r, .root = root, .visited = hashmap__new() };

	if (!scan.visited)
		return -ENOMEM;
	registry__begin_scan(r);
	container_proc__each(root, see_process, &scan);
	for (scan.row = 0; scan.row < runtimes__count(); scan.row++) {
		const struct runtime *rt = runtimes__at(scan.row);

		scan.foreign = false;
		if (rt->look)
			rt->look(&scan);
	}
	free(scan.daemons);
	hashmap__free(scan.visited);
	return scan.error ? scan.error : registry__error(r);
}

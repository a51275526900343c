/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a file claims about a container's first process is believed if that process is in the
 * container's cgroup or the first of a PID namespace, because files stay behind and process IDs are
 * reused.
 */
#include "container/containers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/internal.h"
#include "container/own_cgroup.h"
#include "container/scan.h"
#include "util/clock.h"

#define PATIENCE_NS 1000000000ull /* between scans for a container that is unknown */
#define LOOKS_MAX 5

struct containers *containers__new(const char *root)
{
	struct containers *cs = calloc(1, sizeof(*cs));

	if (!cs)
		return NULL;
	cs->registry = registry__new();
	cs->root = strdup(*root ? root : "/");
	if (cs->registry && cs->root)
		return cs;
	containers__free(cs);
	errno = ENOMEM;
	return NULL;
}

void containers__free(struct containers *cs)
{
	if (!cs)
		return;
	registry__free(cs->registry);
	free(cs->root);
	free(cs);
}

size_t containers__count(const struct containers *cs)
{
	return registry__count(cs->registry);
}

const struct container *containers__at(const struct containers *cs, size_t i)
{
	return &registry__at(cs->registry, i)->c;
}

/* Returns whether a sandbox's process is still in its namespace. */
static bool sandbox_runs(const struct containers *cs, const struct registry_entry *e)
{
	struct nesting nesting;

	return !container_proc__nesting(cs->root, e->claimed, &nesting) &&
	       nesting.inode == e->c.pidns;
}

/* Decides by which process a container runs, after a scan. */
static void settle_entry(struct containers *cs, struct registry_entry *e)
{
	e->c.init_pid = 0;
	if (!strcmp(e->c.runtime, SANDBOX)) {
		if (sandbox_runs(cs, e))
			e->c.init_pid = e->claimed;
	} else if (!own_cgroup__adopt(cs->registry, cs->root, e, e->claimed) &&
		   !own_cgroup__adopt(cs->registry, cs->root, e, e->seen)) {
		/* What it was recognised by may be reused, unless it is held. */
		e->c.ncgroups = 0;
		if (e->held < 0)
			e->c.pidns = 0;
	}
}

int containers__refresh(struct containers *cs)
{
	int err = scan__run(cs->registry, cs->root);

	for (size_t i = 0; i < registry__count(cs->registry); i++)
		settle_entry(cs, registry__at(cs->registry, i));
	cs->refreshed = clock__now_ns();
	return err ? err : registry__error(cs->registry);
}

/* ---- for the search ---- */

struct registry_entry *containers__known(struct containers *cs, const struct container_id *id)
{
	uint64_t now = clock__now_ns();
	struct registry_entry *e = registry__find(cs->registry, id->runtime, id->id);

	/* A runtime may write its files after it makes the cgroup. */
	if ((!e || (!e->c.name && e->looks < LOOKS_MAX)) &&
	    (!cs->refreshed || now - cs->refreshed > PATIENCE_NS)) {
		containers__refresh(cs);
		e = registry__find(cs->registry, id->runtime, id->id);
		if (e)
			e->looks++;
	}
	if (!e)
		e = registry__sight(cs->registry,
				    &(struct sighting){ .runtime = id->runtime, .id = id->id },
				    RANK_GUESS);
	return e;
}

void containers__hold(struct containers *cs, struct registry_entry *e)
{
	struct stat st;

	if (e->c.ncgroups || !e->c.pidns || e->held >= 0)
		return;
	e->held = container_proc__open_pidns(cs->root, e->c.init_pid);
	if (e->held >= 0 && (fstat(e->held, &st) != 0 || st.st_ino != e->c.pidns)) {
		close(e->held);
		e->held = -1;
	}
}

struct registry_entry *containers__sandbox(struct containers *cs, pid_t pid,
					   const struct nesting *nesting)
{
	struct sighting s = { .runtime = SANDBOX, .pid = pid };
	struct registry_entry *e;
	char id[32];

	snprintf(id, sizeof(id), "%llu", (unsigned long long)nesting->inode);
	s.id = id;
	e = registry__sight(cs->registry, &s, RANK_GUESS);
	if (!e)
		return NULL;
	e->c.init_pid = pid;
	e->c.pidns = nesting->inode;
	e->c.pidns_level = nesting->level;
	return e;
}

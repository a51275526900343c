/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the known containers by id, put together from sightings: what one place, such as a
 * runtime's file or a process's cgroup, says about one container. Strings are copied and live as
 * long as the registry; entries are never removed.
 */
#ifndef MEMTRACE_CONTAINER_REGISTRY_H
#define MEMTRACE_CONTAINER_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "container/containers.h"

#define SANDBOX "sandbox" /* the runtime of a container that is nothing but a PID namespace */
#define LONG_ID 32	  /* ids at least this long are random, and so unique */
#define REGISTRY_HINTS_MAX 16

/* How good a source is: the row of the runtime in its table; a guess ranks below them all. */
#define RANK_GUESS SIZE_MAX

/* What one place says about one container; only runtime and id are required. */
struct sighting {
	const char *runtime, *id, *name, *pod, *namespace;
	const char *hint; /* a cgroup's path, or the end of one, that is the container's */
	pid_t pid;	  /* of its init process, as some file claims; 0: none */
	bool pause;	  /* it only holds a pod's namespaces, so there is nothing to trace */
	bool old;	  /* names may have changed since: fills in only missing ones */
};

struct registry_entry {
	struct container c;
	size_t rank; /* of the source that named the runtime */
	bool pause;
	bool here;	    /* seen by the latest scan */
	unsigned int looks; /* number of looks for its name */
	const char *hints[REGISTRY_HINTS_MAX];
	size_t nhints;
	pid_t claimed; /* according to files */
	pid_t seen;    /* in its cgroup, the first of a PID namespace if possible */
	bool seen_first;
	int held; /* its PID namespace, -1: not held */
};

struct registry;

struct registry *registry__new(void);	 /* NULL on failure, errno set */
void registry__free(struct registry *r); /* takes NULL */

size_t registry__count(const struct registry *r);
struct registry_entry *registry__at(const struct registry *r, size_t i);

/* Finds an entry; NULL: unknown. For short ids, `runtime` tells containers of the same name
 * apart. */
struct registry_entry *registry__find(const struct registry *r, const char *runtime,
				      const char *id);
/* Returns whether these identify the entry; namespace may be NULL. */
bool registry__is(const struct registry_entry *e, const char *runtime, const char *id,
		  const char *namespace);

/* Marks every entry as not seen, and forgets which processes were claimed or seen for it. */
void registry__begin_scan(struct registry *r);
/* Adds a sighting and returns the container's entry; NULL if there is no id, too many entries, or
 * no memory. */
struct registry_entry *registry__sight(struct registry *r, const struct sighting *s, size_t rank);

/* Returns the registry's own copy; NULL for NULL, or if out of memory, which registry__error
 * reports. */
const char *registry__keep(struct registry *r, const char *s);
int registry__error(const struct registry *r); /* since the scan began: 0 or -ENOMEM */

#endif

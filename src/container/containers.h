/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds containers by name or ID, from the files that their runtimes keep and from running
 * processes, and says how to recognise a container's processes: by its cgroups, or, if it has none
 * of its own, by its PID namespace; never by a cgroup that it shares.
 *
 * No daemon is asked, so that the containers of one that hangs are found too. Names and paths are
 * foreign: they may hold any byte, and must be escaped where they are printed.
 */
#ifndef MEMTRACE_CONTAINER_CONTAINERS_H
#define MEMTRACE_CONTAINER_CONTAINERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "container/cgroups.h"

#define CONTAINER_CGROUPS 16

struct containers;

/* Belongs to its struct containers, as do its strings; a refresh may change it. */
struct container {
	const char
	    *runtime;	  /* "docker", …; "container": unknown; "sandbox": just a PID namespace */
	const char *id;	  /* never NULL */
	const char *name; /* NULL: unknown; in Kubernetes, within its pod */
	const char *pod;  /* NULL: none */
	const char *namespace; /* of Kubernetes, or containerd's; NULL: none */
	const char *display;   /* "docker web", "k8s default/web-1/app", "podman 0123456789ab" */
	pid_t init_pid;	       /* as we see it; 0: not running */
	/* Its own cgroups, best first: v2, memory, others. */
	size_t ncgroups;
	struct cgroup_line cgroups[CONTAINER_CGROUPS];
	/* Its own PID namespace: the inode of /proc/PID/ns/pid, 0 if it has none; its level counts
	 * from the namespace of our /proc. */
	uint64_t pidns;
	uint32_t pidns_level;
};

/* root: "" except in tests. Returns NULL and sets errno on failure. */
struct containers *containers__new(const char *root);
void containers__free(struct containers *cs); /* takes NULL */

/* Looks at everything again. Returns 0 or -ENOMEM. A container that has ended is kept, with
 * init_pid 0. */
int containers__refresh(struct containers *cs);

/* All containers, running or not, in the order in which they were found. */
size_t containers__count(const struct containers *cs);
const struct container *containers__at(const struct containers *cs, size_t i);

/*
 * Finds the container that `wanted` means: its name, its id, a unique prefix of an id,
 * NAMESPACE/POD/CONTAINER or a part of that, RUNTIME:NAME, or pid:PID for the one that a process is
 * in. Refreshes first. The container may have ended: init_pid is 0 then.
 *
 * Returns 0, or:
 *	-ENOENT		no such container; candidates are all that run
 *	-ENOTUNIQ	several match; candidates are those
 *	-ESRCH		of pid:PID: no such process, or one that is in no container
 *	-ENOMEM
 *
 * `candidates` may be NULL; otherwise the caller frees the array.
 *
 * If the container is nothing but a PID namespace, that is held until containers__free, so that its
 * number cannot be reused.
 */
int containers__find(struct containers *cs, const char *wanted, const struct container **found,
		     const struct container ***candidates, size_t *n);

/*
 * Finds the innermost container that a process belongs to; NULL: none that is known. Cheap for
 * known containers; an unknown one is looked for at most once a second.
 */
const struct container *containers__of_process(struct containers *cs, pid_t pid);

/*
 * Finds the best of a running container's cgroups that can be looked up, v2 before memory before
 * others. Returns 0, or:
 *	-EOPNOTSUPP	it has none of its own: compare its PID namespace, or, if pidns is 0
 *			too, report that its processes cannot be distinguished from others
 *	another		as of cgroups__lookup: the last one could not be looked up
 */
int containers__cgroup(const struct container *c, struct cgroup *out);

/* ---- for tests ---- */

/* Like containers__of_process, for the processes of a cgroup. The id in its path is enough, even
 * before a process is in it. */
const struct container *containers__of_cgroup(struct containers *cs, const char *path);

#endif

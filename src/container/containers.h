/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds containers by name or id, from the files that their runtimes keep and from the processes
 * that run, and says how the processes of one are recognised: by its cgroups, or, where it has none
 * of its own, by its PID namespace; never by a cgroup that it shares.
 *
 * No daemon is asked anything, so that the containers of one that hangs are found as well. Names
 * and paths are foreign: they may hold any byte, and must be escaped where they are printed.
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
	pid_t init_pid;	       /* as we see it; 0: it does not run */
	/* Its own cgroups, best first: v2, memory, others. */
	size_t ncgroups;
	struct cgroup_line cgroups[CONTAINER_CGROUPS];
	/* Its own PID namespace: the inode of /proc/PID/ns/pid, 0 where it has none; its level
	 * counts from that of our /proc. */
	uint64_t pidns;
	uint32_t pidns_level;
};

/* The root directory is "" but in tests. NULL and errno. */
struct containers *containers__new(const char *root);
void containers__free(struct containers *cs); /* takes NULL */

/* Looks at everything again. 0 or -ENOMEM. A container that has ended is kept, with init_pid 0. */
int containers__refresh(struct containers *cs);

/* All of them, running or not, in the order in which they were found. */
size_t containers__count(const struct containers *cs);
const struct container *containers__at(const struct containers *cs, size_t i);

/*
 * The container that `wanted` means: its name, its id, the only id that begins so,
 * NAMESPACE/POD/CONTAINER or a part of that, RUNTIME:NAME, or pid:PID for the one that a process
 * lives in. Refreshes first. What is found may have ended: init_pid is 0 then.
 *
 * 0, or:
 *	-ENOENT		there is none; candidates are all that run
 *	-ENOTUNIQ	there are several; candidates are those
 *	-ESRCH		of pid:PID: no such process, or one that is in no container
 *	-ENOMEM
 *
 * `candidates` may be NULL; otherwise the caller frees the array.
 *
 * Where a PID namespace is all there is of what was found, it is held until containers__free, so
 * that its number cannot become that of another.
 */
int containers__find(struct containers *cs, const char *wanted, const struct container **found,
		     const struct container ***candidates, size_t *n);

/*
 * The innermost container that a process belongs to; NULL: none that is known. Cheap for containers
 * met before; an unknown one is looked for at most once a second.
 */
const struct container *containers__of_process(struct containers *cs, pid_t pid);

/*
 * The best of a running container's cgroups that can be looked up, v2 before memory before others.
 * 0, or:
 *	-EOPNOTSUPP	it has none of its own: compare its PID namespace, or, where pidns is 0
 *			too, say that its processes cannot be told from others
 *	another		as of cgroups__lookup: the last one could not be looked up
 */
int containers__cgroup(const struct container *c, struct cgroup *out);

/* ---- for tests ---- */

/* As containers__of_process, of the processes of a cgroup. The id in its path is enough, even
 * before a process is in it. */
const struct container *containers__of_cgroup(struct containers *cs, const char *path);

#endif

/*
 * Finds containers by name or id, from the files that their runtimes keep and from the processes
 * that run, and says how the processes of one are recognised: by its cgroups, or, where it has none
 * of its own, by its PID namespace; never by a cgroup that it shares.
 *
 * Nothing here is asked of a daemon, so that a container of one that hangs is found as well. Names
 * and paths are foreign: any byte may be in them, so whoever prints them escapes them.
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

/* Belongs to its struct containers, and so do its strings; a refresh may change what it says. */
struct container {
	const char *runtime; /* "docker", …; "container": unknown; "sandbox": just a namespace */
	const char *id;	     /* never NULL */
	const char *name;    /* NULL: unknown; of Kubernetes: the container's in its pod */
	const char *pod;     /* NULL: none */
	const char *space;   /* the namespace: of Kubernetes, or containerd's; NULL: none */
	const char *display; /* "docker web", "k8s default/web-1/app", "podman 0123456789ab" */
	pid_t init_pid;	     /* as we see it; 0: it does not run */
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

/* Looks at everything anew. 0 or -ENOMEM. What has ended is kept, with init_pid 0. */
int containers__refresh(struct containers *cs);

/* All there are, running or not, in the order in which they were found. */
size_t containers__count(const struct containers *cs);
const struct container *containers__at(const struct containers *cs, size_t i);

/*
 * The container that `wanted` means: its name, its id, the only id that begins so,
 * NAMESPACE/POD/CONTAINER or a part of that, RUNTIME:NAME, or pid:PID for the one that a process
 * lives in. Refreshes first.
 *
 * 0; -ENOENT: there is none, and candidates are all that run; -ENOTUNIQ: several, and candidates
 * are those; -ESRCH: no such process, or one in no container; -ENOMEM. `candidates` may be NULL;
 * else the caller frees the array.
 *
 * A PID namespace that is all there is of what was found is held until containers__free, so that
 * its number cannot become that of another.
 */
int containers__find(struct containers *cs, const char *wanted, const struct container **found,
		     const struct container ***candidates, size_t *n);

/*
 * The container that a cgroup or a process belongs to, the innermost; NULL: none that is known.
 * Cheap for containers met before; an unknown one is looked for at most once a second. A cgroup
 * counts by the id in its path alone, even before a process is in it.
 */
const struct container *containers__of_cgroup(struct containers *cs, const char *path);
const struct container *containers__of_process(struct containers *cs, pid_t pid);

/* Whether `wanted` (but not pid:PID) can mean this container: for one that may come later. */
bool containers__answers(const struct container *c, const char *wanted);

/*
 * The best of a running container's cgroups that can be looked up, v2 before memory before others.
 * 0; -EOPNOTSUPP: it has none of its own: compare its PID namespace, or, where pidns is 0 too, say
 * that it cannot be told from the rest; or another negative errno.
 */
int containers__cgroup(const struct container *c, struct cgroup *out);

#endif

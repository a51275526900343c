/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The known container runtimes, a row each. To add one: write its file, which defines `const struct
 * runtime runtime_NAME`, and add NAME to RUNTIMES. A runtime comes before those that it calls
 * (docker before containerd and runc): it has the names that users know, and a row's names override
 * those of later rows.
 */
#ifndef MEMTRACE_CONTAINER_RUNTIMES_H
#define MEMTRACE_CONTAINER_RUNTIMES_H

#include <stdbool.h>
#include <stddef.h>

struct scan;

/* A part of a cgroup's path, between slashes; not terminated. */
struct path_part {
	const char *s;
	size_t len;
};

/* A word before a container's id in a cgroup's path ("docker" in docker-ID.scope), and the runtime
 * that writes it. */
struct cgroup_word {
	const char *word, *runtime;
};

#define RUNTIME_WORDS 4

struct runtime {
	const char *name;
	/* The prefix of the comm of processes that know where its files are; NULL: none. */
	const char *daemon;
	struct cgroup_word words[RUNTIME_WORDS];
	/* Returns true, and the name, if `part`, below `above`, is the cgroup of a container that
	 * has a name instead of an id of 64 hexadecimal digits. NULL: it has no such containers. */
	bool (*name_in_cgroup)(struct path_part part, struct path_part above,
			       struct path_part *name);
	/* Reads its files, and reports what it finds with scan__sight. NULL: it has none. */
	void (*look)(struct scan *scan);
};

#define RUNTIMES(ROW)                                                                              \
	ROW(docker) ROW(containerd) ROW(podman) ROW(runc) ROW(crun) ROW(nspawn) ROW(lxc)

#define RUNTIME_DECLARE(name) extern const struct runtime runtime_##name;
RUNTIMES(RUNTIME_DECLARE)
#undef RUNTIME_DECLARE

size_t runtimes__count(void);
const struct runtime *runtimes__at(size_t i);

#endif

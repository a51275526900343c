/*
 * The container runtimes that are known, a row each. To add one: write its file, which defines
 * `const struct runtime runtime_NAME`, and add NAME to RUNTIMES. Rows that come first know names
 * better: what runs containers for others (docker for users, runc for docker) stands before them.
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

/* A word that stands before a container's id in a cgroup's path, "docker" in docker-ID.scope. */
struct cgroup_word {
	const char *word, *runtime;
};

#define RUNTIME_WORDS 4

struct runtime {
	const char *name;
	/* How the comm of processes begins that know where its files lie; NULL: none do. */
	const char *daemon;
	struct cgroup_word words[RUNTIME_WORDS];
	/* The name of a container whose cgroup `part` is, `above` being the part above it; false:
	 * it is none. NULL: its cgroups have ids of 64 hexadecimal digits, or nothing. */
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

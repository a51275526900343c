/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds cgroups as the kernel identifies them, by hierarchy, kernfs id and level, which is what a
 * BPF program can compare, from a directory or from a line of /proc/PID/cgroup. Hierarchies that
 * have no visible mount are mounted for the lookup alone, without being attached anywhere.
 */
#ifndef MEMTRACE_CONTAINER_CGROUPS_H
#define MEMTRACE_CONTAINER_CGROUPS_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup {
	char controller[24]; /* one of its v1 hierarchy's, memory if possible; "": the v2
			      * hierarchy */
	uint64_t id;	     /* of kernfs: cgroup->kn->id, bpf_get_current_cgroup_id() */
	uint32_t level;	     /* below the hierarchy's root, whose level is 0 and holds every
			      * process */
};

/* One line of /proc/PID/cgroup. */
struct cgroup_line {
	const char *controllers; /* "", "memory", "cpu,cpuacct", "name=systemd" */
	const char *path;	 /* "/system.slice/x.service", as seen from our cgroup namespace */
};

/*
 * Takes the next line from the text of /proc/PID/cgroup, which is cut up in place: start with *text
 * at its first byte. False at the end. Skips named hierarchies, which have no controller that a BPF
 * program could ask for.
 */
bool cgroups__next_line(char **text, struct cgroup_line *line);

/* Finds the cgroup of a line. Returns 0, -ENOENT if it is gone, or another negative errno. */
int cgroups__lookup(const struct cgroup_line *line, struct cgroup *out);

/* Opens the directory of a line's cgroup. Returns a descriptor, or as cgroups__lookup. */
int cgroups__open(const struct cgroup_line *line);

/*
 * Finds the cgroup that a user named, by a directory of any mounted hierarchy, or by a path as in
 * /proc/PID/cgroup. Returns 0, or:
 *	-ENOENT		there is no such file
 *	-ENOTDIR	it is not a directory
 *	-EINVAL		it is not a cgroup's directory
 *	-EOPNOTSUPP	it is of a v1 hierarchy without controllers
 *	another		as of open(2)
 */
int cgroups__resolve(const char *path, struct cgroup *out);

#endif

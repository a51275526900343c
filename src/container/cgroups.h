/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control groups as the kernel knows them: by hierarchy, kernfs id and level, which is what a BPF
 * program can compare, found from a directory or from a line of /proc/PID/cgroup. Hierarchies that
 * are mounted nowhere in sight are mounted for the look-up alone, attached nowhere.
 */
#ifndef MEMTRACE_CONTAINER_CGROUPS_H
#define MEMTRACE_CONTAINER_CGROUPS_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup {
	char controller[24]; /* one of its v1 hierarchy, memory if possible; "": the v2 hierarchy */
	uint64_t id;	     /* of kernfs: cgroup->kn->id, bpf_get_current_cgroup_id() */
	uint32_t level;	     /* below the hierarchy's root, which has 0 and holds every process */
};

/* One line of /proc/PID/cgroup. */
struct cgroup_line {
	const char *controllers; /* "", "memory", "cpu,cpuacct", "name=systemd" */
	const char *path;	 /* "/system.slice/x.service", as seen from our cgroup namespace */
};

/*
 * The next line of the text of /proc/PID/cgroup, which is cut up in place: start with *text at its
 * first byte. False at the end. Named hierarchies, which have no controller that a program could
 * ask for, are skipped.
 */
bool cgroups__next_line(char **text, struct cgroup_line *line);

/* The cgroup of a line. 0, -ENOENT where it is gone, or another negative errno. */
int cgroups__lookup(const struct cgroup_line *line, struct cgroup *out);

/*
 * The cgroup that a user named, by a directory of any mounted hierarchy, or by a path as in
 * /proc/PID/cgroup. 0, or:
 *	-ENOENT		there is no such file
 *	-ENOTDIR	it is not a directory
 *	-EINVAL		it is not a cgroup's directory
 *	-EOPNOTSUPP	it is of a v1 hierarchy without controllers
 *	another		as of open(2)
 */
int cgroups__resolve(const char *path, struct cgroup *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds out how a container's processes are recognised: by cgroups of its own, or by its PID
 * namespace. */
#ifndef MEMTRACE_CONTAINER_OWN_CGROUP_H
#define MEMTRACE_CONTAINER_OWN_CGROUP_H

#include "container/registry.h"

/*
 * Takes a process as the container's first, if it is in a cgroup of the container's own or is the
 * first of a PID namespace, and sets init_pid, cgroups and pidns of the container. Otherwise
 * returns false, and the container has no cgroups. `root` as in proc.h.
 */
bool own_cgroup__adopt(struct registry *r, const char *root, struct registry_entry *e, pid_t pid);

#endif

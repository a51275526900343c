/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offered by containers.c to the search (find.c). */
#ifndef MEMTRACE_CONTAINER_INTERNAL_H
#define MEMTRACE_CONTAINER_INTERNAL_H

#include "container/container_id.h"
#include "container/proc.h"
#include "container/registry.h"

struct containers {
	char *root;
	struct registry *registry;
	uint64_t refreshed; /* time, ns */
};

/* Keeps the number of a container's PID namespace from being reused, if the container is nothing
 * but that. */
void containers__hold(struct containers *cs, struct registry_entry *e);
/* Finds the container with this id. One that is unknown, or has no name yet, is looked for at most
 * once a second; one that is not found is made up from the id. NULL: out of memory. */
struct registry_entry *containers__known(struct containers *cs, const struct container_id *id);
/* Finds or makes the container that is nothing but a PID namespace, from one of its processes. */
struct registry_entry *containers__sandbox(struct containers *cs, pid_t pid,
					   const struct nesting *nesting);

#endif

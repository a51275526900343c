/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds container ids in the paths of cgroups. A directory is a container's own if it is named
 * after one: by an id of 64 hexadecimal digits, alone or after a runtime's word, or in the way of a
 * runtime whose containers have only names.
 */
#ifndef MEMTRACE_CONTAINER_CONTAINER_ID_H
#define MEMTRACE_CONTAINER_CONTAINER_ID_H

#include <stdbool.h>
#include <stddef.h>

struct container_id {
	const char *runtime; /* a guess; "container": unknown */
	char id[256];
	size_t end; /* length of the path up to and including the container's directory */
};

/* Finds the next one in a path at or after *pos; start with 0. False at the end. */
bool container_id__next(const char *path, size_t *pos, struct container_id *out);
/* Finds the last one in a path. False: it has none. */
bool container_id__last(const char *path, struct container_id *out);
/* Finds the last one of the longest path in the text of /proc/PID/cgroup, which is cut up in
 * place. */
bool container_id__innermost(char *text, struct container_id *out);

#endif

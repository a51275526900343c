/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Containers' ids in the paths of cgroups. A directory is a container's own if it is named after
 * one: by an id of 64 hexadecimal digits, alone or behind a runtime's word, or as runtimes do whose
 * containers have only names.
 */
#ifndef MEMTRACE_CONTAINER_CONTAINER_ID_H
#define MEMTRACE_CONTAINER_CONTAINER_ID_H

#include <stdbool.h>
#include <stddef.h>

struct container_id {
	const char *runtime; /* a guess; "container": unknown */
	char id[256];
	size_t end; /* of the path up to and including the container's directory */
};

/* The next one in a path from *pos on; start with 0. False at the end. */
bool container_id__next(const char *path, size_t *pos, struct container_id *out);
/* The last one in a path. False: it has none. */
bool container_id__last(const char *path, struct container_id *out);
/* The last one of the longest path in the text of /proc/PID/cgroup, which is cut up in place. */
bool container_id__innermost(char *text, struct container_id *out);

#endif

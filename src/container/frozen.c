/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frozen process looks as if it slept. In version 2, the file cgroup.events says whether all of a
 * cgroup is frozen, by itself or by one above it; in version 1, freezer.state.
 */
#include "container/frozen.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container/cgroups.h"
#include "util/file.h"

#define STATE_MAX 256

static bool says(int dir, const char *name, const char *line)
{
	char text[STATE_MAX] = "\n";
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text + 1, sizeof(text) - 2);
	close(fd);
	return n > 0 && strstr(text, line);
}

static bool is_frozen(const struct cgroup_line *line)
{
	bool v2 = !*line->controllers, frozen;
	int dir;

	/* The root of a hierarchy cannot be frozen. */
	if ((!v2 && strcmp(line->controllers, "freezer")) || !strcmp(line->path, "/"))
		return false;
	dir = cgroups__open(line);
	if (dir < 0)
		return false;
	frozen = v2 ? says(dir, "cgroup.events", "\nfrozen 1\n")
		    : says(dir, "freezer.state", "\nFROZEN\n");
	close(dir);
	return frozen;
}

bool frozen__process(uint32_t pid)
{
	struct cgroup_line line;
	char path[64], *text, *at;
	bool frozen = false;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/cgroup", pid);
	at = text = file__read(path, NULL);
	while (text && !frozen && cgroups__next_line(&at, &line))
		frozen = is_frozen(&line);
	free(text);
	return frozen;
}

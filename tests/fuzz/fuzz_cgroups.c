/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arbitrary texts of /proc/PID/cgroup under libFuzzer, and the container ids in their paths. */
#include "fuzz.h"

#include "container/cgroups.h"
#include "container/container_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = as_string(data, size), *copy = strdup(text), *at = copy;
	struct container_id id, last;
	struct cgroup_line line;

	require(copy != NULL);
	while (cgroups__next_line(&at, &line)) {
		size_t pos = 0, n = 0;

		read_through(line.controllers);
		while (container_id__next(line.path, &pos, &id)) {
			require(pos && pos <= strlen(line.path) && id.end <= strlen(line.path));
			require(strnlen(id.id, sizeof(id.id)) < sizeof(id.id));
			read_through(id.runtime);
			n++;
		}
		require(container_id__last(line.path, &last) == (n > 0));
		require(!n || !strcmp(last.id, id.id));
	}
	if (container_id__innermost(text, &id))
		read_through(id.id);
	free(copy);
	free(text);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LXC's containers have names, not ids, and are found only by their processes' cgroups. */
#include <string.h>

#include "container/runtimes.h"

/* "lxc.payload.NAME", or NAME below "lxc.payload" or a top directory called "lxc". */
static bool lxc_name_in_cgroup(struct path_part part, struct path_part above,
			       struct path_part *name)
{
	static const char prefix[] = "lxc.payload.";
	const size_t n = sizeof(prefix) - 1;

	*name = part;
	if (part.len > n && !strncmp(part.s, prefix, n)) {
		name->s += n;
		name->len -= n;
		return true;
	}
	return (above.len == 3 && !strncmp(above.s, "lxc", 3)) ||
	       (above.len == n - 1 && !strncmp(above.s, prefix, n - 1));
}

const struct runtime runtime_lxc = {
	.name = "lxc",
	.name_in_cgroup = lxc_name_in_cgroup,
};

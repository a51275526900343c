/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says whether a process stands still because its cgroup is frozen, as that of a paused container.
 */
#ifndef MEMTRACE_CONTAINER_FROZEN_H
#define MEMTRACE_CONTAINER_FROZEN_H

#include <stdbool.h>
#include <stdint.h>

/* Returns false if it is not, or if that cannot be read. */
bool frozen__process(uint32_t pid);

#endif

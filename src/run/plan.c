/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/plan.h"

#include <stdlib.h>
#include <unistd.h>

#include "profile/suppressions.h"
#include "profile/wrappers.h"

/* A quarter of the machine's memory. */
static uint64_t default_memory_limit(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	uint64_t quarter = pages > 0 && page > 0 ? (uint64_t)pages / 4 * (uint64_t)page : 0;

	return quarter > MEMORY_LIMIT_LEAST ? quarter : MEMORY_LIMIT_LEAST;
}

struct plan plan__default(void)
{
	return (struct plan){
		.children = true,
		.interval_s = 10,
		.query = { .sort = SORT_LEAK, .top = 10, .heap = true, .map = true },
		.max_size = UINT64_MAX,
		.default_rules = true,
		.format = report__at(0),
		.record_bytes = 1ull << 30,
		.stack_mode = STACK_DWARF,
		.memory_limit = default_memory_limit(),
		.max_depth = EVENT_MAX_FRAMES,
		.unwind_memory = 64ull << 20,
		.ring_bytes = RING_BYTES,
		.debuginfod_s = 10,
	};
}

void plan__release(struct plan *plan)
{
	free(plan->pids);
	free(plan->containers);
	free(plan->cgroups);
	probe_specs__release(&plan->probes);
	suppressions__free(plan->rules);
	wrappers__free(plan->wrappers);
	conditions__release(&plan->checks);
	plan->pids = NULL;
	plan->containers = plan->cgroups = NULL;
	plan->npids = plan->ncontainers = plan->ncgroups = 0;
	plan->rules = NULL;
	plan->wrappers = NULL;
}

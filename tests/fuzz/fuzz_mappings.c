/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary texts of /proc/PID/maps under libFuzzer: no crash, and mappings that neither overlap
 * nor are out of order. Each input replaces what its first half described, as a refresh does.
 */
#include "fuzz.h"

#include "symbols/mappings.h"
#include "symbols/module.h"

static void check(const struct mappings *maps)
{
	uint64_t end = 0;

	for (size_t i = 0; i < mappings__count(maps); i++) {
		const struct mapping *m = mappings__at(maps, i);

		require(m->start >= end && m->start < m->end);
		end = m->end;
		read_through(m->path);
		require(mappings__find(maps, m->start) == m);
		require(mappings__find(maps, m->end - 1) == m);
	}
	mappings__find(maps, UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mappings *maps = mappings__new((uint32_t)getpid()), *copy;
	struct modules *modules = modules__new();
	size_t parts[] = { size / 2, size };

	require(maps && modules);
	for (size_t i = 0; i < 2; i++) {
		char *text = exact_copy(data, parts[i]);

		mappings__parse(maps, modules, text, parts[i]);
		free(text);
		check(maps);
	}
	copy = mappings__copy(maps, 1);
	require(copy != NULL);
	mappings__free(maps);
	check(copy);
	mappings__map(copy,
		      &(struct mapping){ .start = 0x1000, .end = 0x800000000000, .path = "" });
	check(copy);
	mappings__free(copy);
	modules__free(modules);
	return 0;
}

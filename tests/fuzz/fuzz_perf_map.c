/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arbitrary perf maps under libFuzzer: no crash, no hang, and the latest line about an address
 * wins. */
#include "fuzz.h"

#include "symbols/perf_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = exact_copy(data, size);
	struct perf_map *m = perf_map__parse(text, size);

	free(text);
	if (!m)
		return 0;
	for (uint64_t at = 0; at < 0x10000; at += 251)
		read_through(perf_map__find(m, at));
	read_through(perf_map__find(m, UINT64_MAX));
	read_through(perf_map__find(m, UINT64_MAX - 1));
	require(perf_map__count(m) <= size);
	require(perf_map__memory(m) < (1u << 20) + 1000 * size);
	perf_map__free(m);
	return 0;
}

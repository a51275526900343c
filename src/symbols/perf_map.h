/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the symbols of code that a runtime generates, which it writes to /tmp/perf-PID.map: one
 * line for each piece of code, "START SIZE name", numbers in hexadecimal. A runtime appends; the
 * last line about an address is the valid one.
 */
#ifndef MEMTRACE_SYMBOLS_PERF_MAP_H
#define MEMTRACE_SYMBOLS_PERF_MAP_H

#include <stddef.h>
#include <stdint.h>

struct perf_map;

/* Invalid lines are skipped. The text stays the caller's. Returns NULL and sets errno on
 * failure. */
struct perf_map *perf_map__parse(const char *text, size_t len);
void perf_map__free(struct perf_map *m); /* takes NULL */

/* Finds the name, as written, of the code at an address; NULL: none. Valid as long as the map. */
const char *perf_map__find(const struct perf_map *m, uint64_t addr);
size_t perf_map__memory(const struct perf_map *m);

/* ---- for tests ---- */

size_t perf_map__count(const struct perf_map *m); /* pieces of code */

#endif

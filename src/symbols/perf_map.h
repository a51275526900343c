/*
 * The symbols of code made at run time, as the runtime writes them to /tmp/perf-PID.map: a line for
 * each piece of code, "START SIZE name", numbers in hexadecimal. A runtime appends; what it wrote
 * last about an address is true.
 */
#ifndef MEMTRACE_PERFMAP_H
#define MEMTRACE_PERFMAP_H

#include <stddef.h>
#include <stdint.h>

struct perfmap;

/* Lines that are none are skipped. The text stays the caller's. NULL and errno. */
struct perfmap *perfmap__parse(const char *text, size_t len);
void perfmap__free(struct perfmap *m);	/* takes NULL */

/* The name, as written, of the code at an address; NULL: none. Valid as long as the map. */
const char *perfmap__find(const struct perfmap *m, uint64_t addr);
size_t perfmap__count(const struct perfmap *m);	/* pieces of code */
size_t perfmap__memory(const struct perfmap *m);

#endif

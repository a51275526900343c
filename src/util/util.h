/* Small things every layer needs: parsing of numbers and sizes, clocks, checked allocation sizes.
 */
#ifndef MEMTRACE_UTIL_UTIL_H
#define MEMTRACE_UTIL_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Each returns 0, or -EINVAL where `s` is not wholly such a number, or -ERANGE. */
int util__parse_u64(const char *s, uint64_t *out);
int util__parse_size(const char *s,
		     uint64_t *out); /* bytes, with suffix k, m, g (binary), any case */
int util__parse_seconds(const char *s, double *out); /* a finite decimal >= 0 */

uint64_t util__now_ns(void);  /* CLOCK_MONOTONIC, as bpf_ktime_get_ns */
uint64_t util__wall_ns(void); /* CLOCK_REALTIME */

/* "412.6 MiB", "512 B"; at most 12 bytes with the terminator. Returns buf. */
char *util__format_size(char *buf, size_t cap, uint64_t bytes);

uint64_t util__resident_bytes(uint32_t pid); /* 0 where the process is gone */

/* The whole of a file such as those in /proc, as a string that the caller frees. NULL, errno set.
 */
char *util__read_file(const char *path, size_t *len);

#endif

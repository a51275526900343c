/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads numbers, sizes and durations strictly: no blanks, no signs, nothing after the number. Each
 * function returns 0, -EINVAL if `s` as a whole is not such a number, or -ERANGE; on failure *out
 * is unchanged.
 */
#ifndef MEMTRACE_UTIL_PARSE_H
#define MEMTRACE_UTIL_PARSE_H

#include <stdint.h>

int parse__u64(const char *s, uint64_t *out);	/* decimal */
int parse__size(const char *s, uint64_t *out);	/* bytes; suffix k, m, g (binary), any case */
int parse__seconds(const char *s, double *out); /* a finite decimal >= 0 */

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names the capabilities that a process lacks. `caps` has a bit for each that it has, by the
 * numbers of linux/capability.h.
 */
#ifndef MEMTRACE_UTIL_CAPS_H
#define MEMTRACE_UTIL_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

uint64_t caps__effective(void); /* this process's; 0 if they cannot be read */

/* Returns whether they include a capability, or another that permits the same. */
bool caps__has(uint64_t caps, int cap);

/* Adds the names of those of `wanted` that are missing, separated by commas. Returns how many. */
size_t caps__add_missing(struct strbuf *out, uint64_t caps, const int *wanted, size_t n);

/* Says why something was not permitted that `needed` permit: "CAP_SYS_PTRACE is missing", or that
 * none is. Returns buf. */
char *caps__explain(uint64_t caps, const int *needed, size_t n, char *buf, size_t size);

#endif

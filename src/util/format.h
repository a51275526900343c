/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats numbers for people. */
#ifndef MEMTRACE_UTIL_FORMAT_H
#define MEMTRACE_UTIL_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* "412.6 MiB", "512 B"; at most 12 bytes, including the terminator. Returns buf. */
char *format__size(char *buf, size_t cap, uint64_t bytes);

#endif

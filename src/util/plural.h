/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives the ending of a noun after a number: "1 leak", "2 leaks". */
#ifndef MEMTRACE_UTIL_PLURAL_H
#define MEMTRACE_UTIL_PLURAL_H

#include <stdint.h>

static inline const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

#endif

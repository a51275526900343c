/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unit of all leak rates in one report, so that they can be compared at a glance: bytes an
 * hour, with the prefix that suits the sum of the leaks.
 */
#ifndef MEMTRACE_REPORT_RATE_UNIT_H
#define MEMTRACE_REPORT_RATE_UNIT_H

#include <stddef.h>

#include "profile/profile.h"

struct rate_unit; /* one of a table */

/* Of a report: by the rate of its leaks; without one, by that of what grows. */
const struct rate_unit *rate_unit__of(const struct profile *p);
/* By the rate that should read best, in bytes a second. */
const struct rate_unit *rate_unit__for(double bytes_per_s);

/* "+1.2 MiB/h", "+0.03 MiB/h", "+12,345 KiB/h", "<0.01 GiB/h", "-3 B/h". 32 bytes are enough. Fills
 * buf and returns it. */
char *rate_unit__print(char *buf, size_t cap, const struct rate_unit *unit, double bytes_per_s);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/rate_unit.h"

#include <math.h>
#include <stdio.h>

#include "report/number.h"
#include "util/array.h"

struct rate_unit {
	const char *name;
	double bytes;
};

/* An hour: a minute is too short for what eats a server's memory, and a day for a test's. */
#define SECONDS 3600.0

static const struct rate_unit units[] = {
	{ "B/h", 1 },	     { "KiB/h", 0x1p10 }, { "MiB/h", 0x1p20 }, { "GiB/h", 0x1p30 },
	{ "TiB/h", 0x1p40 }, { "PiB/h", 0x1p50 }, { "EiB/h", 0x1p60 },
};

const struct rate_unit *rate_unit__for(double bytes_per_s)
{
	double bytes = fabs(bytes_per_s) * SECONDS;
	size_t u = 0;

	/* A value that rounds to 1024.0 belongs to the next unit. */
	while (u + 1 < ARRAY_SIZE(units) && bytes >= 1023.95 * units[u].bytes)
		u++;
	return &units[u];
}

const struct rate_unit *rate_unit__of(const struct profile *p)
{
	return rate_unit__for(p->leak.group_rate_bps > 0 ? p->leak.group_rate_bps
							 : p->growing.group_rate_bps);
}

char *rate_unit__print(char *buf, size_t cap, const struct rate_unit *unit, double bytes_per_s)
{
	double n = fabs(bytes_per_s) * SECONDS / unit->bytes;
	const char *sign = bytes_per_s > 0 ? "+" : bytes_per_s < 0 ? "-" : "";
	double least = unit == units ? 1 : 0.01;
	char whole[32];

	if (n >= 999.95) /* the greatest rates are no longer distinguished */
		snprintf(buf, cap, "%s%s %s", sign,
			 number__count(whole, sizeof(whole),
				       n < 0x1p53 ? (uint64_t)(n + 0.5) : 1ull << 53),
			 unit->name);
	else if (n > 0 && n < least)
		snprintf(buf, cap, "<%g %s", least, unit->name);
	else
		snprintf(buf, cap, "%s%.*f %s", sign,
			 unit == units || n == 0 ? 0
			 : n < 0.995		 ? 2
						 : 1,
			 n, unit->name);
	return buf;
}

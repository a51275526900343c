/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/format.h"

#include <stdio.h>

char *format__size(char *buf, size_t cap, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	double d = (double)bytes / 1024;
	unsigned int u = 0;

	if (bytes < 1024) {
		snprintf(buf, cap, "%u B", (unsigned int)bytes);
		return buf;
	}
	/* A value that rounds to 1024.0 belongs to the next unit. */
	for (; d >= 1023.95 && u + 2 < sizeof(units); u++)
		d /= 1024;
	snprintf(buf, cap, "%.1f %ciB", d, units[u]);
	return buf;
}

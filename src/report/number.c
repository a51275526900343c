/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/array.h"
#include "util/format.h"

char *number__count(char *buf, size_t cap, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	size_t at = 0;

	for (int i = 0; i < len && at + 2 < cap; i++) {
		if (i && (len - i) % 3 == 0)
			buf[at++] = ',';
		buf[at++] = digits[i];
	}
	buf[at] = '\0';
	return buf;
}

char *number__signed(char *buf, size_t cap, int64_t n)
{
	char count[28];

	number__count(count, sizeof(count), n < 0 ? -(uint64_t)n : (uint64_t)n);
	snprintf(buf, cap, "%s%s", n > 0 ? "+" : n < 0 ? "-" : "", count);
	return buf;
}

static const char *plural_ending(const char *noun)
{
	size_t len = strlen(noun);

	return len && noun[len - 1] == 's' ? "es" : "s";
}

char *number__noun(char *buf, size_t cap, uint64_t n, const char *noun)
{
	char count[32];

	snprintf(buf, cap, "%s %s%s", number__count(count, sizeof(count), n), noun,
		 n == 1 ? "" : plural_ending(noun));
	return buf;
}

char *number__signed_noun(char *buf, size_t cap, int64_t n, const char *noun)
{
	char count[32];

	snprintf(buf, cap, "%s %s%s", number__signed(count, sizeof(count), n), noun,
		 n == 1 || n == -1 ? "" : plural_ending(noun));
	return buf;
}

char *number__rate(char *buf, size_t cap, double per_s)
{
	static const char units[] = " kMGTPE";
	size_t u = 0;

	/* A value that would round to 1000 is printed in the next unit. */
	for (; per_s >= (u ? 999.95 : 999.5) && u + 2 < sizeof(units); u++)
		per_s /= 1000;
	if (u)
		snprintf(buf, cap, "%.1f%c", per_s, units[u]);
	else if (per_s < 0.05)
		snprintf(buf, cap, per_s > 0 ? "<0.1" : "0");
	else
		snprintf(buf, cap, per_s < 99.95 ? "%.1f" : "%.0f", per_s);
	return buf;
}

char *number__change(char *buf, size_t cap, int64_t bytes)
{
	char size[32];
	uint64_t magnitude = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;

	format__size(size, sizeof(size), magnitude);
	snprintf(buf, cap, "%s%s", bytes < 0 ? "-" : bytes ? "+" : "", size);
	return buf;
}

char *number__share(char *buf, size_t cap, double share)
{
	double percent = share * 100;
	int digits = percent >= 9.95 || percent <= 0 ? 0 : percent >= 0.995 ? 1 : 2;

	if (percent > 0 && percent < 0.01)
		snprintf(buf, cap, "<0.01%%");
	else
		snprintf(buf, cap, "%.*f%%", digits, percent);
	return buf;
}

char *number__seconds(char *buf, size_t cap, double s)
{
	uint64_t n = s > 0 && s < 1e15 ? (uint64_t)s : 0;

	if (n < 10)
		snprintf(buf, cap, "%.1fs", (double)(uint64_t)((s > 0 ? s : 0) * 10 + 1e-6) / 10);
	else if (n < 60)
		snprintf(buf, cap, "%" PRIu64 "s", n);
	else if (n < 3600)
		snprintf(buf, cap, "%" PRIu64 "m%02" PRIu64 "s", n / 60, n % 60);
	else if (n < 86400)
		snprintf(buf, cap, "%" PRIu64 "h%02" PRIu64 "m", n / 3600, n / 60 % 60);
	else
		snprintf(buf, cap, "%" PRIu64 "d%02" PRIu64 "h", n / 86400, n / 3600 % 24);
	return buf;
}

char *number__duration(char *buf, size_t cap, double s)
{
	if (s >= 0.95 || s < 0)
		return number__seconds(buf, cap, s);
	if (s > 0 && s < 0.001)
		snprintf(buf, cap, "<1ms");
	else
		snprintf(buf, cap, "%.0fms", s * 1000);
	return buf;
}

char *number__interval(char *buf, size_t cap, double s)
{
	if (s >= 60)
		return number__seconds(buf, cap, s);
	snprintf(buf, cap, "%.4gs", s);
	return buf;
}

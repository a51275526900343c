/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/report.h"

#include <errno.h>
#include <string.h>

#include "report/difference.h"
#include "report/internal.h"
#include "util/array.h"

static const struct report_format formats[] = {
	{
	    .name = "text",
	    .help = "for people, one report every interval",
	    .together = true,
	    .report = text__report,
	    .difference = difference__text,
	},
	{
	    .name = "json",
	    .help = "JSON Lines, one object a report, for scripts",
	    .begin = json_lines__begin,
	    .report = json_lines__report,
	    .difference = difference__json,
	},
	{
	    .name = "pprof",
	    .help = "a gzipped profile.proto, for go tool pprof and its kin",
	    .document = true,
	    .binary = true,
	    .report = pprof__report,
	},
	{
	    .name = "folded",
	    .help = "a line a call stack, for flamegraph.pl",
	    .document = true,
	    .report = folded__report,
	},
};

const struct report_format *report__find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	}
	return NULL;
}

const struct report_format *report__at(size_t i)
{
	return i < ARRAY_SIZE(formats) ? &formats[i] : NULL;
}

static int stream_error(void)
{
	return errno ? -errno : -EIO;
}

int report__flush(FILE *out)
{
	errno = 0;
	return fflush(out) || ferror(out) ? stream_error() : 0;
}

int report__write(FILE *out, const void *data, size_t len)
{
	errno = 0;
	if (len && fwrite(data, 1, len, out) != len)
		return stream_error();
	return report__flush(out);
}

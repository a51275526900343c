/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 4096

static bool verbose;

/* A line goes out in one write, so that lines of several threads never mix. */
static void line(const char *prefix, const char *fmt, va_list args)
{
	char buf[LINE_MAX_BYTES];
	int saved = errno, n;
	size_t len;

	n = snprintf(buf, sizeof(buf) - 1, "memtrace: %s", prefix);
	if (n < 0)
		goto out;
	errno = saved; /* for %m */
	if (vsnprintf(buf + n, sizeof(buf) - 1 - (size_t)n, fmt, args) < 0)
		goto out;
	len = strlen(buf);
	if (len && buf[len - 1] != '\n')
		buf[len++] = '\n';
	fwrite(buf, 1, len, stderr);
	fflush(stderr);
out:
	errno = saved;
}

#define LINE(prefix)                                                                               \
	do {                                                                                       \
		va_list args;                                                                      \
		va_start(args, fmt);                                                               \
		line(prefix, fmt, args);                                                           \
		va_end(args);                                                                      \
	} while (0)

void log__verbose(bool on)
{
	verbose = on;
}

void log__error(const char *fmt, ...)
{
	LINE("");
}

void log__warn(const char *fmt, ...)
{
	LINE("warning: ");
}

void log__info(const char *fmt, ...)
{
	LINE("");
}

void log__debug(const char *fmt, ...)
{
	if (verbose)
		LINE("");
}

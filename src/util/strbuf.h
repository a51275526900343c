/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing string. Failure to grow is kept in `error` and turns later calls into no-ops, so that a
 * caller checks once, at its end.
 */
#ifndef MEMTRACE_UTIL_STRBUF_H
#define MEMTRACE_UTIL_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

struct strbuf {
	char *data; /* NUL-terminated once anything was added; may hold NUL bytes */
	size_t len;
	size_t cap;
	int error; /* 0 or -ENOMEM */
};

void strbuf__free(struct strbuf *sb);  /* also makes it ready for use again */
void strbuf__reset(struct strbuf *sb); /* empties it, keeps the memory */
void strbuf__add(struct strbuf *sb, const void *data, size_t len);
void strbuf__adds(struct strbuf *sb, const char *s);
void strbuf__addc(struct strbuf *sb, char c);
void strbuf__addf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

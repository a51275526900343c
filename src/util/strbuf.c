/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/strbuf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `more` bytes and the terminator. */
static bool reserve(struct strbuf *sb, size_t more)
{
	size_t need, cap = sb->cap ? sb->cap : 64;
	char *data;

	if (sb->error)
		return false;
	if (__builtin_add_overflow(sb->len, more, &need) || ++need == 0)
		goto fail;
	if (need <= sb->cap)
		return true;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	data = realloc(sb->data, cap);
	if (!data)
		goto fail;
	sb->data = data;
	sb->cap = cap;
	return true;
fail:
	sb->error = -ENOMEM;
	return false;
}

void strbuf__free(struct strbuf *sb)
{
	if (!sb)
		return;
	free(sb->data);
	*sb = (struct strbuf){ 0 };
}

void strbuf__reset(struct strbuf *sb)
{
	sb->len = 0;
	sb->error = 0;
	if (sb->data)
		sb->data[0] = '\0';
}

void strbuf__add(struct strbuf *sb, const void *data, size_t len)
{
	if (!reserve(sb, len))
		return;
	if (len)
		memcpy(sb->data + sb->len, data, len);
	sb->len += len;
	sb->data[sb->len] = '\0';
}

void strbuf__adds(struct strbuf *sb, const char *s)
{
	strbuf__add(sb, s, strlen(s));
}

void strbuf__addc(struct strbuf *sb, char c)
{
	strbuf__add(sb, &c, 1);
}

void strbuf__addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list args;
	size_t room;
	int n;

	if (!reserve(sb, 32))
		return;
	room = sb->cap - sb->len;
	va_start(args, fmt);
	n = vsnprintf(sb->data + sb->len, room, fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n >= room) {
		if (!reserve(sb, (size_t)n)) {
			sb->data[sb->len] = '\0';
			return;
		}
		va_start(args, fmt);
		n = vsnprintf(sb->data + sb->len, sb->cap - sb->len, fmt, args);
		va_end(args);
	}
	if (n < 0) {
		sb->data[sb->len] = '\0';
		sb->error = -ENOMEM;
		return;
	}
	sb->len += (size_t)n;
}

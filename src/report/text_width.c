/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_width.h"

#include <stdint.h>

#include "util/array.h"

/* The code point at *s, which is advanced past it. */
static uint32_t next_code_point(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	uint32_t c = *p++;

	if (c >= 0xc0)
		c &= c < 0xe0 ? 0x1f : c < 0xf0 ? 0x0f : 0x07;
	while ((*p & 0xc0) == 0x80)
		c = c << 6 | (*p++ & 0x3f);
	*s = (const char *)p;
	return c;
}

/* The ranges that matter in names: combining marks take no column, East Asian wide characters and
 * emoji two (Unicode's EastAsianWidth.txt, in coarse steps). */
static size_t code_point_columns(uint32_t c)
{
	static const struct {
		uint32_t first, last;
		size_t columns;
	} ranges[] = {
		{ 0x300, 0x36f, 0 },	 { 0x1100, 0x115f, 2 },	  { 0x200b, 0x200d, 0 },
		{ 0x20d0, 0x20ff, 0 },	 { 0x2e80, 0x303e, 2 },	  { 0x3041, 0xa4cf, 2 },
		{ 0xac00, 0xd7a3, 2 },	 { 0xf900, 0xfaff, 2 },	  { 0xfe00, 0xfe0f, 0 },
		{ 0xfe30, 0xfe6f, 2 },	 { 0xff00, 0xff60, 2 },	  { 0xffe0, 0xffe6, 2 },
		{ 0x1f300, 0x1faff, 2 }, { 0x20000, 0x3fffd, 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (c >= ranges[i].first && c <= ranges[i].last)
			return ranges[i].columns;
	}
	return 1;
}

size_t text_width__width(const char *s)
{
	size_t n = 0;

	while (*s)
		n += code_point_columns(next_code_point(&s));
	return n;
}

size_t text_width__cut(struct strbuf *sb, const char *s, size_t max)
{
	const char *end = s, *after = s;
	size_t width = text_width__width(s), used = 0, more;

	if (!max || width <= max) {
		strbuf__adds(sb, s);
		return width;
	}
	for (;; end = after, used += more) {
		more = code_point_columns(next_code_point(&after));
		if (used + more + 1 > max)
			break;
	}
	strbuf__add(sb, s, (size_t)(end - s));
	strbuf__adds(sb, "…");
	return used + 1;
}

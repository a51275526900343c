/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * The length of the well-formed UTF-8 sequence at `s` (RFC 3629: no overlong forms, no surrogates,
 * nothing above U+10FFFF) and its code point; 0 where it is malformed. The terminating NUL is not a
 * continuation byte, so nothing after it is read.
 */
static size_t utf8(const char *s, uint32_t *code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	uint32_t c = p[0];
	size_t len;

	if (c < 0x80)
		len = 1;
	else if (c >= 0xc2 && c < 0xe0)
		len = 2;
	else if (c >= 0xe0 && c < 0xf0)
		len = 3;
	else if (c >= 0xf0 && c < 0xf5)
		len = 4;
	else
		return 0;
	if (len > 1)
		c &= 0x7fu >> len;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*code = c;
	return len;
}

/*
 * Characters that a terminal obeys, or that change the order or the lines in which the rest is
 * shown: controls, line separators (many readers of JSON Lines take U+2028 for the end of a line),
 * text direction.
 */
static bool is_harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void escape__plain(struct strbuf *sb, const char *s)
{
	uint32_t code;
	size_t len;

	while (*s) {
		len = utf8(s, &code);
		if (len && !is_harmful(code)) {
			strbuf__add(sb, s, len);
			s += len;
			continue;
		}
		for (len = len ? len : 1; len; len--)
			strbuf__addf(sb, "\\x%02x", (unsigned char)*s++);
	}
}

/* Adds a code point that JSON does not allow as it is in a string, or that a terminal obeys. */
static void add_json_escape(struct strbuf *sb, uint32_t c)
{
	static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *p = named; *p; p += 2) {
		if ((unsigned char)*p == c) {
			strbuf__addc(sb, '\\');
			strbuf__addc(sb, p[1]);
			return;
		}
	}
	strbuf__addf(sb, "\\u%04x", c);
}

void escape__json(struct strbuf *sb, const char *s)
{
	uint32_t code;
	size_t len;

	if (!s) {
		strbuf__adds(sb, "null");
		return;
	}
	strbuf__addc(sb, '"');
	while (*s) {
		len = utf8(s, &code);
		if (!len)
			strbuf__adds(sb, "\xef\xbf\xbd");
		else if (is_harmful(code) || code == '"' || code == '\\')
			add_json_escape(sb, code);
		else
			strbuf__add(sb, s, len);
		s += len ? len : 1;
	}
	strbuf__addc(sb, '"');
}

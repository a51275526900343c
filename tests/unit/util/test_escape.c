/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/escape.h"

#include "test.h"

struct row {
	const char *in, *out;
};

static void check(void (*escape)(struct strbuf *, const char *), const struct row *r)
{
	struct strbuf sb = { 0 };

	for (; r->in; r++) {
		strbuf__reset(&sb);
		strbuf__adds(&sb, "");
		escape(&sb, r->in);
		CHECK_STR(sb.data, r->out);
	}
	strbuf__free(&sb);
}

TEST(plain)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "malloc", "malloc" },
		{ "a\\b\"c", "a\\b\"c" },
		{ "tab\there", "tab\\x09here" },
		{ "\033[31mred\r\n", "\\x1b[31mred\\x0d\\x0a" },
		{ "del\177", "del\\x7f" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" }, /* well-formed: stays */
		{ "\xe6\xbc\xa2\xf0\x9f\x90\x9b", "\xe6\xbc\xa2\xf0\x9f\x90\x9b" },
		{ "\xc2\x9b"
		  "31m",
		  "\\xc2\\x9b31m" },	    /* C1: CSI */
		{ "\xc2\xa0", "\xc2\xa0" }, /* the first after C1 */
		{ "a\xe2\x80\xae"
		  "b",
		  "a\\xe2\\x80\\xaeb" },	       /* U+202E */
		{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" }, /* U+2066 */
		{ "\xd8\x9c", "\\xd8\\x9c" },	       /* U+061C */
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "cut\xe2\x80", "cut\\xe2\\x80" }, /* ends inside a sequence */
		{ "\xc0\xaf", "\\xc0\\xaf" },	    /* overlong */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		/* a surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* above U+10FFFF */
		{ NULL, NULL },
	};

	check(escape__plain, rows);
}

TEST(json)
{
	static const struct row rows[] = {
		{ "", "\"\"" },
		{ "operator new", "\"operator new\"" },
		{ "\"\\/", "\"\\\"\\\\/\"" },
		{ "\b\f\n\r\t\001\033\177", "\"\\b\\f\\n\\r\\t\\u0001\\u001b\\u007f\"" },
		{ "gr\xc3\xbc", "\"gr\xc3\xbc\"" },
		{ "\xff"
		  "a\xe2\x80",
		  "\"\xef\xbf\xbd"
		  "a\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xc2\x85\xd8\x9c\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6",
		  "\"\\u0085\\u061c\\u2028\\u202e\\u2066\"" },		/* lines, direction */
		{ "\xc2\xa0\xe2\x80\xaf", "\"\xc2\xa0\xe2\x80\xaf\"" }, /* their neighbours */
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ NULL, NULL },
	};
	struct strbuf sb = { 0 };

	check(escape__json, rows);
	escape__json(&sb, NULL);
	CHECK_STR(sb.data, "null");
	strbuf__free(&sb);
}

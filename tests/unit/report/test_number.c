/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/number.h"

#include "report/table.h"
#include "report/text_width.h"
#include "test.h"
#include "util/strbuf.h"

#define FORMATTED(call, want)                                                                      \
	do {                                                                                       \
		char buf[32];                                                                      \
		CHECK_STR(call, want);                                                             \
	} while (0)

TEST(counts)
{
	FORMATTED(number__count(buf, sizeof(buf), 0), "0");
	FORMATTED(number__count(buf, sizeof(buf), 999), "999");
	FORMATTED(number__count(buf, sizeof(buf), 1000), "1,000");
	FORMATTED(number__count(buf, sizeof(buf), 1203881), "1,203,881");
	FORMATTED(number__count(buf, sizeof(buf), UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(rates)
{
	FORMATTED(number__rate(buf, sizeof(buf), 0), "0");
	FORMATTED(number__rate(buf, sizeof(buf), 0.001), "<0.1");
	FORMATTED(number__rate(buf, sizeof(buf), 0.06), "0.1");
	FORMATTED(number__rate(buf, sizeof(buf), 99.9), "99.9");
	FORMATTED(number__rate(buf, sizeof(buf), 99.96), "100");
	FORMATTED(number__rate(buf, sizeof(buf), 999.4), "999");
	FORMATTED(number__rate(buf, sizeof(buf), 999.6), "1.0k");
	FORMATTED(number__rate(buf, sizeof(buf), 18211.5), "18.2k");
	FORMATTED(number__rate(buf, sizeof(buf), 999949), "999.9k");
	FORMATTED(number__rate(buf, sizeof(buf), 999951), "1.0M");
	FORMATTED(number__rate(buf, sizeof(buf), 1e18), "1.0E");
}

TEST(changes)
{
	FORMATTED(number__change(buf, sizeof(buf), 0), "0 B");
	FORMATTED(number__change(buf, sizeof(buf), 1992294), "+1.9 MiB");
	FORMATTED(number__change(buf, sizeof(buf), -12), "-12 B");
	FORMATTED(number__change(buf, sizeof(buf), INT64_MIN), "-8.0 EiB");
	FORMATTED(number__signed(buf, sizeof(buf), 0), "0");
	FORMATTED(number__signed(buf, sizeof(buf), 1203), "+1,203");
	FORMATTED(number__signed(buf, sizeof(buf), -12), "-12");
	FORMATTED(number__signed(buf, sizeof(buf), INT64_MIN), "-9,223,372,036,854,775,808");
}

TEST(nouns)
{
	FORMATTED(number__noun(buf, sizeof(buf), 0, "block"), "0 blocks");
	FORMATTED(number__noun(buf, sizeof(buf), 1, "call stack"), "1 call stack");
	FORMATTED(number__noun(buf, sizeof(buf), 1203, "call stack"), "1,203 call stacks");
	FORMATTED(number__noun(buf, sizeof(buf), 2, "process"), "2 processes");
	FORMATTED(number__signed_noun(buf, sizeof(buf), 0, "block"), "0 blocks");
	FORMATTED(number__signed_noun(buf, sizeof(buf), 1, "block"), "+1 block");
	FORMATTED(number__signed_noun(buf, sizeof(buf), -1, "block"), "-1 block");
	FORMATTED(number__signed_noun(buf, sizeof(buf), -2, "block"), "-2 blocks");
}

TEST(durations)
{
	FORMATTED(number__seconds(buf, sizeof(buf), 0), "0.0s");
	FORMATTED(number__seconds(buf, sizeof(buf), -1), "0.0s");
	FORMATTED(number__seconds(buf, sizeof(buf), 4.29), "4.2s");
	FORMATTED(number__seconds(buf, sizeof(buf), 4.3), "4.3s");
	FORMATTED(number__seconds(buf, sizeof(buf), 9.99), "9.9s");
	FORMATTED(number__seconds(buf, sizeof(buf), 42.7), "42s");
	FORMATTED(number__seconds(buf, sizeof(buf), 59.99), "59s");
	FORMATTED(number__seconds(buf, sizeof(buf), 60), "1m00s");
	FORMATTED(number__seconds(buf, sizeof(buf), 598.3), "9m58s");
	FORMATTED(number__seconds(buf, sizeof(buf), 3600), "1h00m");
	FORMATTED(number__seconds(buf, sizeof(buf), 11220), "3h07m");
	FORMATTED(number__seconds(buf, sizeof(buf), 187200), "2d04h");
	FORMATTED(number__duration(buf, sizeof(buf), 4.3), "4.3s");
	FORMATTED(number__duration(buf, sizeof(buf), 0.0314), "31ms");
	FORMATTED(number__duration(buf, sizeof(buf), 0.94), "940ms");
	FORMATTED(number__duration(buf, sizeof(buf), 0.0002), "<1ms");
	FORMATTED(number__duration(buf, sizeof(buf), 0), "0ms");
	FORMATTED(number__interval(buf, sizeof(buf), 0.5), "0.5s");
	FORMATTED(number__interval(buf, sizeof(buf), 30), "30s");
	FORMATTED(number__interval(buf, sizeof(buf), 600), "10m00s");
}

TEST(columns_of_a_terminal)
{
	CHECK_EQ(text_width__width(""), 0);
	CHECK_EQ(text_width__width("abc"), 3);
	CHECK_EQ(text_width__width("é"), 1);
	CHECK_EQ(text_width__width("e\u0301"), 1);
	CHECK_EQ(text_width__width("関数"), 4);
	CHECK_EQ(text_width__width("🙂…"), 3);
}

static void check_cut(const char *s, size_t max, const char *want, size_t columns)
{
	struct strbuf sb = { 0 };

	CHECK_EQ(text_width__cut(&sb, s, max), columns);
	CHECK_STR(sb.data, want);
	strbuf__free(&sb);
}

TEST(cutting_at_a_character)
{
	check_cut("abcdef", 0, "abcdef", 6);
	check_cut("abcdef", 6, "abcdef", 6);
	check_cut("abcdef", 5, "abcd…", 5);
	check_cut("abcdef", 1, "…", 1);
	check_cut("éééé", 3, "éé…", 3);
	check_cut("関数関数", 6, "関数…", 5);
	check_cut("関数関数", 2, "…", 1);
	check_cut("e\u0301e\u0301e\u0301", 2, "e\u0301…", 2);
}

TEST(columns_shrink_in_order)
{
	static const struct table_column columns[] = {
		{ .title = "A", .least = 4 },
		{ .title = "NUMBER", .right = true },
		{ .least = 3 },
	};
	struct table g = { .columns = columns, .ncolumns = 3, .indent = 1 };
	struct text_style pg = { .width = 20 };

	table__cell(&g, "abcdefghij");
	table__cell(&g, "1");
	table__cell(&g, "klmnopqr");
	table__cell(&g, "x");
	table__cell(&g, "22");
	table__cell(&g, "%s", "");
	CHECK_EQ(table__fit(&g, &pg), 0);
	table__titles(&g, &pg);
	table__row(&g, 0, &pg);
	table__row(&g, 1, &pg);
	/* 1 + 10 + 2 + 6 + 2 + 8 is 9 too many: 6 from the first column, 3 from the last. */
	CHECK_STR(pg.sb.data, " A     NUMBER\n abc…       1  klmn…\n x         22\n");
	strbuf__free(&pg.sb);
	table__free(&g);
}

TEST(shares)
{
	char buf[32];

	CHECK_STR(number__share(buf, sizeof(buf), 1), "100%");
	CHECK_STR(number__share(buf, sizeof(buf), 0.5), "50%");
	CHECK_STR(number__share(buf, sizeof(buf), 0.0994), "9.9%");
	CHECK_STR(number__share(buf, sizeof(buf), 0.0996), "10%");
	CHECK_STR(number__share(buf, sizeof(buf), 0.0002), "0.02%");
	CHECK_STR(number__share(buf, sizeof(buf), 0.00002), "<0.01%");
	CHECK_STR(number__share(buf, sizeof(buf), 0), "0%");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/strbuf.h"

#include <errno.h>
#include <stdint.h>

#include "test.h"

TEST(adds_and_grows)
{
	struct strbuf sb = { 0 };

	strbuf__adds(&sb, "abc");
	strbuf__addc(&sb, '-');
	strbuf__addf(&sb, "%d %s", 42, "xyz");
	strbuf__add(&sb, "", 0);
	CHECK_STR(sb.data, "abc-42 xyz");
	CHECK_EQ(sb.len, 10);
	for (int i = 0; i < 1000; i++)
		strbuf__addf(&sb, "%06d", i);
	CHECK_EQ(sb.len, 6010);
	CHECK_STR(sb.data + 6004, "000999");
	CHECK_EQ(sb.error, 0);
	strbuf__free(&sb);
	CHECK(!sb.data && !sb.len && !sb.cap);
}

TEST(long_format)
{
	struct strbuf sb = { 0 };

	strbuf__addf(&sb, "<%300s>", "x");
	CHECK_EQ(sb.len, 302);
	CHECK(sb.data[0] == '<' && sb.data[300] == 'x' && sb.data[301] == '>' && !sb.data[302]);
	strbuf__free(&sb);
}

TEST(exact_fit)
{
	struct strbuf sb = { 0 };

	/* Every length around the first capacity, by both ways of adding. */
	for (int len = 50; len < 140; len++) {
		strbuf__addf(&sb, "%*s", len, "x");
		CHECK_EQ(sb.len, len);
		CHECK_EQ(strlen(sb.data), len);
		strbuf__free(&sb);
		for (int i = 0; i < len; i++)
			strbuf__addc(&sb, 'y');
		CHECK_EQ(strlen(sb.data), len);
		strbuf__free(&sb);
	}
}

TEST(reset_keeps_memory)
{
	struct strbuf sb = { 0 };
	char *data;

	strbuf__reset(&sb);
	strbuf__adds(&sb, "hello");
	data = sb.data;
	strbuf__reset(&sb);
	CHECK_STR(sb.data, "");
	strbuf__adds(&sb, "x");
	CHECK(sb.data == data);
	CHECK_STR(sb.data, "x");
	strbuf__free(&sb);
	strbuf__free(NULL);
}

TEST(holds_nul_bytes)
{
	struct strbuf sb = { 0 };

	strbuf__add(&sb, "a\0b", 3);
	CHECK_EQ(sb.len, 3);
	CHECK(!memcmp(sb.data, "a\0b", 4));
	strbuf__free(&sb);
}

TEST(failure_sticks)
{
	struct strbuf sb = { 0 };

	strbuf__adds(&sb, "kept");
	strbuf__add(&sb, "", SIZE_MAX - 2);
	CHECK_EQ(sb.error, -ENOMEM);
	strbuf__add(&sb, "", SIZE_MAX);
	strbuf__adds(&sb, "not added");
	strbuf__addf(&sb, "%d", 1);
	CHECK_STR(sb.data, "kept");
	CHECK_EQ(sb.len, 4);
	strbuf__reset(&sb);
	strbuf__adds(&sb, "again");
	CHECK_STR(sb.data, "again");
	strbuf__free(&sb);
}

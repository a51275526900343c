/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>

#include "symbols/perf_map.h"
#include "test.h"

static struct perf_map *parse(const char *text)
{
	return perf_map__parse(text, strlen(text));
}

TEST(valid_lines)
{
	struct perf_map *m = parse("7f0000001000 20 LazyCompile:~main /srv/app.js:12\n"
				   "0x7F0000002000 0x10 java.lang.String::hashCode\r\n"
				   "7f0000003000 8 a  b \n");

	CHECK_EQ(perf_map__count(m), 3);
	CHECK_STR(perf_map__find(m, 0x7f0000001000), "LazyCompile:~main /srv/app.js:12");
	CHECK_STR(perf_map__find(m, 0x7f000000101f), "LazyCompile:~main /srv/app.js:12");
	CHECK(!perf_map__find(m, 0x7f0000001020));
	CHECK(!perf_map__find(m, 0x7f0000000fff));
	CHECK_STR(perf_map__find(m, 0x7f000000200f), "java.lang.String::hashCode");
	CHECK_STR(perf_map__find(m, 0x7f0000003000), "a  b ");
	CHECK(!perf_map__find(m, 0));
	CHECK(!perf_map__find(m, UINT64_MAX));
	CHECK(perf_map__memory(m) > 0);
	perf_map__free(m);
	perf_map__free(NULL);
}

TEST(the_last_line_about_an_address_counts)
{
	/* 10-30 a, then 20-40 b over its end, then 18-1c c inside it, then 38-48 d. */
	struct perf_map *m = parse("10 20 a\n20 20 b\n18 4 c\n38 10 d\n");

	CHECK_STR(perf_map__find(m, 0x10), "a");
	CHECK_STR(perf_map__find(m, 0x17), "a");
	CHECK_STR(perf_map__find(m, 0x18), "c");
	CHECK_STR(perf_map__find(m, 0x1b), "c");
	CHECK_STR(perf_map__find(m, 0x1c), "a");
	CHECK_STR(perf_map__find(m, 0x1f), "a");
	CHECK_STR(perf_map__find(m, 0x20), "b");
	CHECK_STR(perf_map__find(m, 0x37), "b");
	CHECK_STR(perf_map__find(m, 0x38), "d");
	CHECK_STR(perf_map__find(m, 0x47), "d");
	CHECK(!perf_map__find(m, 0x48));
	perf_map__free(m);

	m = parse("10 20 old\n10 20 new\n");
	CHECK_STR(perf_map__find(m, 0x10), "new");
	CHECK_STR(perf_map__find(m, 0x2f), "new");
	perf_map__free(m);
}

TEST(invalid_lines_are_skipped)
{
	struct perf_map *m = parse("\n"
				   "10\n"
				   "10 \n"
				   "10 20\n"
				   "10 20 \n"
				   "10 0 empty\n"
				   "xyz 10 bad\n"
				   "10 xyz bad\n"
				   "-10 10 bad\n"
				   "0x 10 bad\n"
				   "11112222333344445 10 bad\n"
				   "fffffffffffffff0 11 wraps\n"
				   " 10 20 bad\n"
				   "100 10 good\n"
				   "200 10 unfinished");

	CHECK_EQ(perf_map__count(m), 1);
	CHECK_STR(perf_map__find(m, 0x108), "good");
	CHECK(!perf_map__find(m, 0x10));
	CHECK(!perf_map__find(m, 0x208));
	perf_map__free(m);

	m = parse("");
	CHECK_EQ(perf_map__count(m), 0);
	CHECK(!perf_map__find(m, 1));
	perf_map__free(m);
	m = parse("fffffffffffffff0 f top\n");
	CHECK_STR(perf_map__find(m, UINT64_MAX - 1), "top");
	perf_map__free(m);
}

TEST(names_may_contain_anything)
{
	static const char text[] = "10 10 \x01\xff\xfe;\"\\\n20 10 cut\0here\n30 10 ok\n";
	struct perf_map *m = perf_map__parse(text, sizeof(text) - 1);
	char *longest = malloc(100020);

	CHECK_STR(perf_map__find(m, 0x10), "\x01\xff\xfe;\"\\");
	CHECK_STR(perf_map__find(m, 0x20), "cut");
	CHECK_STR(perf_map__find(m, 0x30), "ok");
	perf_map__free(m);

	memset(longest, 'n', 100020);
	memcpy(longest, "10 10 ", 6);
	longest[100018] = '\n';
	longest[100019] = '\0';
	m = parse(longest);
	CHECK_EQ(strlen(perf_map__find(m, 0x10)), 1024);
	perf_map__free(m);
	free(longest);
}

/* Compares with a simple model: every line in turn overwrites an array that stands for memory. */
TEST(random_overlaps_agree_with_a_model)
{
	static char text[64 * 1000];
	uint64_t seed = 7;

	for (int round = 0; round < 200; round++) {
		int owner[512], lines = 1 + round % 60;
		char *p = text, want[16];
		struct perf_map *m;

		memset(owner, 0xff, sizeof(owner));
		for (int i = 0; i < lines; i++) {
			unsigned int lo, n;

			seed = seed * 6364136223846793005 + 1442695040888963407;
			lo = (unsigned int)(seed >> 40) % 500;
			n = (unsigned int)(seed >> 50) % 40;
			n = lo + n > 512 ? 512 - lo : n;
			p += sprintf(p, "%x %x f%d\n", 0x1000 + lo, n, i);
			for (unsigned int j = 0; j < n; j++)
				owner[lo + j] = i;
		}
		m = perf_map__parse(text, (size_t)(p - text));
		for (unsigned int a = 0; a < 512; a++) {
			const char *got = perf_map__find(m, 0x1000 + a);

			snprintf(want, sizeof(want), "f%d", owner[a]);
			if (owner[a] < 0 ? got != NULL : !got || strcmp(got, want))
				CHECK(!"the last line wins");
		}
		perf_map__free(m);
	}
}

TEST(random_bytes)
{
	char bytes[4096];
	uint64_t seed = 3;

	for (int round = 0; round < 500; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 6364136223846793005 + 1442695040888963407;
			bytes[i] = "0123456789abcdefx \n\r\0\xff"[(seed >> 33) % 22];
		}
		perf_map__free(perf_map__parse(bytes, (size_t)(seed >> 40) % sizeof(bytes)));
	}
}

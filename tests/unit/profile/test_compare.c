/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two runs compared: stacks that are new, gone, grown and shrunk. */
#include "profiles.h"

#include "profile/compare.h"
#include "report/difference.h"

static const struct profile_site before_sites[] = {
	{ .id = "00000000000000aa",
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = 100,
	  .live_blocks = 1 },
	{ .id = "00000000000000bb",
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = 500,
	  .live_blocks = 5,
	  .pid = 1 },
	{ .id = "00000000000000bb",
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = 250,
	  .live_blocks = 5,
	  .pid = 2 },
	{ .id = "00000000000000cc",
	  .kind = API_MAP,
	  .api = "mmap",
	  .mapping = MAPPED_ANONYMOUS,
	  .live_bytes = 4096,
	  .live_blocks = 1 },
	{ .id = "00000000000000dd",
	  .kind = API_HEAP,
	  .api = "calloc",
	  .live_bytes = 7,
	  .live_blocks = 7 },
	{ .id = "0000000000000000",
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = 1,
	  .live_blocks = 1 },
	{ .id = "00000000000000ee", .kind = API_HEAP, .api = "malloc" },
};

static const struct profile_site after_sites[] = {
	{ .id = "00000000000000bb",
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = 1000,
	  .live_blocks = 10,
	  .pid = 9 },
	{ .id = "00000000000000bb",
	  .kind = API_HEAP,
	  .api = "realloc",
	  .live_bytes = 30,
	  .live_blocks = 3 },
	{ .id = "00000000000000cc",
	  .kind = API_MAP,
	  .api = "mmap",
	  .mapping = MAPPED_ANONYMOUS,
	  .live_bytes = 4096,
	  .live_blocks = 1 },
	{ .id = "00000000000000cc",
	  .kind = API_MAP,
	  .api = "mmap",
	  .mapping = MAPPED_FILE,
	  .live_bytes = 8192,
	  .live_blocks = 2 },
	{ .id = "00000000000000dd",
	  .kind = API_HEAP,
	  .api = "calloc",
	  .live_bytes = 7,
	  .live_blocks = 8 },
	{ .id = "0000000000000000",
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = 1,
	  .live_blocks = 1 },
};

static const struct profile before = {
	.run = &test_run,
	.wall_ns = WALL,
	.elapsed_s = 10,
	.sites = before_sites,
	.nsites = ARRAY_SIZE(before_sites),
};

static const struct profile after = {
	.run = &test_run,
	.wall_ns = WALL + 60000000000,
	.elapsed_s = 70,
	.sites = after_sites,
	.nsites = ARRAY_SIZE(after_sites),
	.notice = "cut \033[31m",
};

/* "CHANGE/BLOCKS@ID …" in order. */
static const char *rows(const struct comparison *c)
{
	static char text[1024];
	char *p = text;

	*p = '\0';
	for (size_t i = 0; i < c->nsites; i++)
		p += snprintf(p, sizeof(text) - (size_t)(p - text), "%s%+d/%+d@%s", i ? " " : "",
			      (int)c->sites[i].bytes, (int)c->sites[i].blocks,
			      c->sites[i].site->id + 14);
	return text;
}

TEST(changed_stacks_by_growth)
{
	struct comparison c;

	CHECK_EQ(compare__profiles(&before, &after, &c), 0);
	CHECK_STR(rows(&c), "+8192/+2@cc +250/+0@bb +30/+3@bb +0/+1@dd -100/-1@aa");
	CHECK_EQ(c.unchanged, 2);
	CHECK_EQ(c.sites[1].before.bytes, 750);
	CHECK_EQ(c.sites[1].before.blocks, 10);
	CHECK_EQ(c.sites[1].after.bytes, 1000);
	CHECK(c.sites[1].of == &after && c.sites[4].of == &before);
	CHECK_EQ(c.total_before.bytes, 100 + 750 + 4096 + 7 + 1);
	CHECK_EQ(c.total_after.blocks, 10 + 3 + 1 + 2 + 8 + 1);
	compare__free(&c);
	CHECK_EQ(compare__profiles(&after, &before, &c), 0);
	CHECK_STR(rows(&c), "+100/+1@aa +0/-1@dd -30/-3@bb -250/+0@bb -8192/-2@cc");
	compare__free(&c);
	CHECK_EQ(compare__profiles(&after, &after, &c), 0);
	CHECK_EQ(c.nsites, 0);
	CHECK_EQ(c.unchanged, 6);
	compare__free(&c);
}

static char *printed(const char *format, uint32_t top)
{
	struct comparison c;
	struct difference_input in = { &c, "a.mt", "b\n.mt", top };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	CHECK_EQ(compare__profiles(&before, &after, &c), 0);
	CHECK_EQ(report__find(format)->difference(&in, &(struct report_style){ 0 }, out), 0);
	fclose(out);
	compare__free(&c);
	return text;
}

TEST(printed_as_text)
{
	char *text = printed("text", 2);

	CHECK(strstr(text, "before  2026-"));
	CHECK(strstr(text, "a.mt after 10s: 4.8 KiB in 20 blocks\n"));
	CHECK(strstr(text, "b\\x0a.mt after 1m10s: 13.0 KiB in 25 blocks\n"
			   "        cut \\x1b[31m\n"));
	CHECK(strstr(text, "change  +8.2 KiB in +5 blocks; 2 call stacks unchanged\n"));
	CHECK(strstr(text, " #    CHANGE  BEFORE    AFTER  BLOCKS  BEFORE  AFTER"));
	CHECK(strstr(text, " 1  +8.0 KiB     0 B  8.0 KiB      +2       0      2  "
			   "mmap (file)  00000000000000cc\n"));
	CHECK(strstr(text, "  … 3 more call stacks changed by -70 B in +3 blocks\n"));
	free(text);
}

TEST(printed_as_json)
{
	char *text = printed("json", 0);
	size_t lines = 0;

	for (char *p = text; *p; p++)
		lines += *p == '\n';
	CHECK_EQ(lines, 6);
	CHECK(strstr(text, "{\"type\":\"diff\",\"schema\":1,\"before\":{\"file\":\"a.mt\","));
	CHECK(strstr(text, "\"change_bytes\":8372,\"change_blocks\":5,"
			   "\"changed_sites\":5,\"unchanged_sites\":2}"));
	CHECK(strstr(text, "{\"type\":\"diff_site\",\"rank\":5,\"id\":\"00000000000000aa\","
			   "\"kind\":\"heap\",\"api\":\"malloc\",\"mapping\":null,"
			   "\"before_bytes\":100,\"before_blocks\":1,\"after_bytes\":0,"
			   "\"after_blocks\":0,\"change_bytes\":-100,\"change_blocks\":-1,"));
	free(text);
}

TEST(other_formats_print_no_difference)
{
	CHECK(!report__find("pprof")->difference);
	CHECK(!report__find("folded")->difference);
}

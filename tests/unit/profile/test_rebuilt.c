/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing a program with itself, built again in between. */
#include "compared.h"

static const struct profile_mapping old_files[] = { { .path = "/srv/shop", .build_id = "aa01" },
						    { .path = "/lib/libc.so", .build_id = "cc" } };
static const struct profile_mapping new_files[] = { { .path = "/lib/libc.so", .build_id = "cc" },
						    { .path = "/srv/shop", .build_id = "aa02" } };

#define FRAME(name, at, file)                                                                      \
	((struct profile_frame){ .func = name, .offset = at, .mapping = file })
#define OLD_SHOP(name, at) FRAME(name, at, 0)
#define OLD_LIBC(name, at) FRAME(name, at, 1)
#define NEW_SHOP(name, at) FRAME(name, at, 1)
#define NEW_LIBC(name, at) FRAME(name, at, 0)

static const struct rebuilt_row {
	const char *what;
	struct profile_frame old[2], new[2];
	bool same;
	const char *api;
} rebuilt_rows[] = {
	{ "places moved",
	  { OLD_SHOP("serve", 0x10), OLD_LIBC("start", 5) },
	  { NEW_SHOP("serve", 0x20), NEW_LIBC("start", 5) },
	  .same = true },
	{ "another function",
	  { OLD_SHOP("serve", 0x10), OLD_LIBC("start", 5) },
	  { NEW_SHOP("answer", 0x10), NEW_LIBC("start", 5) } },
	{ "another place in a file that is the same",
	  { OLD_SHOP("serve", 0x10), OLD_LIBC("start", 5) },
	  { NEW_SHOP("serve", 0x10), NEW_LIBC("start", 6) } },
	{ "no names",
	  { OLD_SHOP(NULL, 0x10), OLD_LIBC("start", 5) },
	  { NEW_SHOP(NULL, 0x10), NEW_LIBC("start", 5) } },
	{ "no name in a file that is the same",
	  { OLD_SHOP("serve", 0x10), OLD_LIBC(NULL, 5) },
	  { NEW_SHOP("serve", 0x20), NEW_LIBC(NULL, 5) },
	  .same = true },
	{ "another api",
	  { OLD_SHOP("serve", 0x10), OLD_LIBC("start", 5) },
	  { NEW_SHOP("serve", 0x20), NEW_LIBC("start", 5) },
	  .api = "calloc" },
};

static struct profile_site rebuilt_site(const char *id, const struct profile_frame *stack,
					uint64_t bytes)
{
	struct profile_site s = { .kind = API_HEAP,
				  .api = "malloc",
				  .live_bytes = bytes,
				  .live_blocks = 1,
				  .stack = stack,
				  .nstack = 2 };

	snprintf(s.id, sizeof(s.id), "%s", id);
	return s;
}

static struct profile rebuilt_run(const struct profile_site *sites, size_t n, bool rebuilt)
{
	struct profile p = run_with(sites, 60);

	p.nsites = n;
	p.mappings = rebuilt ? new_files : old_files;
	p.nmappings = 2;
	return p;
}

TEST(a_program_that_was_built_again)
{
	for (size_t i = 0; i < ARRAY_SIZE(rebuilt_rows); i++) {
		const struct rebuilt_row *r = &rebuilt_rows[i];
		struct profile_site old = rebuilt_site("01", r->old, 100),
				    new = rebuilt_site("02", r->new, 130);
		struct profile p = rebuilt_run(&old, 1, false), q = rebuilt_run(&new, 1, true);
		struct comparison c;

		if (r->api)
			new.api = r->api;
		CHECK_EQ(compare__profiles(&p, &q, &c), 0);
		if (c.rebuilt != r->same || c.nsites != (r->same ? 1 : 2)) {
			printf("# %s: %zu rows\n", r->what, c.nsites);
			test_failures++;
		}
		CHECK_EQ(c.bytes, 30);
		if (r->same)
			CHECK(c.sites[0].bytes == 30 && c.sites[0].rebuilt && c.sites[0].of == &q);
		compare__free(&c);
	}
}

/* Several places in a function are one; what both have by ID stays apart. */
TEST(several_places_in_a_function_that_was_built_again)
{
	static const struct profile_frame old_stacks[][2] = {
		{ OLD_SHOP("serve", 0x10), OLD_LIBC("start", 5) },
		{ OLD_SHOP("serve", 0x18), OLD_LIBC("start", 5) },
		{ OLD_SHOP("gone", 0x30), OLD_LIBC("start", 5) },
	};
	static const struct profile_frame new_stacks[][2] = {
		{ NEW_SHOP("serve", 0x20), NEW_LIBC("start", 5) },
		{ NEW_SHOP("serve", 0x28), NEW_LIBC("start", 5) },
		{ NEW_SHOP("fresh", 0x40), NEW_LIBC("start", 5) },
	};
	struct profile_site old[4], new[4];
	struct profile p, q;
	struct comparison c;
	char id[3] = "01";

	for (size_t i = 0; i < 3; i++) {
		id[1] = (char)('1' + i);
		old[i] = rebuilt_site(id, old_stacks[i], 100);
		id[1] = (char)('5' + i);
		new[i] = rebuilt_site(id, new_stacks[i], 150);
	}
	old[3] = rebuilt_site("09", old_stacks[0], 10);
	new[3] = rebuilt_site("09", new_stacks[0], 10);
	p = rebuilt_run(old, 4, false);
	q = rebuilt_run(new, 4, true);
	CHECK_EQ(compare__profiles(&p, &q, &c), 0);
	CHECK_EQ(c.rebuilt, 1);
	CHECK_EQ(c.unchanged, 1);
	CHECK_STR(rows(&c), "+150/+1@ +100/+0@ -100/-1@");
	CHECK_EQ(c.sites[1].before.bytes, 200);
	CHECK_EQ(c.sites[1].after.bytes, 300);
	compare__free(&c);
}

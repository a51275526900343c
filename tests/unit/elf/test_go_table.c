/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/go_table.h"

#include "go_library.h"

static const char *const names[] = { "main.leak",	   "runtime.goexit",
				     "runtime.asmcgocall", "runtime.sysMmap",
				     "crosscall2",	   "runtime.sigreturn__sigaction",
				     "runtime.mcall" };
static const uint8_t flags[] = { 0, 5, 6, 4, 4, 4, 6 };

static void check_line(const struct go_table *t, const struct go_function *f, uint64_t at,
		       uint32_t want)
{
	const char *file = NULL;
	uint32_t line = 0;

	CHECK_EQ(go_table__line(t, f, f->start + at, &file, &line), want != 0);
	CHECK_EQ(line, want);
	if (want)
		CHECK_STR(file, "/src/main.go");
}

static void check_depths(const struct go_table *t, const struct go_function *f)
{
	struct go_steps s;
	struct go_step step;

	MUST(go_table__depths(t, f, &s));
	MUST(go_table__next(&s, &step));
	CHECK(step.start == f->start && step.end == f->start + 4 && step.value == 0);
	MUST(go_table__next(&s, &step));
	CHECK(step.start == f->start + 4 && step.end == f->end && step.value == 24);
	CHECK(!go_table__next(&s, &step));
}

static void check_table(const char *path)
{
	struct program p = open_program(path);
	struct go_function f;
	struct go_table t;

	MUST(p.elf && go_table__find(p.elf, &t));
	CHECK_EQ(t.n, 7);
	for (uint32_t i = 0; i < t.n; i++) {
		MUST(go_table__function(&t, i, &f));
		CHECK_STR(f.name, names[i]);
		CHECK_EQ(f.flags, flags[i]);
		CHECK_EQ(f.start, t.text + 16 * i);
		CHECK_EQ(f.end, f.start + 16);
	}
	CHECK(!go_table__function(&t, 7, &f));
	CHECK(!go_table__look_up(&t, t.text - 1, &f));
	CHECK(!go_table__look_up(&t, t.text + 7 * 16, &f));
	MUST(go_table__look_up(&t, t.text + 31, &f));
	CHECK_STR(f.name, "runtime.goexit");
	check_line(&t, &f, 7, 12);
	check_line(&t, &f, 15, 13);
	MUST(go_table__look_up(&t, t.text, &f));
	check_line(&t, &f, 0, 12);
	check_line(&t, &f, 8, 0); /* in an inlined call */
	check_depths(&t, &f);
	close_program(&p);
}

TEST(each_form)
{
	check_table(go_library("new", true, ".gopclntab", false));
	check_table(go_library("old", false, ".gopclntab", false));
	/* The address of the code is in a relocation. */
	check_table(go_library("shared", true, ".gopclntab", true));
	check_table(go_library("merged", false, ".data.rel.ro", true));
}

TEST(other_files)
{
	struct program p = open_program("/proc/self/exe");
	struct go_table t;

	CHECK(!go_table__find(p.elf, &t));
	close_program(&p);
}

static void use_all(const struct go_table *t)
{
	struct go_function f;

	for (uint32_t i = 0; i < t->n; i++) {
		struct go_steps s;
		struct go_step step;
		const char *file;
		uint32_t line;

		if (!go_table__function(t, i, &f))
			continue;
		CHECK(f.start < f.end && strlen(f.name) > 0);
		for (uint64_t at = 0; at < 16; at++)
			if (go_table__line(t, &f, f.start + at, &file, &line))
				CHECK(strlen(file) > 0 && line > 0);
		if (!go_table__depths(t, &f, &s))
			continue;
		for (uint64_t last = f.start; go_table__next(&s, &step); last = step.end)
			CHECK(step.start == last && step.end > last && step.end <= f.end);
	}
	for (uint64_t at = t->text; at < t->text + 200; at++)
		if (go_table__look_up(t, at, &f))
			CHECK(at >= f.start && at < f.end);
}

/* Cut short at each byte, and each byte changed, in memory that ends where the table does. */
TEST(damage)
{
	struct program p = open_program(go_library("whole", true, ".gopclntab", false));
	struct go_table t, damaged;
	size_t refused = 0;

	MUST(p.elf && go_table__find(p.elf, &t));
	for (size_t len = 0; len < t.len; len++) {
		uint8_t *copy = malloc(len ? len : 1);

		MUST(copy);
		memcpy(copy, t.bytes, len);
		damaged = t;
		damaged.bytes = copy;
		damaged.len = len;
		use_all(&damaged);
		free(copy);
	}
	for (size_t at = 0; at < 8 * t.len; at++) {
		uint8_t *copy = malloc(t.len);

		MUST(copy);
		memcpy(copy, t.bytes, t.len);
		copy[at / 8] ^= (uint8_t)(at % 8 == 7 ? 0xff : 1 << at % 8);
		damaged = t;
		damaged.bytes = copy;
		use_all(&damaged);
		refused += !go_table__look_up(&damaged, t.text, &(struct go_function){ 0 });
		free(copy);
	}
	CHECK(refused > 0);
	close_program(&p);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A unit test file is a row of TEST(name) { CHECK…; } blocks: this header runs them all. */
#ifndef TEST_H
#define TEST_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/names_server.h"

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

static struct test *test_first, **test_last = &test_first;
static int test_failures;
static const char *test_skipped;

#define TEST(name)                                                                                 \
	static void test_##name(void);                                                             \
	static struct test test_entry_##name = { #name, test_##name, NULL };                       \
	__attribute__((constructor)) static void test_add_##name(void)                             \
	{                                                                                          \
		*test_last = &test_entry_##name;                                                   \
		test_last = &test_entry_##name.next;                                               \
	}                                                                                          \
	static void test_##name(void)

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);                        \
			test_failures++;                                                           \
		}                                                                                  \
	} while (0)

#define CHECK_EQ(got, want)                                                                        \
	do {                                                                                       \
		long long got_ = (long long)(got), want_ = (long long)(want);                      \
		if (got_ != want_) {                                                               \
			printf("# %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, got_,  \
			       want_);                                                             \
			test_failures++;                                                           \
		}                                                                                  \
	} while (0)

#define CHECK_STR(got, want)                                                                       \
	do {                                                                                       \
		const char *got_ = (got), *want_ = (want);                                         \
		if (!got_ || strcmp(got_, want_)) {                                                \
			printf("# %s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #got,    \
			       got_ ? got_ : "(null)", want_);                                     \
			test_failures++;                                                           \
		}                                                                                  \
	} while (0)

/* What cannot run here says why, and counts as skipped, never as passed. */
#define SKIP(reason)                                                                               \
	do {                                                                                       \
		test_skipped = (reason);                                                           \
		return;                                                                            \
	} while (0)

int main(int argc, char **argv)
{
	int failed = 0;

	/* A names client executes its own program again. */
	if (argc == 2 && !strcmp(argv[1], NAMES_SERVER_ARGUMENT))
		return names_server__run(NAMES_SERVER_FD);

	for (struct test *t = test_first; t; t = t->next) {
		test_failures = 0;
		test_skipped = NULL;
		t->run();
		if (test_failures)
			printf("not ok - %s\n", t->name);
		else if (test_skipped)
			printf("skip - %s: %s\n", t->name, test_skipped);
		else
			printf("ok - %s\n", t->name);
		fflush(stdout);
		failed += test_failures != 0;
	}
	return failed ? 1 : 0;
}

#endif

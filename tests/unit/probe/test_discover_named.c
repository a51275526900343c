/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that the user names with --probe, and what --explain-probes prints, in files made by
 * the test. */
#include "made_files.h"

static struct probe_specs named;

static struct probe_file *discover_named(const char *what, const struct sym *syms, size_t n,
					 const char *code, size_t len)
{
	char why[256] = "";
	struct probe_file *f;

	CHECK_EQ(probe_specs__add(&named, what, why, sizeof(why)), 0);
	specs = &named;
	f = discover_made(EM_X86_64, syms, n, code, len);
	specs = NULL;
	probe_specs__release(&named);
	return f;
}

#define NAMED(what, syms, code) discover_named(what, syms, ARRAY_SIZE(syms), code, sizeof(code) - 1)

TEST(functions_that_the_user_names)
{
	static const struct sym syms[] = {
		FUNC("pool_alloc", 0, 6),
		{ "pool_free", 0x10, 6, STT_FUNC, STB_LOCAL },
		FUNC("malloc", 0x20, 6),
		FUNC("_ZN4Pool3getEm", 0x30, 6),
	};
	struct probe_file *f =
	    NAMED("pool_alloc(size=2) pool_free(ptr=2) Pool::get(size=2,count=3)", syms, PROLOGUE);
	const struct probe_site *site = site_named(f, "pool_free");

	CHECK_EQ(f->n, 4);
	CHECK_EQ(f->nskipped, 0);
	CHECK_EQ(f->sites[0].api, alloc_functions__count());
	CHECK_EQ(f->sites[0].shape, SHAPE_ALLOC);
	CHECK_EQ(f->sites[0].point.offset, 3);
	CHECK_EQ(f->sites[0].cookie,
		 COOKIE(alloc_functions__count(), SHAPE_ALLOC, 1, ARG_NONE, ARG_NONE) |
		     COOKIE_CUSTOM);
	CHECK_EQ(site->shape, SHAPE_FREE_CALL);
	CHECK_EQ(site->cookie,
		 COOKIE(alloc_functions__count() + 1, SHAPE_FREE_CALL, ARG_NONE, ARG_NONE, 1) |
		     COOKIE_CUSTOM);
	CHECK_EQ(site_named(f, "_ZN4Pool3getEm")->cookie,
		 COOKIE(alloc_functions__count() + 2, SHAPE_ALLOC, 1, 2, ARG_NONE) | COOKIE_CUSTOM);
	CHECK_EQ(site_named(f, "malloc")->cookie,
		 COOKIE(alloc_functions__find("malloc"), SHAPE_ALLOC, 0, ARG_NONE, ARG_NONE));
	CHECK(!f->throws && !f->nameless);
	discover__free(f);
}

TEST(sizes_and_numbers_in_the_cookie)
{
	static const struct sym syms[] = { FUNC("node", 0, 6), FUNC("open_it", 0x10, 6) };
	struct probe_file *f = NAMED("node(bytes=48) open_it(size=1,int)", syms, PROLOGUE);

	CHECK_EQ(COOKIE_BYTES(f->sites[0].cookie), 48);
	CHECK(!(f->sites[0].cookie & COOKIE_INT));
	CHECK_EQ(COOKIE_BYTES(f->sites[1].cookie), 0);
	CHECK(f->sites[1].cookie & COOKIE_INT);
	discover__free(f);
}

TEST(the_user_takes_precedence_over_the_table)
{
	static const struct sym syms[] = { FUNC("malloc", 0, 6), FUNC("get", 0, 6),
					   FUNC("_Znwm", 0x10, 6) };
	struct probe_file *f = NAMED("get(size=2) malloc(size=3) _Znwm(size=1)", syms, PROLOGUE);

	CHECK_EQ(f->n, 2);
	CHECK_STR(f->sites[0].name, "get");
	CHECK_EQ(COOKIE_SIZE(f->sites[0].cookie), 1);
	CHECK_STR(f->sites[1].name, "_Znwm");
	CHECK_EQ(f->sites[1].api, alloc_functions__count() + 2);
	CHECK(!f->sites[1].throws);
	CHECK_EQ(f->nskipped, 1);
	CHECK_STR(f->skipped[0].name, "malloc");
	CHECK_EQ(f->skipped[0].api, alloc_functions__count() + 1);
	CHECK_STR(f->skipped[0].why, "the same function as another one of --probe");
	discover__free(f);
}

TEST(a_pool_does_not_make_operators_an_allocator)
{
	static const struct sym syms[] = { FUNC("pool_alloc", 0, 6), FUNC("_Znwm", 0x10, 6) };
	struct probe_file *f = NAMED("pool_alloc(size=1)", syms, PROLOGUE);

	CHECK_EQ(f->n, 1);
	CHECK_EQ(f->nskipped, 1);
	CHECK_STR(f->skipped[0].why, "calls an allocator in another file");
	discover__free(f);
}

TEST(copies_by_the_compiler_are_reported)
{
	static const struct sym syms[] = { FUNC("get", 0, 6), FUNC("get.constprop.0", 0x10, 6) };
	struct probe_file *f = NAMED("get(size=2)", syms, PROLOGUE);

	CHECK_EQ(f->n, 1);
	CHECK_EQ(f->nskipped, 1);
	CHECK_EQ(f->skipped[0].api, alloc_functions__count());
	CHECK_STR(f->skipped[0].name, "get.constprop.0");
	discover__free(f);
	f = NAMED("get(size=2) get.constprop.0(size=1)", syms, PROLOGUE);
	CHECK_EQ(f->n, 2);
	CHECK_STR(f->sites[1].name, "get.constprop.0");
	CHECK_EQ(f->sites[1].api, alloc_functions__count() + 1);
	discover__free(f);
}

TEST(functions_of_other_files)
{
	static const struct sym syms[] = { FUNC("get", 0, 6) };
	struct probe_file *f =
	    NAMED("libother.so*:get(size=2) /no/such/file:get(size=2)", syms, PROLOGUE);

	CHECK_EQ(f->n, 0);
	CHECK_EQ(f->nskipped, 0);
	discover__free(f);
	f = NAMED("memtrace-test-*:get(size=2)", syms, PROLOGUE);
	CHECK_EQ(f->n, 1);
	discover__free(f);
}

TEST(functions_by_offset)
{
	static const struct sym syms[] = { FUNC("main", 0, 6) };
	struct probe_file *f = NAMED(
	    "memtrace-test-*:0x1003(size=1) memtrace-test-*:0x7fffffff(ptr=1)", syms, PROLOGUE);

	CHECK_EQ(f->n, 1);
	CHECK_STR(f->sites[0].name, "memtrace-test-*+0x1003");
	CHECK_EQ(f->sites[0].entry, TEXT_AT + 3);
	CHECK_STR(f->sites[0].point.insn, "jz 0x401005");
	CHECK_EQ(f->nskipped, 1);
	CHECK_STR(f->skipped[0].why, "the file has no code there");
	discover__free(f);
}

TEST(files_without_names)
{
	struct probe_file *f = discover_made(EM_X86_64, NULL, 0, PROLOGUE, 6);

	CHECK(f->nameless);
	CHECK_EQ(f->n, 0);
	discover__free(f);
}

TEST(explanation)
{
	static const struct sym syms[] = {
		FUNC("malloc", 0, 6),
		FUNC("free", 0x10, 1),
		{ "calloc", 0x20, 6, STT_GNU_IFUNC, STB_GLOBAL },
		FUNC("_dl_debug_state", 0x30, 1),
	};
	static const struct sym nothing[] = { FUNC("main", 0, 6) };
	struct probe_file *f = MADE(syms, PROLOGUE);
	struct probe_file *g = MADE(nothing, PROLOGUE);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	explain__file(f, "/lib/a\x1b[2J.so", out);
	explain__file(g, "/bin/b", out);
	g->error = -EOPNOTSUPP;
	explain__file(g, "/bin/c", out);
	g->error = -ENOEXEC;
	explain__file(g, "/bin/d", out);
	fclose(out);
	CHECK_STR(
	    text,
	    "/lib/a\\x1b[2J.so:\n"
	    "  malloc           0x1000+3      jz 0x401005                  first emulated "
	    "instruction\n"
	    "  free             0x1010        nop                          the entry is emulated\n"
	    "  calloc           0x1020        not probed                   an IFUNC: its address "
	    "is the resolver's\n"
	    "  _dl_debug_state  0x1030        -                            called when libraries "
	    "are loaded or unloaded\n"
	    "/bin/b: defines no allocation function\n"
	    "/bin/c: not 64-bit code for this machine\n"
	    "/bin/d: Exec format error\n");
	free(text);
	discover__free(f);
	discover__free(g);
}

TEST(explanation_of_a_user_function)
{
	static const struct sym syms[] = { FUNC("get", 0, 6) };
	struct probe_file *f = NAMED("get(size=2)", syms, PROLOGUE);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	explain__file(f, "/x", out);
	fclose(out);
	CHECK_STR(
	    text,
	    "/x:\n  get  0x1000+3      jz 0x401005                  first emulated instruction; "
	    "by --probe\n");
	free(text);
	discover__free(f);
}

TEST(free_of_nothing)
{
	discover__free(NULL);
}

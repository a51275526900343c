/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --probe accepts and refuses, and which files and functions a specification matches. */
#include "probe/spec.h"

#include <errno.h>

#include "abi/event.h"

#include "test.h"

#define NO ARG_NONE

static struct probe_specs specs;
static char why[256];

static int add_specs(const char *text)
{
	why[0] = '\0';
	return probe_specs__add(&specs, text, why, sizeof(why));
}

/* The only specification in `text`. */
static const struct probe_spec *only_spec(const char *text)
{
	probe_specs__release(&specs);
	CHECK_EQ(add_specs(text), 0);
	CHECK_STR(why, "");
	CHECK_EQ(specs.n, 1);
	if (specs.n != 1)
		exit(1);
	return &specs.specs[0];
}

#define CHECK_SPEC(text, in, function, shape, size, count, ptr)                                    \
	check_spec(__LINE__, text, in, function,                                                   \
		   (struct alloc_function){ NULL, NULL, API_HEAP, shape, size, count, ptr })

static void check_spec(int line, const char *text, const char *file, const char *function,
		       struct alloc_function want)
{
	const struct probe_spec *s = only_spec(text);
	int before = test_failures;

	CHECK_STR(s->text, text);
	CHECK_STR(s->file ? s->file : "any", file ? file : "any");
	CHECK_STR(s->function, function);
	CHECK_STR(s->api.name, function);
	CHECK_EQ(s->api.shape, want.shape);
	CHECK_EQ(s->api.size, want.size);
	CHECK_EQ(s->api.count, want.count);
	CHECK_EQ(s->api.ptr, want.ptr);
	CHECK_EQ(s->api.kind, API_HEAP);
	CHECK(s->api.custom && !s->api.throws);
	if (test_failures > before)
		printf("# in line %d\n", line);
}

#define CHECK_REFUSED(text, reason)                                                                \
	do {                                                                                       \
		probe_specs__release(&specs);                                                      \
		CHECK_EQ(add_specs(text), -EINVAL);                                                \
		CHECK_STR(why, reason);                                                            \
	} while (0)

TEST(roles_follow_from_arguments)
{
	CHECK_SPEC("f(size=1)", NULL, "f", SHAPE_ALLOC, 0, NO, NO);
	CHECK_SPEC("f(size=6,count=1)", NULL, "f", SHAPE_ALLOC, 5, 0, NO);
	CHECK_SPEC("f(ptr=2)", NULL, "f", SHAPE_FREE_CALL, NO, NO, 1);
	CHECK_SPEC("f(ptr=1,size=2)", NULL, "f", SHAPE_REALLOC, 1, NO, 0);
	CHECK_SPEC("f(ptr=1, count=2, size=3)", NULL, "f", SHAPE_REALLOC, 2, 1, 0);
	CHECK_SPEC("f(out=1,size=3)", NULL, "f", SHAPE_ALLOC_OUT, 2, NO, 0);
	CHECK_SPEC("f(out=1)", NULL, "f", SHAPE_ALLOC_OUT, NO, NO, 0);
}

TEST(roles_that_are_stated)
{
	CHECK_SPEC("f(alloc)", NULL, "f", SHAPE_ALLOC, NO, NO, NO);
	CHECK_SPEC("pool_free(free, ptr=2, size=3)", NULL, "pool_free", SHAPE_FREE_CALL, NO, NO, 1);
	CHECK_SPEC("release(ptr=2, realloc, size=3)", NULL, "release", SHAPE_REALLOC, 2, NO, 1);
	CHECK_SPEC("f(alloc,size=1)", NULL, "f", SHAPE_ALLOC, 0, NO, NO);
}

TEST(blocks_of_one_size)
{
	CHECK_EQ(only_spec("f(bytes=64)")->api.bytes, 64);
	CHECK_EQ(specs.specs[0].api.size, NO);
	CHECK_EQ(specs.specs[0].api.shape, SHAPE_ALLOC);
	CHECK_EQ(only_spec("f(bytes=4k, out=2)")->api.bytes, 4096);
	CHECK_EQ(only_spec("f(ptr=1,bytes=8)")->api.shape, SHAPE_REALLOC);
	CHECK_EQ(only_spec("f(free,ptr=1,bytes=8)")->api.bytes, 0);
	CHECK(only_spec("f(size=1,int)")->api.number);
	CHECK(!only_spec("f(size=1)")->api.number);
}

TEST(files)
{
	CHECK_SPEC("libpool.so*:f(size=1)", "libpool.so*", "f", SHAPE_ALLOC, 0, NO, NO);
	CHECK_SPEC("/opt/my pool/libp.so:f(size=1)", "/opt/my pool/libp.so", "f", SHAPE_ALLOC, 0,
		   NO, NO);
	CHECK_SPEC("*:f(size=1)", NULL, "f", SHAPE_ALLOC, 0, NO, NO);
	CHECK_SPEC(":f(size=1)", NULL, "f", SHAPE_ALLOC, 0, NO, NO);
	CHECK_SPEC(": f (size = 1 )", NULL, "f", SHAPE_ALLOC, 0, NO, NO);
}

TEST(names_of_other_languages)
{
	CHECK_SPEC("Pool::alloc(size=2)", NULL, "Pool::alloc", SHAPE_ALLOC, 1, NO, NO);
	CHECK_SPEC("a.out:Pool::alloc(unsigned long)(size=2)", "a.out",
		   "Pool::alloc(unsigned long)", SHAPE_ALLOC, 1, NO, NO);
	CHECK_SPEC("(anonymous namespace)::f(int, std::vector<int, A<int> > const&) const(ptr=1)",
		   NULL, "(anonymous namespace)::f(int, std::vector<int, A<int> > const&) const",
		   SHAPE_FREE_CALL, NO, NO, 0);
	CHECK_SPEC("A::operator=(A const&)(alloc)", NULL, "A::operator=(A const&)", SHAPE_ALLOC, NO,
		   NO, NO);
	CHECK_SPEC("f(void (*)(int))(size=1)", NULL, "f(void (*)(int))", SHAPE_ALLOC, 0, NO, NO);
	CHECK_SPEC("x:_ZN4Pool5allocEm(size=2)", "x", "_ZN4Pool5allocEm", SHAPE_ALLOC, 1, NO, NO);
}

TEST(offsets)
{
	const struct probe_spec *s = only_spec("/bin/x:0x4a10(size=1)");

	CHECK(s->by_offset);
	CHECK_EQ(s->offset, 0x4a10);
	CHECK_STR(s->api.name, "/bin/x+0x4a10");
	CHECK(!only_spec("f0x10(size=1)")->by_offset);
	CHECK_REFUSED("0x10(size=1)", "'0x10' at character 1 is an offset, which needs its file: "
				      "FILE:0xOFFSET(…)");
	CHECK_REFUSED("x:0x1g(size=1)", "'0x1g' at character 3 is not a file offset");
	CHECK_REFUSED("x:0x(size=1)", "'0x' at character 3 is not a file offset");
	CHECK_REFUSED("x:0x11111111111111111(size=1)",
		      "'0x11111111111111111' at character 3 is not a file offset");
}

TEST(several_specifications)
{
	probe_specs__release(&specs);
	CHECK_EQ(add_specs(" x:a(size=1)  y:B::b(int, char)(ptr=2),c(ptr=1,size=2)\n"), 0);
	CHECK_EQ(add_specs("d(bytes=1)"), 0);
	CHECK_EQ(specs.n, 4);
	CHECK_STR(specs.specs[0].text, "x:a(size=1)");
	CHECK_STR(specs.specs[1].text, "y:B::b(int, char)(ptr=2)");
	CHECK_STR(specs.specs[1].function, "B::b(int, char)");
	CHECK_STR(specs.specs[2].text, "c(ptr=1,size=2)");
	CHECK_STR(specs.specs[3].function, "d");
}

TEST(invalid_specifications)
{
	CHECK_REFUSED("", "does not name a function");
	CHECK_REFUSED("  ,", "does not name a function");
	CHECK_REFUSED("malloc", "'malloc' at character 1 does not say which argument is which");
	CHECK_REFUSED("a(size=1) f(size)",
		      "'f(size)' at character 11 does not say which argument is which");
	CHECK_REFUSED("x:(size=1)", "'x:' at character 1 does not name a function");
	CHECK_REFUSED("(size=1)", "'' at character 1 does not name a function");
	CHECK_REFUSED(
	    "a(size=1)b(size=1)",
	    "'b(size=1)' at character 10 must be separated by a space from what precedes it");
	CHECK_REFUSED(
	    "f(siez=1)",
	    "'siez=1' at character 3 is not one of size=N, count=N, ptr=N, out=N, bytes=SIZE, "
	    "int, alloc, free, realloc");
	CHECK_REFUSED(
	    "f(size=1,)",
	    "'' at character 10 is not one of size=N, count=N, ptr=N, out=N, bytes=SIZE, int, "
	    "alloc, free, realloc");
	CHECK_REFUSED("f(size=0)",
		      "'size=0' at character 3 is not an argument from 1 to 6, which are those in "
		      "registers");
	CHECK_REFUSED("f(size=7)",
		      "'size=7' at character 3 is not an argument from 1 to 6, which are those in "
		      "registers");
	CHECK_REFUSED("f(size=)",
		      "'size=' at character 3 is not an argument from 1 to 6, which are those in "
		      "registers");
	CHECK_REFUSED("f(size=1,size=2)", "'size=2' at character 10 is given twice");
	CHECK_REFUSED("f(bytes=1,bytes=2)", "'bytes=2' at character 11 is given twice");
	CHECK_REFUSED("f(bytes=4g)", "'bytes=4g' at character 3 is not a size below 4g");
	CHECK_REFUSED("f(ptr=1,free,realloc)",
		      "'realloc' at character 14 contradicts the role before it");
	CHECK_REFUSED(
	    "f(size=1\x1b)",
	    "'size=1\\x1b' at character 3 is not an argument from 1 to 6, which are those "
	    "in registers");
}

TEST(contradictory_arguments)
{
	CHECK_REFUSED("f(ptr=1,size=1)",
		      "'ptr=1,size=1' at character 3 says that argument 1 is both size and ptr");
	CHECK_REFUSED("f(count=1)", "'count=1' at character 3 does not say what the function does");
	CHECK_REFUSED("f(alloc,count=1)",
		      "'alloc,count=1' at character 3 has a count, but no size");
	CHECK_REFUSED("f(size=1,bytes=1)", "'size=1,bytes=1' at character 3 gives the size twice");
	CHECK_REFUSED("f(alloc,ptr=1)", "'alloc,ptr=1' at character 3 has a ptr: a function that "
					"takes and returns a block is a realloc");
	CHECK_REFUSED(
	    "f(free,size=1)",
	    "'free,size=1' at character 3 does not say which argument is the block; add ptr=N");
	CHECK_REFUSED("f(ptr=1,out=2)",
		      "'ptr=1,out=2' at character 3 has an out, which only an alloc can have");
	CHECK_REFUSED("f(realloc,ptr=1)",
		      "'realloc,ptr=1' at character 3 is a realloc without a size");
	CHECK_REFUSED(
	    "Pool_FREE(ptr=1,size=2)",
	    "'ptr=1,size=2' at character 11 is ambiguous; write (free, …) or (realloc, …)");
}

TEST(specifications_before_an_error_are_kept)
{
	probe_specs__release(&specs);
	CHECK_EQ(add_specs("a(size=1) b(size=9)"), -EINVAL);
	CHECK_EQ(specs.n, 1);
}

TEST(rows)
{
	const char *names[API_ROWS];
	char text[32];
	size_t most = probe_specs__most();

	probe_specs__release(&specs);
	CHECK_EQ(most, 256 - alloc_functions__count());
	for (size_t i = 0; i < most; i++) {
		snprintf(text, sizeof(text), "f%zu(size=1)", i);
		CHECK_EQ(add_specs(text), 0);
	}
	CHECK_EQ(add_specs("more(size=1)"), -ENOSPC);
	CHECK(strstr(why, "is one too many; the limit is"));
	CHECK_EQ(specs.n, most);
	CHECK_EQ(probe_specs__row(0), alloc_functions__count());
	CHECK_EQ(probe_specs__row(most - 1), 255);
	CHECK_STR(probe_specs__api(&specs, alloc_functions__count())->name, "f0");
	CHECK(probe_specs__api(&specs, 255) == &specs.specs[most - 1].api);
	CHECK(probe_specs__api(&specs, 256) == alloc_functions__get(API_NONE));
	CHECK(probe_specs__api(NULL, alloc_functions__count()) == alloc_functions__get(API_NONE));
	CHECK(probe_specs__api(&specs, alloc_functions__find("malloc")) ==
	      alloc_functions__get(alloc_functions__find("malloc")));
	probe_specs__names(&specs, names);
	CHECK_STR(names[alloc_functions__find("malloc")], "malloc");
	CHECK_STR(names[255], specs.specs[most - 1].function);
	probe_specs__release(&specs);
	CHECK_EQ(specs.n, 0);
	probe_specs__names(NULL, names);
	CHECK_STR(names[alloc_functions__count() - 1],
		  alloc_functions__get(alloc_functions__count() - 1)->name);
	CHECK(!names[alloc_functions__count()] && !names[255]);
}

TEST(matching_files)
{
	const struct probe_spec *s = only_spec("libpool.so*:f(size=1)");

	CHECK(probe_spec__matches_path(s, "/usr/lib/libpool.so"));
	CHECK(probe_spec__matches_path(s, "/x/libpool.so.1.2"));
	CHECK(probe_spec__matches_path(s, "libpool.so"));
	CHECK(!probe_spec__matches_path(s, "/usr/lib/mylibpool.so"));
	CHECK(!probe_spec__matches_path(s, "/libpool.so/x"));
	CHECK(!probe_spec__matches_path(s, ""));
	s = only_spec("/opt/*/libpool.so:f(size=1)");
	CHECK(probe_spec__matches_path(s, "/opt/a/libpool.so"));
	CHECK(!probe_spec__matches_path(s, "/usr/opt/a/libpool.so"));
	CHECK(!probe_spec__matches_path(s, "/opt/libpool.so"));
	CHECK(probe_spec__matches_path(only_spec("f(size=1)"), "/any"));
}

TEST(matching_functions)
{
	const struct probe_spec *s = only_spec("pool_alloc(size=1)");

	CHECK_EQ(probe_spec__match_symbol(s, "pool_alloc"), PROBE_FUNCTION);
	CHECK_EQ(probe_spec__match_symbol(s, "pool_alloc.lto_priv.0"), PROBE_FUNCTION);
	CHECK_EQ(probe_spec__match_symbol(s, "pool_alloc.llvm.123"), PROBE_FUNCTION);
	CHECK_EQ(probe_spec__match_symbol(s, "pool_alloc.constprop.0"), PROBE_COPY);
	CHECK_EQ(probe_spec__match_symbol(s, "pool_alloc.constprop.0.isra.1"), PROBE_COPY);
	CHECK_EQ(probe_spec__match_symbol(s, "pool_alloc.cold"), PROBE_OTHER);
	CHECK_EQ(probe_spec__match_symbol(s, "pool_alloc.part.0"), PROBE_OTHER);
	CHECK_EQ(probe_spec__match_symbol(s, "pool_alloc2"), PROBE_OTHER);
	CHECK_EQ(probe_spec__match_symbol(s, "my_pool_alloc"), PROBE_OTHER);
	CHECK_EQ(probe_spec__match_symbol(s, "pool_alloc2.isra.0"), PROBE_OTHER);
	CHECK_EQ(probe_spec__match_symbol(s, ".constprop.0"), PROBE_OTHER);
	CHECK_EQ(probe_spec__match_symbol(s, ""), PROBE_OTHER);
	CHECK_EQ(
	    probe_spec__match_symbol(only_spec("pool_alloc.isra.0(size=1)"), "pool_alloc.isra.0"),
	    PROBE_FUNCTION);
	CHECK_EQ(probe_spec__match_symbol(only_spec("x:0x10(size=1)"), "x+0x10"), PROBE_OTHER);
}

static enum probe_match match(const char *function, const char *symbol)
{
	char text[256];

	snprintf(text, sizeof(text), "%s(size=1)", function);
	return probe_spec__match_symbol(only_spec(text), symbol);
}

TEST(matching_cxx_functions)
{
	static const char member[] = "_ZN4Pool5allocEm", local[] = "_ZN12_GLOBAL__N_14grabEiSs";

	CHECK_EQ(match(member, member), PROBE_FUNCTION);
	CHECK_EQ(match("Pool::alloc", member), PROBE_FUNCTION);
	CHECK_EQ(match("Pool::alloc(unsigned long)", member), PROBE_FUNCTION);
	CHECK_EQ(match("Pool::alloc( unsigned  long )", member), PROBE_FUNCTION);
	CHECK_EQ(match("Pool::alloc(int)", member), PROBE_OTHER);
	CHECK_EQ(match("alloc", member), PROBE_OTHER);
	CHECK_EQ(match("ol::alloc", member), PROBE_OTHER);
	CHECK_EQ(match("(anonymous namespace)::grab", local), PROBE_FUNCTION);
	CHECK_EQ(match("Pool::alloc", "_ZN4Pool5allocEm.constprop.0"), PROBE_COPY);
	CHECK_EQ(match("Pool::alloc", "_ZN4Pool5allocEm.lto_priv.1"), PROBE_FUNCTION);
	CHECK_EQ(match("Pool::get", "_ZNK4Pool3getEv"), PROBE_FUNCTION);
	CHECK_EQ(match("Pool::get() const", "_ZNK4Pool3getEv"), PROBE_FUNCTION);
	CHECK_EQ(match("Pool::Pool", "_ZN4PoolC1Em"), PROBE_FUNCTION);
	CHECK_EQ(match("Pool::~Pool", "_ZN4PoolD1Ev"), PROBE_FUNCTION);
	CHECK_EQ(match("Pool::operator()", "_ZN4PoolclEi"), PROBE_FUNCTION);
	CHECK_EQ(match("Pool::operator new", "_ZN4PoolnwEm"), PROBE_FUNCTION);
	CHECK_EQ(match("void* Pool::get<int>(int)", "_ZN4Pool3getIiEEPvT_"), PROBE_FUNCTION);
	CHECK_EQ(match("pool::grab", "_ZN4pool4grab17h0123456789abcdefE"), PROBE_FUNCTION);
}

TEST(release_of_nothing)
{
	struct probe_specs none = { 0 };

	probe_specs__release(&none);
	probe_specs__release(&specs);
	probe_specs__release(&specs);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>

#include "symbols/demangle.h"
#include "symbols/rust_binders.h"
#include "util/array.h"
#include "util/clock.h"
#include "test.h"

TEST(demangled_names)
{
	static const char *const names[][2] = {
		/* C++ */
		{ "_ZN3foo3barEi", "foo::bar(int)" },
		{ "_ZNSt6vectorIiSaIiEE9push_backERKi",
		  "std::vector<int, std::allocator<int> >::push_back(int const&)" },
		{ "_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()() const" },
		{ "_ZN12_GLOBAL__N_13fooEv", "(anonymous namespace)::foo()" },
		{ "_ZNKSt8functionIFviEEclEi", "std::function<void (int)>::operator()(int) const" },
		{ "_Znwm", "operator new(unsigned long)" },
		{ "_ZN3FooC1Ev", "Foo::Foo()" },
		{ "_ZN3FooD2Ev", "Foo::~Foo()" },
		{ "_ZTv0_n24_N3FooD1Ev", "virtual thunk to Foo::~Foo()" },
		{ "_Z1fIJidEEvDpT_", "void f<int, double>(int, double)" },
		{ "_Z3fooi.part.0.cold", "foo(int) [clone .part.0] [clone .cold]" },
		/* Rust, legacy */
		{ "_ZN4core3fmt9Formatter9write_fmt17h0123456789abcdefE",
		  "core::fmt::Formatter::write_fmt" },
		{ "_ZN4core3fmt9Formatter9write_fmt17h0123456789abcdefE.llvm.8172635",
		  "core::fmt::Formatter::write_fmt" },
		{ "_ZN4core3ptr85drop_in_place$LT$std..rt..lang_start$LT$$LP$$RP$$GT$..$u7b$$u7b$"
		  "closure$u7d$$u7d$$GT$"
		  "17h0123456789abcdefE",
		  "core::ptr::drop_in_place<std::rt::lang_start<()>::{{closure}}>" },
		/* Rust, v0 */
		{ "_RNvMs_NtCs1234_7mycrate3fooNtB4_3Bar3baz", "<mycrate::foo::Bar>::baz" },
		{ "_RINvNtC3std3mem8align_ofdE", "std::mem::align_of::<f64>" },
		/* neither */
		{ "printf", "printf" },
		{ "", "" },
		{ "_start", "_start" },
		{ "__libc_malloc", "__libc_malloc" },
		{ "main.main", "main.main" },
		{ "_Z", "_Z" },
		{ "_ZZZZ", "_ZZZZ" },
		{ "_R", "_R" },
		{ "f", "f" }, /* a type, float, for demanglers that look for types */
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *got = demangle__name(names[i][0]);

		CHECK_STR(got, names[i][1]);
		free(got);
	}
	CHECK(demangle__is_mangled("_Z1fv"));
	CHECK(demangle__is_mangled("_RNv"));
	CHECK(!demangle__is_mangled("_z"));
	CHECK(!demangle__is_mangled(""));
}

/* head, then unit repeated, then tail; `len` bytes at most. */
static char *repeat(const char *head, const char *unit, const char *tail, size_t len)
{
	char *name = calloc(1, len + strlen(head) + strlen(tail) + 1), *p = stpcpy(name, head);

	for (; (size_t)(p - name) + strlen(unit) + strlen(tail) <= len; p = stpcpy(p, unit))
		;
	strcpy(p, tail);
	return name;
}

/* Each type is a pair of the one before: the last is 2^34 times as long as the first. */
static char *cplusplus_bomb(void)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char *name = calloc(1, 1024), *p = stpcpy(name, "_Z1f1aIiiE");

	for (int i = 0; i < 34; i++)
		p += sprintf(p, "S_IS%c_S%c_E", digits[i], digits[i]);
	return name;
}

static void put_base62(char *out, unsigned int n)
{
	static const char digits[] =
	    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	/* A back reference N stands for component N + 1, and an empty one for component 0. */
	if (n - 1 < 62)
		sprintf(out, "B%c_", digits[n - 1]);
	else
		sprintf(out, "B%c%c_", digits[(n - 1) / 62], digits[(n - 1) % 62]);
}

static char *rust_bomb(void)
{
	char *name = calloc(1, 1024), *p = stpcpy(name, "_RINvC1a1b"), ref[8];
	unsigned int last = (unsigned int)(p - name) - 2;

	p = stpcpy(p, "TllE");
	for (int i = 0; i < 40; i++) {
		put_base62(ref, last);
		last = (unsigned int)(p - name) - 2;
		p += sprintf(p, "T%s%sE", ref, ref);
	}
	strcpy(p, "E");
	return name;
}

/* "S_", "S0_", … "S9_", "SA_", … "S10_": what a name refers back to by its number. */
static char *put_substitution(char *p, int n)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char text[8] = "";
	int i = 7;

	for (n--; n >= 0 && i > 0; n = n < 36 ? -1 : n / 36)
		text[--i] = digits[n % 36];
	p = stpcpy(p, "S");
	while (i < 7)
		*p++ = text[i++];
	return stpcpy(p, "_");
}

/* Each type is made of the one before, twice: a search for a pack takes 2^depth steps. */
static char *pack_bomb(const char *head, int depth)
{
	char *name = calloc(1, 2048), *p = stpcpy(name, head);

	for (int i = 0; i < depth; i++)
		p = stpcpy(p, "1aI");
	p = stpcpy(p, "ii");
	for (int i = 0; i < depth; i++) {
		*p++ = 'E';
		if (i < depth - 1)
			p = put_substitution(p, depth + 1 + i);
	}
	*p = '\0';
	return name;
}

/* Half of the name makes template arguments, the other half refers to them. */
static char *many_scopes(size_t len)
{
	char *name = calloc(1, len + 16), *p = stpcpy(name, "_Z1fI");

	while ((size_t)(p - name) < len / 2)
		p = stpcpy(p, "1aIiE");
	p = stpcpy(p, "EvT_");
	while ((size_t)(p - name) < len - 4)
		p = stpcpy(p, "RT_");
	return name;
}

static void *demangle_hostile(void *arg)
{
	char *names[64];
	size_t n = 0;

	names[n++] = cplusplus_bomb();
	names[n++] = rust_bomb();
	names[n++] = pack_bomb("_Z1fIiEvDp", 40);
	names[n++] = pack_bomb("_Z1fIiEvPDp", 100);
	/* Paths of Rust that refer to themselves. */
	names[n++] = strdup("_RB_");
	names[n++] = strdup("_RNvB_1a");
	names[n++] = strdup("_RNvMB_B_1a");
	names[n++] = strdup("_RINvC1a1bB1_E");
	for (size_t len = 500; len <= 8000; len *= 2) {
		names[n++] = many_scopes(len);
		names[n++] = repeat("_Z1f", "P", "i", len);
		names[n++] = repeat("_Z1f", "PF", "i", len);
		names[n++] = repeat("_Z1fI", "1aI", "i", len);
		names[n++] = repeat("_Z1fIXad", "ad", "1aEEvv", len);
		names[n++] = repeat("_Z", "Z1fvE", "1a", len);
		names[n++] = repeat("_ZN", "1aD", "E", len);
		names[n++] = repeat("_RINvC1a1b", "R", "lE", len);
		names[n++] = repeat("_RINvC1a1b", "INtC1a1b", "E", len);
		names[n++] = repeat("_ZN", "1a", "17h0123456789abcdefE", len);
	}
	for (size_t i = 0; i < n; i++) {
		char *got = demangle__name(names[i]);

		if (!got || strlen(got) >= DEMANGLE_MAX)
			*(bool *)arg = false;
		free(got);
		free(names[i]);
	}
	return NULL;
}

/* A stack of 2 MiB must suffice in any thread. */
TEST(hostile_names_take_bounded_time_and_memory)
{
	uint64_t start = clock__now_ns();
	pthread_attr_t attr;
	pthread_t thread;
	bool ok = true;

	pthread_attr_init(&attr);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 2 << 20), 0);
	CHECK_EQ(pthread_create(&thread, &attr, demangle_hostile, &ok), 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attr);
	CHECK(ok);
	CHECK(clock__now_ns() - start < 5000000000);
}

TEST(names_that_take_too_long_stay_as_they_are)
{
	char *bomb = pack_bomb("_Z1fIiEvDp", 40), *got = demangle__name(bomb);
	char *small = pack_bomb("_Z1fIiEvDp", 3), *other = demangle__name(small);
	char *itself = demangle__name("_RB_");

	CHECK_STR(got, bomb);
	CHECK(other && strcmp(other, small));
	CHECK_STR(itself, "_RB_");
	free(bomb);
	free(got);
	free(small);
	free(other);
	free(itself);
}

/* Each of these took the demangler longer than anybody waits. */
TEST(rust_names_with_absurd_binders_stay_as_they_are)
{
	static const char *const absurd[] = {
		"_RXINvC1a1bFGzzzzz_EuEaC1a",		/* in a part that is not printed */
		"_RMDGzzzzzzzzzz_NtC1a1bp3Outh1_EL_uu", /* dyn, an associated type */
		"_RMFG99999999999999999999_KC_EuC1aa",	/* more than 64 bits */
		"_RMTRL0_QAFG000zz_EuKj5_EuC1aa",
		"_RMFGffffffffffff_EuC1aa",	   /* wraps around, digit by digit */
		"_RMC22aMMYFGzzzzzzzz_uC1aaaaB4_", /* refers into an identifier */
		"_RNvMC22aMMYFGzzzzzzzz_uC1aaaaB4_1f",
		"_RIC19aMYFGzzzzzzzz_uC1aaB4_E",
	};
	static const char *const fine[][2] = {
		{ "_RNvMC1aFG_RL0_hEu1f", "<for<'a> fn(&'a u8)>::f" },
		{ "_RINvC1a6Gzzz_1KRe616263_E", NULL },
		{ "_RNvC8Gzzzzzz_1f", "Gzzzzzz_::f" },
		{ "_RINvC8Gzzzzzz_1fNtB2_1TE", "Gzzzzzz_::f::<Gzzzzzz_::T>" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(absurd); i++) {
		char *got = demangle__name(absurd[i]);

		CHECK_STR(got, absurd[i]);
		free(got);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		char *got = demangle__name(fine[i][0]);

		if (fine[i][1])
			CHECK_STR(got, fine[i][1]);
		CHECK(!rust_binders__are_absurd(fine[i][0]));
		free(got);
	}
}

/* An identifier in Punycode is printed from memory of its own. It is the limit's own piece here. */
TEST(long_rust_names_leave_no_memory_behind)
{
	const char *name =
	    "_RIC3fmtNSCu30____7hkackfecea1cbdathfdh9hlq6ys1_0L1_FKCB_NaIB0_Es_1fEBU_EB_";
	size_t before = mallinfo2().uordblks;

	for (int i = 0; i < 1000; i++)
		free(demangle__name(name));
	CHECK(mallinfo2().uordblks - before < 10000);
}

TEST(long_names_are_cut)
{
	char *bomb = cplusplus_bomb(), *got = demangle__name(bomb);
	char *letters = repeat("", "x", "", 10000), *cut = demangle__name(letters);

	CHECK_EQ(strlen(got), DEMANGLE_MAX - 1);
	CHECK(!strncmp(got, "f(a<int, int>, a<a<int, int>, a<int, int> >, ", 45));
	CHECK_STR(got + DEMANGLE_MAX - 4, "...");
	CHECK(strlen(cut) < DEMANGLE_MAX);
	CHECK_STR(cut + strlen(cut) - 4, "x...");
	free(bomb);
	free(got);
	free(letters);
	free(cut);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files made by the test, whose symbols are all known, and this machine's own libraries where they
 * are installed. */
#include "made_files.h"

TEST(one_site_for_each_address_named_by_the_first_row)
{
	static const struct sym syms[] = {
		FUNC("__libc_malloc", 0, 6),	 FUNC("malloc", 0, 6),
		FUNC("tc_malloc", 0, 6),	 FUNC("memalign", 0x40, 16),
		FUNC("aligned_alloc", 0x40, 16), FUNC("cfree", 0x20, 6),
		FUNC("free", 0x20, 6),		 FUNC("main", 0x60, 6),
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->error, 0);
	CHECK_EQ(f->n, 3);
	CHECK_EQ(f->nskipped, 0);
	CHECK_EQ(f->linker_notify, 0);
	CHECK_STR(f->sites[0].name, "malloc");
	CHECK_EQ(f->sites[0].entry, TEXT_AT);
	CHECK_EQ(f->sites[0].api, alloc_functions__find("malloc"));
	CHECK_EQ(f->sites[0].point.offset, 3);
	CHECK_STR(f->sites[0].point.insn, "jz 0x401005");
	CHECK_STR(f->sites[1].name, "free");
	CHECK_EQ(f->sites[1].entry, TEXT_AT + 0x20);
	CHECK_STR(f->sites[2].name, "aligned_alloc");
	discover__free(f);
}

TEST(local_functions_count_but_data_does_not)
{
	static const struct sym syms[] = {
		{ "_rjem_malloc", 0, 6, STT_FUNC, STB_LOCAL },
		{ "malloc", 0x20, 8, STT_OBJECT, STB_GLOBAL },
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->n, 1);
	CHECK_STR(f->sites[0].name, "_rjem_malloc");
	discover__free(f);
}

TEST(the_row_decides_which_argument_matters)
{
	/* xor edi, edi; nop: overwrites malloc's size and free's block, but not memalign's size */
	static const struct sym syms[] = {
		FUNC("malloc", 0, 3),
		FUNC("free", 3, 3),
		FUNC("memalign", 6, 3),
		FUNC("posix_memalign", 9, 3),
	};
	struct probe_file *f = MADE(syms, "\x31\xff\x90\x31\xff\x90\x31\xff\x90\x31\xff\x90");

	CHECK_EQ(f->n, 4);
	CHECK(!site_named(f, "malloc")->point.emulated);
	CHECK(!site_named(f, "free")->point.emulated);
	CHECK_EQ(site_named(f, "memalign")->point.offset, 2);
	CHECK(!site_named(f, "posix_memalign")->point.emulated);
	discover__free(f);
}

TEST(operators_of_a_file_without_an_allocator)
{
	static const struct sym syms[] = {
		FUNC("_Znwm", 0, 6),
		FUNC("_ZdlPv", 0x10, 6),
		FUNC("free", 0x20, 6),
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->n, 1);
	CHECK_STR(f->sites[0].name, "free");
	CHECK_EQ(f->nskipped, 2);
	CHECK_STR(f->skipped[0].name, "_Znwm");
	CHECK_EQ(f->skipped[0].entry, TEXT_AT);
	CHECK_STR(f->skipped[0].why, "calls an allocator in another file");
	CHECK_STR(f->skipped[1].name, "_ZdlPv");
	discover__free(f);
}

TEST(operators_of_an_allocator)
{
	static const struct sym syms[] = {
		FUNC("_Znwm", 0, 6),
		FUNC("_Znam", 0, 6),
		FUNC("_ZdlPv", 0x10, 6),
		FUNC("je_malloc", 0x20, 6),
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->n, 3);
	CHECK_EQ(f->nskipped, 0);
	CHECK_STR(f->sites[0].name, "_Znwm");
	CHECK_STR(alloc_functions__get(f->sites[0].api)->name, "operator new");
	/* It may throw, and no call frame information says where it ends. */
	CHECK(f->throws);
	CHECK(!f->sites[0].exits);
	CHECK_STR(f->sites[0].why_return, "no call frame information describes it");
	discover__free(f);
}

/* operator new[] jumps to operator new, which jumps to malloc; operator delete has code of its
 * own. */
TEST(operators_that_only_call_a_probed_function)
{
	static const struct sym syms[] = {
		FUNC("_Znam", 0, 5),   FUNC("_Znwm", 8, 5),	FUNC("malloc", 0x10, 6),
		FUNC("free", 0x20, 6), FUNC("_ZdlPv", 0x18, 8),
	};
	static const char code[] = "\xe9\x03\0\0\0\x90\x90\x90"
				   "\xe9\x03\0\0\0\x90\x90\x90" PROLOGUE "\x90\x90"
				   "\x48\x8b\x07\xe9\0\0\0\0" PROLOGUE;
	struct probe_file *f = MADE(syms, code);

	CHECK_EQ(f->n, 3);
	CHECK(site_named(f, "_ZdlPv") != &no_site);
	CHECK_EQ(f->nskipped, 2);
	CHECK_STR(f->skipped[0].name, "_Znam");
	CHECK_STR(f->skipped[1].name, "_Znwm");
	CHECK_STR(f->skipped[1].why, "only calls a function that is probed");
	CHECK(!f->throws);
	discover__free(f);
}

TEST(unwinders_are_found)
{
	static const struct sym syms[] = {
		FUNC("_Unwind_RaiseException", 0x20, 8), /* twice, as in two symbol tables */
		FUNC("_Unwind_RaiseException", 0x20, 8),
		FUNC("_Unwind_ForcedUnwind", 0x30, 8),
		FUNC("_Unwind_Resume", 0x40, 8),
		FUNC("_Znwm", 0, 6),
		FUNC("je_malloc", 8, 6),
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK(f->throws);
	CHECK_EQ(f->nunwinders, 2);
	CHECK_EQ(f->unwinders[0], TEXT_AT + 0x20);
	CHECK_EQ(f->unwinders[1], TEXT_AT + 0x30);
	discover__free(f);
}

TEST(an_ifunc_is_not_probed)
{
	static const struct sym syms[] = {
		{ "malloc", 0, 6, STT_GNU_IFUNC, STB_GLOBAL },
		FUNC("_Znwm", 0x10, 6),
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->n, 0);
	CHECK_EQ(f->nskipped, 2);
	CHECK_STR(f->skipped[0].name, "malloc");
	CHECK_STR(f->skipped[0].why, "an IFUNC: its address is the resolver's");
	CHECK(f->skipped[0].blind);
	CHECK(!f->skipped[1].blind); /* calls it: that is what is not seen */
	discover__free(f);
}

/* Its loop into the prologue is found although the symbol has no size; that of the next function is
 * not. */
TEST(a_function_of_unknown_size_ends_at_the_next)
{
	static const struct sym syms[] = {
		FUNC("malloc", 0, 0),
		FUNC("helper", 8, 0),
		FUNC("free", 0x10, 0),
		FUNC("other", 0x16, 6),
	};
	static const char code[] = PROLOGUE "\xeb\xf9" /* malloc jumps to its +1 */
					    "\x90\x90\x90\x90\x90\x90\x90\x90" PROLOGUE
					    "\xeb\xf9"; /* other jumps to free's +1 */
	struct probe_file *f = MADE(syms, code);

	CHECK_EQ(f->n, 2);
	CHECK(!site_named(f, "malloc")->point.emulated);
	CHECK_STR(site_named(f, "malloc")->point.why, "+6 branches back before +3");
	CHECK_EQ(site_named(f, "free")->point.offset, 3);
	discover__free(f);
}

TEST(hostile_symbols)
{
	static const struct sym syms[] = {
		FUNC("malloc", 0, UINT64_MAX),
		FUNC("free", TEXT_SIZE - 1, 0x100000),
		FUNC("calloc", 0x7fffffff, 5),
		FUNC("realloc", UINT64_MAX - BASE - TEXT_AT, 5),
		FUNC("_dl_debug_state", 0x80000000, 1),
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->error, 0);
	CHECK(site_named(f, "malloc") != &no_site);
	CHECK(site_named(f, "free") != &no_site);
	CHECK(site_named(f, "calloc") == &no_site);
	CHECK(site_named(f, "realloc") == &no_site);
	CHECK_EQ(f->linker_notify, 0);
	discover__free(f);
}

TEST(the_loaders_notification)
{
	static const struct sym syms[] = { FUNC("_dl_debug_state", 0x30, 1) };
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->n, 0);
	CHECK_EQ(f->linker_notify, TEXT_AT + 0x30);
	discover__free(f);
}

TEST(other_machines)
{
	static const struct sym syms[] = { FUNC("malloc", 0, 6) };
	static const char text[] = "text\n";
	struct probe_file *f = discover_made(EM_386, syms, 1, PROLOGUE, 6);

	CHECK_EQ(f->error, -EOPNOTSUPP);
	CHECK_EQ(f->n, 0);
	discover__free(f);
	f = discover_made(EM_AARCH64, syms, 1, PROLOGUE, 6);
	CHECK_EQ(f->error, 0);
	CHECK_EQ(f->n, 1);
	CHECK_EQ(f->sites[0].point.offset, 0);
	CHECK(!f->sites[0].point.emulated);
	discover__free(f);
	f = discover_bytes(text, sizeof(text), "", 0);
	CHECK_EQ(f->error, -ENOEXEC);
	CHECK_EQ(f->n, 0);
	discover__free(f);
}

/* ---- this machine's own ---- */

TEST(this_c_library)
{
	static const char *const names[] = { "malloc",	      "calloc", "realloc", "posix_memalign",
					     "aligned_alloc", "valloc", "free" };
	void *glibc = dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
	struct probe_file *f;
	Dl_info info;

	/* A sanitizer has functions of that name, too, but not glibc's own. */
	if (!dladdr(glibc ? glibc : dlsym(RTLD_DEFAULT, "malloc_usable_size"), &info))
		SKIP("the C library's file is not known");
	f = discover_path(info.dli_fname);
	CHECK_EQ(f->error, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CHECK(site_named(f, names[i])->point.emulated);
	}
	for (size_t i = 1; i < f->n; i++)
		CHECK(f->sites[i - 1].entry < f->sites[i].entry);
	if (glibc)
		CHECK_EQ(f->nlibc_frees, 2); /* the blocks in a thread's cache, and the cache */
	discover__free(f);
}

static struct probe_file *discover_installed(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "/usr/lib/x86_64-linux-gnu/%s", name);
	return access(path, R_OK) ? NULL : discover_path(path);
}

TEST(installed_allocators)
{
	static const char *const libraries[] = { "libjemalloc.so.2", "libtcmalloc_minimal.so.4",
						 "libmimalloc.so.2" };
	static const char *const names[] = { "malloc", "calloc", "realloc",
					     "free",   "_Znwm",	 "_ZdlPvm" };
	int seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
		struct probe_file *f = discover_installed(libraries[i]);

		if (!f)
			continue;
		seen++;
		CHECK_EQ(f->nskipped, 0);
		CHECK(!f->throws);
		CHECK(f->nexits >= 4);
		CHECK(site_named(f, "_Znwm")->exits);
		for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
			const struct probe_site *site = site_named(f, names[j]);

			if (!site->point.emulated)
				printf("# %s of %s: %s\n", names[j], libraries[i], site->point.why);
			CHECK(site->point.emulated);
		}
		discover__free(f);
	}
	if (!seen)
		SKIP("no allocator is installed");
}

TEST(installed_libstdcxx)
{
	struct probe_file *f = discover_installed("libstdc++.so.6");

	if (!f)
		SKIP("libstdc++.so.6 is not installed");
	CHECK_EQ(f->n, 0);
	CHECK(f->nskipped >= 12);
	discover__free(f);
}

TEST(installed_loader)
{
	struct probe_file *f;

	if (access("/lib64/ld-linux-x86-64.so.2", R_OK))
		SKIP("no /lib64/ld-linux-x86-64.so.2");
	f = discover_path("/lib64/ld-linux-x86-64.so.2");
	CHECK(f->linker_notify != 0);
	discover__free(f);
}

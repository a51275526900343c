/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/wrappers.h"

#include <errno.h>

#include "test.h"

static void check_library(const char *func, const char *module, bool want)
{
	if (wrappers__has(NULL, func, module) == want)
		return;
	printf("# %s of %s is %s library's\n", func ? func : "(null)", module ? module : "(null)",
	       want ? "no" : "a");
	test_failures++;
}

#define FOLDED(func) check_library(func, "/opt/app", true)
#define OWN(func) check_library(func, "/opt/app", false)

TEST(library_frames)
{
	FOLDED("operator new(unsigned long)");
	FOLDED("operator new[](unsigned long)");
	FOLDED("std::vector<int, std::allocator<int> >::push_back(int&&)");
	FOLDED("void std::vector<Foo>::_M_realloc_insert<Foo const&>(Foo const&)");
	FOLDED("std::pair<int, Foo*>* std::__do_uninit<std::pair<int, Foo*>*>(int)");
	FOLDED("decltype(auto) std::__visit<Foo>(int)");
	FOLDED("decltype (auto) std::__visit<Foo>(int)");
	FOLDED("std::function<void (int)>::operator()(int) const");
	FOLDED("__gnu_cxx::new_allocator<int>::allocate(unsigned long, void const*)");
	FOLDED("alloc::vec::Vec<T>::push");
	FOLDED("<alloc::vec::Vec<T> as core::iter::FromIterator>::from_iter");
	FOLDED("strdup");
	FOLDED("asprintf");
	FOLDED("_start");
	check_library("qsort", "/usr/lib/x86_64-linux-gnu/libc.so.6", true);
	check_library("qsort", "/lib/ld-musl-x86_64.so.1", true);
	check_library("opendir", "/lib/x86_64-linux-gnu/libc-2.31.so", true);
	check_library(NULL, "/usr/lib/libstdc++.so.6", true);
}

TEST(program_frames)
{
	OWN("main");
	OWN("session_alloc");
	OWN("my_strdup");
	OWN("strdup_all");
	OWN("app::std::copy()");
	OWN("stdx::copy()");
	OWN("Foo::operator new(unsigned long)");
	OWN("Foo::make(std::vector<int>, void (*)(std::string))");
	OWN("std::string* Foo::make<std::string>(int)");
	OWN("std::vector<int> (anonymous namespace)::make<int>()");
	OWN("(anonymous namespace)::make(std::string)");
	OWN("operator<<(std::ostream&, Foo const&)");
	OWN("std::ostream& operator<< <Foo>(std::ostream&, Foo const&)");
	OWN("main::{lambda(int)#1}::operator()(int) const");
	OWN("");
	OWN(NULL);
	check_library(NULL, NULL, false);
	check_library("main", "/opt/libc.so.6.d/app", false);
}

/* What passes a request on, in the programs and libraries that have it. */
TEST(wrappers_of_well_known_programs)
{
	FOLDED("os::malloc(unsigned long, MEMFLAGS, NativeCallStack const&)");
	FOLDED("Unsafe_AllocateMemory0");
	FOLDED("__zend_malloc");
	FOLDED("_emalloc");
	FOLDED("_emalloc_56");
	FOLDED("_safe_emalloc");
	FOLDED("_safe_realloc");
	FOLDED("deflateInit2_");
	FOLDED("inflateInit_");
	FOLDED("PyBytes_FromStringAndSize");
	FOLDED("PyUnicode_New");
	FOLDED("PyList_New");
	FOLDED("PyMem_RawMalloc");
	FOLDED("_PyObject_GC_NewVar");
	FOLDED("AllocSetContextCreateInternal");
	FOLDED("AllocSetAlloc");
	FOLDED("palloc0");
	FOLDED("copyObjectImpl");
	FOLDED("v8::internal::Malloced::operator new(unsigned long)");
	FOLDED("_cgo_8f1d0a2b3c4d_Cfunc__Cmalloc");
	FOLDED("main._Cfunc_CString");
	FOLDED("main._cgo_cmalloc");
	FOLDED("crosscall2");
	FOLDED("g_malloc0_n");
	FOLDED("g_slice_alloc");
	FOLDED("g_strdup_printf");
	FOLDED("QArrayData::allocate(unsigned long, unsigned long, unsigned long)");
	FOLDED("QString::fromUtf8_helper(char const*, int)");
	FOLDED("CRYPTO_zalloc");
	FOLDED("uprv_malloc_72");
	FOLDED("icu_72::UMemory::operator new(unsigned long)");
	FOLDED("boost::make_shared<Foo>()");
	FOLDED("apr_palloc");
	FOLDED("ngx_pnalloc");
	FOLDED("ztrymalloc_usable");
	FOLDED("sdsnewlen");
	FOLDED("dictAddRaw");
	FOLDED("createStringObject");
	OWN("setGenericCommand");
	FOLDED("l_alloc");
	FOLDED("luaM_realloc_");
	FOLDED("xmlStrdup");
	FOLDED("sqlite3DbMallocRawNN");
	FOLDED("<hashbrown::raw::RawTable<T,A>>::reserve_rehash");
	FOLDED("alloc::raw_vec::RawVec<T,A>::grow_amortized");
	FOLDED("ruby_xmalloc2_body");
	FOLDED("Perl_safesysmalloc");
	FOLDED("clone3");
}

TEST(functions_that_only_look_like_wrappers)
{
	OWN("my_malloc");
	OWN("g_application_run");
	OWN("os::init()");
	OWN("lua_pcall");
	OWN("Perl_pp_entersub");
	OWN("PyInit_module");
	OWN("zend_execute");
	OWN("safe_browsing_start");
	OWN("clone_object");
	OWN("QWidget::show()");
	OWN("handle_operator new");
	OWN("copy_object");
}

/* ---- lines of a file ---- */

static int add(struct wrappers *w, const char *text, size_t *line, const char **why)
{
	return wrappers__add_text(w, text, strlen(text), line, why);
}

TEST(a_file_adds_patterns)
{
	struct wrappers *w = wrappers__new();
	const char *why;
	size_t line;

	CHECK_EQ(add(w, "# ours\n\n  wrapper:^my_*alloc$ \nwrapper:/libpool.so*\n", &line, &why),
		 0);
	CHECK(wrappers__has(w, "my_zalloc", "/opt/app"));
	CHECK(wrappers__has(w, "Foo* my_alloc", "/opt/app"));
	CHECK(!wrappers__has(w, "my_zallocate", "/opt/app"));
	CHECK(wrappers__has(w, "anything", "/opt/lib/libpool.so.1"));
	CHECK(wrappers__has(w, NULL, "/opt/lib/libpool.so.1"));
	CHECK(!wrappers__has(w, NULL, NULL));
	CHECK(wrappers__has(w, "malloc", NULL));
	wrappers__free(w);
}

TEST(lines_that_are_not_valid)
{
	struct wrappers *w = wrappers__new();
	const char *why;
	size_t line;

	CHECK_EQ(add(w, "wrapper:a\nleak:b\n", &line, &why), -EINVAL);
	CHECK_EQ(line, 2);
	CHECK_STR(why, "does not begin with \"wrapper:\"");
	CHECK_EQ(add(w, "wrapper:", &line, &why), -EINVAL);
	CHECK_STR(why, "has no pattern");
	wrappers__free(w);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/alloc_functions.h"

#include "abi/event.h"
#include "probe/point.h"

#include "test.h"

static const struct alloc_function *row_of(const char *symbol)
{
	unsigned int n = alloc_functions__find(symbol);

	if (n == API_NONE)
		printf("# no row for %s\n", symbol);
	return alloc_functions__get(n);
}

#define CHECK_ROW(symbol, name_, shape_, size_, count_, ptr_)                                      \
	do {                                                                                       \
		const struct alloc_function *a_ = row_of(symbol);                                  \
		CHECK_STR(a_->name, name_);                                                        \
		CHECK_EQ(a_->kind, API_HEAP);                                                      \
		CHECK_EQ(a_->shape, shape_);                                                       \
		CHECK_EQ(a_->size, size_);                                                         \
		CHECK_EQ(a_->count, count_);                                                       \
		CHECK_EQ(a_->ptr, ptr_);                                                           \
	} while (0)

enum { NO = ARG_NONE };

TEST(fixed_rows)
{
	CHECK_STR(alloc_functions__get(API_NONE)->name, "unknown");
	CHECK_STR(alloc_functions__get(API_MMAP)->name, "mmap");
	CHECK_STR(alloc_functions__get(API_BRK)->name, "brk");
	CHECK_STR(alloc_functions__get(API_SHMAT)->name, "shmat");
	CHECK_STR(alloc_functions__get(API_MREMAP)->name, "mremap");
	for (unsigned int i = API_MMAP; i < API_FIRST_FUNCTION; i++) {
		CHECK_EQ(alloc_functions__get(i)->kind, API_MAP);
		CHECK(!alloc_functions__get(i)->symbol);
		CHECK_EQ(alloc_functions__find(alloc_functions__get(i)->name), API_NONE);
	}
}

TEST(c_library)
{
	CHECK_EQ(alloc_functions__find("malloc"), API_FIRST_FUNCTION);
	CHECK_ROW("malloc", "malloc", SHAPE_ALLOC, 0, NO, NO);
	CHECK_ROW("calloc", "calloc", SHAPE_ALLOC, 1, 0, NO);
	CHECK_ROW("realloc", "realloc", SHAPE_REALLOC, 1, NO, 0);
	CHECK_ROW("reallocarray", "reallocarray", SHAPE_REALLOC, 2, 1, 0);
	CHECK_ROW("posix_memalign", "posix_memalign", SHAPE_ALLOC_OUT, 2, NO, 0);
	CHECK_ROW("aligned_alloc", "aligned_alloc", SHAPE_ALLOC, 1, NO, NO);
	CHECK_ROW("memalign", "memalign", SHAPE_ALLOC, 1, NO, NO);
	CHECK_ROW("valloc", "valloc", SHAPE_ALLOC, 0, NO, NO);
	CHECK_ROW("pvalloc", "pvalloc", SHAPE_ALLOC, 0, NO, NO);
	CHECK_ROW("free", "free", SHAPE_FREE, NO, NO, 0);
	CHECK_ROW("cfree", "cfree", SHAPE_FREE, NO, NO, 0);
	CHECK_ROW("free_sized", "free_sized", SHAPE_FREE, NO, NO, 0);
	CHECK_ROW("free_aligned_sized", "free_aligned_sized", SHAPE_FREE, NO, NO, 0);
	CHECK_ROW("__libc_malloc", "malloc", SHAPE_ALLOC, 0, NO, NO);
	CHECK_ROW("__posix_memalign", "posix_memalign", SHAPE_ALLOC_OUT, 2, NO, 0);
}

TEST(cxx_operators)
{
	CHECK_ROW("_Znwm", "operator new", SHAPE_ALLOC, 0, NO, NO);
	CHECK_ROW("_ZnamSt11align_val_tRKSt9nothrow_t", "operator new[]", SHAPE_ALLOC, 0, NO, NO);
	CHECK_ROW("_ZdlPvm", "operator delete", SHAPE_FREE, NO, NO, 0);
	CHECK(row_of("_Znwm")->throws);
	CHECK(row_of("_ZnamSt11align_val_t")->throws);
	CHECK(row_of("tc_new")->throws);
	CHECK(!row_of("_ZnwmRKSt9nothrow_t")->throws);
	CHECK(!row_of("mi_new_nothrow")->throws);
	CHECK(!row_of("malloc")->throws);
	CHECK_ROW("_ZdaPvmSt11align_val_t", "operator delete[]", SHAPE_FREE, NO, NO, 0);
}

TEST(allocators)
{
	CHECK_ROW("mallocx", "mallocx", SHAPE_ALLOC, 0, NO, NO);
	CHECK_ROW("rallocx", "rallocx", SHAPE_REALLOC, 1, NO, 0);
	CHECK_ROW("sdallocx", "sdallocx", SHAPE_FREE, NO, NO, 0);
	CHECK_EQ(alloc_functions__find("xallocx"), API_NONE);
	CHECK_ROW("je_calloc", "je_calloc", SHAPE_ALLOC, 1, 0, NO);
	CHECK_ROW("_rjem_sdallocx", "_rjem_sdallocx", SHAPE_FREE, NO, NO, 0);
	CHECK_ROW("tc_newarray_nothrow", "tc_newarray", SHAPE_ALLOC, 0, NO, NO);
	CHECK_ROW("tc_posix_memalign", "tc_posix_memalign", SHAPE_ALLOC_OUT, 2, NO, 0);
	CHECK_ROW("mi_recalloc", "mi_recalloc", SHAPE_REALLOC, 2, 1, 0);
	CHECK_ROW("mi_malloc_aligned", "mi_malloc_aligned", SHAPE_ALLOC, 0, NO, NO);
	CHECK_ROW("mi_memalign", "mi_memalign", SHAPE_ALLOC, 1, NO, NO);
	CHECK_EQ(alloc_functions__find("mi_heap_malloc"), API_NONE);
}

TEST(other_functions_have_no_row)
{
	CHECK_EQ(alloc_functions__find(""), API_NONE);
	CHECK_EQ(alloc_functions__find("mallo"), API_NONE);
	CHECK_EQ(alloc_functions__find("malloc "), API_NONE);
	CHECK_EQ(alloc_functions__find("Malloc"), API_NONE);
	CHECK_EQ(alloc_functions__find("malloc_usable_size"), API_NONE);
	CHECK_EQ(alloc_functions__find("unknown"), API_NONE);
}

TEST(invalid_row_numbers)
{
	CHECK(alloc_functions__get(alloc_functions__count()) == alloc_functions__get(API_NONE));
	CHECK(alloc_functions__get(~0u) == alloc_functions__get(API_NONE));
	CHECK_EQ(COOKIE_API(alloc_functions__cookie(~0u, alloc_functions__get(~0u), NULL)),
		 API_NONE);
	CHECK(alloc_functions__count() <= 256);
}

/* Every row is found by its own symbol (no symbol occurs twice), and its arguments fit its
 * shape. */
TEST(the_table_is_consistent)
{
	for (unsigned int i = API_FIRST_FUNCTION; i < alloc_functions__count(); i++) {
		const struct alloc_function *a = alloc_functions__get(i);

		CHECK(a->symbol && a->name);
		CHECK_EQ(alloc_functions__find(a->symbol), i);
		CHECK_EQ(a->kind, API_HEAP);
		CHECK((a->size == ARG_NONE) == (a->shape == SHAPE_FREE));
		CHECK((a->ptr == ARG_NONE) == (a->shape == SHAPE_ALLOC));
		CHECK(a->size == ARG_NONE || a->size < POINT_ARGS);
		CHECK(a->count == ARG_NONE || a->count < POINT_ARGS);
		CHECK(a->count == ARG_NONE || a->count != a->size);
		CHECK(a->ptr == ARG_NONE || a->ptr < POINT_ARGS);
		CHECK(!a->throws || a->shape == SHAPE_ALLOC || a->shape == SHAPE_REALLOC);
	}
}

TEST(cookies)
{
	static const uint8_t moved[POINT_ARGS] = { ARG_RAX, 2, 1, 3, 4, 5 };
	unsigned int n = alloc_functions__find("reallocarray");
	uint64_t c = alloc_functions__cookie(n, alloc_functions__get(n), NULL);

	CHECK_EQ(COOKIE_API(c), n);
	CHECK_EQ(COOKIE_SHAPE(c), SHAPE_REALLOC);
	CHECK_EQ(COOKIE_SIZE(c), 2);
	CHECK_EQ(COOKIE_COUNT(c), 1);
	CHECK_EQ(COOKIE_PTR(c), 0);
	c = alloc_functions__cookie(n, alloc_functions__get(n), moved);
	CHECK_EQ(COOKIE_SIZE(c), 1);
	CHECK_EQ(COOKIE_COUNT(c), 2);
	CHECK_EQ(COOKIE_PTR(c), ARG_RAX);
	CHECK_EQ(ARG_RAX, POINT_RAX);
	c = alloc_functions__cookie(alloc_functions__find("malloc"), row_of("malloc"), moved);
	CHECK_EQ(COOKIE_SIZE(c), ARG_RAX);
	CHECK_EQ(COOKIE_COUNT(c), ARG_NONE);
	CHECK_EQ(COOKIE_PTR(c), ARG_NONE);
}

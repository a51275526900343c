/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/alloc_functions.h"

#include <string.h>

#include "abi/event.h"
#include "util/array.h"

/*
 * To add an allocator:
 *
 * 1. List its functions (nm -D --defined-only lib.so) and read their manual page.
 * 2. At the end of the table, add a row for each function that takes memory from the allocator or
 *    gives it back: its symbol, its name in reports, API_HEAP, its shape (enum api_shape in
 *    abi/event.h), the numbers of the arguments that hold the size, the count and the block (from
 *    0, or NO), and `true` if it fails by throwing an exception.
 * 3. Check some of the rows in tests/unit/probe/test_alloc_functions.c, which also checks for every
 *    row that the arguments fit the shape, and trace a program in tests/root/allocators.py.
 *
 * A function that only forwards to one that has a row needs none: the inner call is seen. If
 * several of these symbols have one address, the first row names it, so the standard's own name
 * comes first and an allocator's private alias last.
 *
 * Not in the table, because no event can express them: jemalloc's xallocx resizes in place and
 * returns a size; mimalloc's heaps (mi_heap_malloc) are destroyed whole, without a free for each
 * block. A reallocf that fails frees the old block, which the probes take for a failed realloc.
 */
#define NO ARG_NONE

static const struct alloc_function table[] = {
	/* symbol, name, kind, shape, size, count, ptr, throws */
	[API_NONE] = { NULL, "unknown", API_HEAP, SHAPE_ALLOC, NO, NO, NO },
	[API_MMAP] = { NULL, "mmap", API_MAP, SHAPE_ALLOC, NO, NO, NO },
	[API_BRK] = { NULL, "brk", API_MAP, SHAPE_ALLOC, NO, NO, NO },
	[API_SHMAT] = { NULL, "shmat", API_MAP, SHAPE_ALLOC, NO, NO, NO },
	[API_MREMAP] = { NULL, "mremap", API_MAP, SHAPE_ALLOC, NO, NO, NO },

	/* ISO C and POSIX, and what the C libraries add. glibc's aligned_alloc is memalign, and
	 * cfree is free. */
	[API_FIRST_FUNCTION] = { "malloc", "malloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "calloc", "calloc", API_HEAP, SHAPE_ALLOC, 1, 0, NO },
	{ "realloc", "realloc", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "reallocarray", "reallocarray", API_HEAP, SHAPE_REALLOC, 2, 1, 0 },
	{ "reallocf", "reallocf", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "posix_memalign", "posix_memalign", API_HEAP, SHAPE_ALLOC_OUT, 2, NO, 0 },
	{ "aligned_alloc", "aligned_alloc", API_HEAP, SHAPE_ALLOC, 1, NO, NO },
	{ "memalign", "memalign", API_HEAP, SHAPE_ALLOC, 1, NO, NO },
	{ "valloc", "valloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "pvalloc", "pvalloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "free", "free", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "cfree", "cfree", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "free_sized", "free_sized", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "free_aligned_sized", "free_aligned_sized", API_HEAP, SHAPE_FREE, NO, NO, 0 },

	/* The same under glibc's internal names, which an allocator may define too. */
	{ "__libc_malloc", "malloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "__libc_calloc", "calloc", API_HEAP, SHAPE_ALLOC, 1, 0, NO },
	{ "__libc_realloc", "realloc", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "__libc_reallocarray", "reallocarray", API_HEAP, SHAPE_REALLOC, 2, 1, 0 },
	{ "__libc_memalign", "memalign", API_HEAP, SHAPE_ALLOC, 1, NO, NO },
	{ "__posix_memalign", "posix_memalign", API_HEAP, SHAPE_ALLOC_OUT, 2, NO, 0 },
	{ "__libc_valloc", "valloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "__libc_pvalloc", "pvalloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "__libc_free", "free", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "__libc_cfree", "cfree", API_HEAP, SHAPE_FREE, NO, NO, 0 },

	/* C++: each operator plain, nothrow, aligned, aligned and nothrow; delete also sized. */
	{ "_Znwm", "operator new", API_HEAP, SHAPE_ALLOC, 0, NO, NO, true },
	{ "_ZnwmRKSt9nothrow_t", "operator new", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "_ZnwmSt11align_val_t", "operator new", API_HEAP, SHAPE_ALLOC, 0, NO, NO, true },
	{ "_ZnwmSt11align_val_tRKSt9nothrow_t", "operator new", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "_Znam", "operator new[]", API_HEAP, SHAPE_ALLOC, 0, NO, NO, true },
	{ "_ZnamRKSt9nothrow_t", "operator new[]", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "_ZnamSt11align_val_t", "operator new[]", API_HEAP, SHAPE_ALLOC, 0, NO, NO, true },
	{ "_ZnamSt11align_val_tRKSt9nothrow_t", "operator new[]", API_HEAP, SHAPE_ALLOC, 0, NO,
	  NO },
	{ "_ZdlPv", "operator delete", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "_ZdlPvm", "operator delete", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "_ZdlPvRKSt9nothrow_t", "operator delete", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "_ZdlPvSt11align_val_t", "operator delete", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "_ZdlPvmSt11align_val_t", "operator delete", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "_ZdlPvSt11align_val_tRKSt9nothrow_t", "operator delete", API_HEAP, SHAPE_FREE, NO, NO,
	  0 },
	{ "_ZdaPv", "operator delete[]", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "_ZdaPvm", "operator delete[]", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "_ZdaPvRKSt9nothrow_t", "operator delete[]", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "_ZdaPvSt11align_val_t", "operator delete[]", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "_ZdaPvmSt11align_val_t", "operator delete[]", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "_ZdaPvSt11align_val_tRKSt9nothrow_t", "operator delete[]", API_HEAP, SHAPE_FREE, NO, NO,
	  0 },

	/* jemalloc, without a prefix, */
	{ "mallocx", "mallocx", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "rallocx", "rallocx", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "dallocx", "dallocx", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "sdallocx", "sdallocx", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	/* with the prefix that its own build, redis and others give it, */
	{ "je_malloc", "je_malloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "je_calloc", "je_calloc", API_HEAP, SHAPE_ALLOC, 1, 0, NO },
	{ "je_realloc", "je_realloc", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "je_posix_memalign", "je_posix_memalign", API_HEAP, SHAPE_ALLOC_OUT, 2, NO, 0 },
	{ "je_aligned_alloc", "je_aligned_alloc", API_HEAP, SHAPE_ALLOC, 1, NO, NO },
	{ "je_memalign", "je_memalign", API_HEAP, SHAPE_ALLOC, 1, NO, NO },
	{ "je_valloc", "je_valloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "je_pvalloc", "je_pvalloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "je_free", "je_free", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "je_free_sized", "je_free_sized", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "je_free_aligned_sized", "je_free_aligned_sized", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "je_mallocx", "je_mallocx", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "je_rallocx", "je_rallocx", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "je_dallocx", "je_dallocx", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "je_sdallocx", "je_sdallocx", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	/* and as Rust programs link it. */
	{ "_rjem_malloc", "_rjem_malloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "_rjem_calloc", "_rjem_calloc", API_HEAP, SHAPE_ALLOC, 1, 0, NO },
	{ "_rjem_realloc", "_rjem_realloc", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "_rjem_posix_memalign", "_rjem_posix_memalign", API_HEAP, SHAPE_ALLOC_OUT, 2, NO, 0 },
	{ "_rjem_aligned_alloc", "_rjem_aligned_alloc", API_HEAP, SHAPE_ALLOC, 1, NO, NO },
	{ "_rjem_memalign", "_rjem_memalign", API_HEAP, SHAPE_ALLOC, 1, NO, NO },
	{ "_rjem_valloc", "_rjem_valloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "_rjem_free", "_rjem_free", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "_rjem_mallocx", "_rjem_mallocx", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "_rjem_rallocx", "_rjem_rallocx", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "_rjem_dallocx", "_rjem_dallocx", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "_rjem_sdallocx", "_rjem_sdallocx", API_HEAP, SHAPE_FREE, NO, NO, 0 },

	/* tcmalloc */
	{ "tc_malloc", "tc_malloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "tc_malloc_skip_new_handler", "tc_malloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "tc_calloc", "tc_calloc", API_HEAP, SHAPE_ALLOC, 1, 0, NO },
	{ "tc_realloc", "tc_realloc", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "tc_posix_memalign", "tc_posix_memalign", API_HEAP, SHAPE_ALLOC_OUT, 2, NO, 0 },
	{ "tc_memalign", "tc_memalign", API_HEAP, SHAPE_ALLOC, 1, NO, NO },
	{ "tc_valloc", "tc_valloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "tc_pvalloc", "tc_pvalloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "tc_new", "tc_new", API_HEAP, SHAPE_ALLOC, 0, NO, NO, true },
	{ "tc_new_nothrow", "tc_new", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "tc_new_aligned", "tc_new", API_HEAP, SHAPE_ALLOC, 0, NO, NO, true },
	{ "tc_new_aligned_nothrow", "tc_new", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "tc_newarray", "tc_newarray", API_HEAP, SHAPE_ALLOC, 0, NO, NO, true },
	{ "tc_newarray_nothrow", "tc_newarray", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "tc_newarray_aligned", "tc_newarray", API_HEAP, SHAPE_ALLOC, 0, NO, NO, true },
	{ "tc_newarray_aligned_nothrow", "tc_newarray", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "tc_free", "tc_free", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_free_sized", "tc_free", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_cfree", "tc_free", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_delete", "tc_delete", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_delete_sized", "tc_delete", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_delete_nothrow", "tc_delete", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_delete_aligned", "tc_delete", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_delete_sized_aligned", "tc_delete", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_delete_aligned_nothrow", "tc_delete", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_deletearray", "tc_deletearray", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_deletearray_sized", "tc_deletearray", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_deletearray_nothrow", "tc_deletearray", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_deletearray_aligned", "tc_deletearray", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_deletearray_sized_aligned", "tc_deletearray", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "tc_deletearray_aligned_nothrow", "tc_deletearray", API_HEAP, SHAPE_FREE, NO, NO, 0 },

	/* mimalloc */
	{ "mi_malloc", "mi_malloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "mi_malloc_small", "mi_malloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "mi_zalloc", "mi_zalloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "mi_zalloc_small", "mi_zalloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "mi_calloc", "mi_calloc", API_HEAP, SHAPE_ALLOC, 1, 0, NO },
	{ "mi_mallocn", "mi_mallocn", API_HEAP, SHAPE_ALLOC, 1, 0, NO },
	{ "mi_malloc_aligned", "mi_malloc_aligned", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "mi_malloc_aligned_at", "mi_malloc_aligned", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "mi_zalloc_aligned", "mi_zalloc_aligned", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "mi_zalloc_aligned_at", "mi_zalloc_aligned", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "mi_calloc_aligned", "mi_calloc_aligned", API_HEAP, SHAPE_ALLOC, 1, 0, NO },
	{ "mi_calloc_aligned_at", "mi_calloc_aligned", API_HEAP, SHAPE_ALLOC, 1, 0, NO },
	{ "mi_realloc", "mi_realloc", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "mi_reallocf", "mi_reallocf", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "mi_reallocn", "mi_reallocn", API_HEAP, SHAPE_REALLOC, 2, 1, 0 },
	{ "mi_reallocarray", "mi_reallocarray", API_HEAP, SHAPE_REALLOC, 2, 1, 0 },
	{ "mi_rezalloc", "mi_rezalloc", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "mi_recalloc", "mi_recalloc", API_HEAP, SHAPE_REALLOC, 2, 1, 0 },
	{ "mi_realloc_aligned", "mi_realloc_aligned", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "mi_realloc_aligned_at", "mi_realloc_aligned", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "mi_rezalloc_aligned", "mi_rezalloc_aligned", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "mi_rezalloc_aligned_at", "mi_rezalloc_aligned", API_HEAP, SHAPE_REALLOC, 1, NO, 0 },
	{ "mi_recalloc_aligned", "mi_recalloc_aligned", API_HEAP, SHAPE_REALLOC, 2, 1, 0 },
	{ "mi_recalloc_aligned_at", "mi_recalloc_aligned", API_HEAP, SHAPE_REALLOC, 2, 1, 0 },
	{ "mi_posix_memalign", "mi_posix_memalign", API_HEAP, SHAPE_ALLOC_OUT, 2, NO, 0 },
	{ "mi_memalign", "mi_memalign", API_HEAP, SHAPE_ALLOC, 1, NO, NO },
	{ "mi_aligned_alloc", "mi_aligned_alloc", API_HEAP, SHAPE_ALLOC, 1, NO, NO },
	{ "mi_valloc", "mi_valloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "mi_pvalloc", "mi_pvalloc", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "mi_new", "mi_new", API_HEAP, SHAPE_ALLOC, 0, NO, NO, true },
	{ "mi_new_nothrow", "mi_new", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "mi_new_aligned", "mi_new", API_HEAP, SHAPE_ALLOC, 0, NO, NO, true },
	{ "mi_new_aligned_nothrow", "mi_new", API_HEAP, SHAPE_ALLOC, 0, NO, NO },
	{ "mi_new_n", "mi_new_n", API_HEAP, SHAPE_ALLOC, 1, 0, NO, true },
	{ "mi_new_realloc", "mi_new_realloc", API_HEAP, SHAPE_REALLOC, 1, NO, 0, true },
	{ "mi_new_reallocn", "mi_new_reallocn", API_HEAP, SHAPE_REALLOC, 2, 1, 0, true },
	{ "mi_free", "mi_free", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "mi_cfree", "mi_free", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "mi_free_size", "mi_free", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "mi_free_aligned", "mi_free", API_HEAP, SHAPE_FREE, NO, NO, 0 },
	{ "mi_free_size_aligned", "mi_free", API_HEAP, SHAPE_FREE, NO, NO, 0 },
};

#undef NO

_Static_assert(ARRAY_SIZE(table) <= API_ROWS, "a row's number travels in 8 bits");

const struct alloc_function *alloc_functions__get(unsigned int row)
{
	return &table[row < ARRAY_SIZE(table) ? row : API_NONE];
}

unsigned int alloc_functions__count(void)
{
	return ARRAY_SIZE(table);
}

unsigned int alloc_functions__find(const char *symbol)
{
	for (unsigned int row = API_FIRST_FUNCTION; row < ARRAY_SIZE(table); row++) {
		if (symbol[0] == table[row].symbol[0] && !strcmp(symbol, table[row].symbol))
			return row;
	}
	return API_NONE;
}

uint64_t alloc_functions__cookie(unsigned int row, const struct alloc_function *a,
				 const uint8_t arg[])
{
	uint8_t where[3] = { a->size, a->count, a->ptr };
	uint64_t cookie;

	for (size_t i = 0; arg && i < ARRAY_SIZE(where); i++) {
		if (where[i] != ARG_NONE)
			where[i] = arg[where[i]];
	}
	cookie = COOKIE(row < API_ROWS ? row : API_NONE, a->shape, where[0], where[1], where[2]);
	if (a->custom)
		cookie |= COOKIE_CUSTOM;
	if (a->number)
		cookie |= COOKIE_INT;
	return cookie | (uint64_t)a->bytes << COOKIE_BYTES_SHIFT;
}

unsigned int alloc_functions__arguments(const struct alloc_function *a)
{
	const uint8_t args[] = { a->size, a->count, a->ptr };
	unsigned int mask = 0;

	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		mask |= args[i] == ARG_NONE ? 0 : 1u << args[i];
	return mask;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts the elements of fixed arrays, and grows arrays on the heap. */
#ifndef MEMTRACE_UTIL_ARRAY_H
#define MEMTRACE_UTIL_ARRAY_H

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Makes room for `need` elements of `size` bytes each. `array` is the address of the pointer to the
 * first element (NULL for an empty array), `*cap` is the number of elements that it has room for.
 * The capacity at least doubles, so that appending one by one takes amortized constant time.
 * Returns 0, or -ENOMEM, which leaves both as they were.
 */
int array__grow(void *array, size_t *cap, size_t need, size_t size);

#endif

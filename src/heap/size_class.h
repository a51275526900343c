/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classes of block sizes, about as fine as those of allocators: by 16 bytes to 128, then four to
 * each power of two; the last one has no end.
 */
#ifndef MEMTRACE_HEAP_SIZE_CLASS_H
#define MEMTRACE_HEAP_SIZE_CLASS_H

#include <stdint.h>

#define SIZE_CLASSES 64
#define SIZE_CLASSES_ALL UINT64_MAX

static inline unsigned int size_class__of(uint64_t bytes)
{
	uint64_t last = bytes ? bytes - 1 : 0;
	unsigned int log, class;

	if (last < 128)
		return (unsigned int)(last / 16);
	log = 63u - (unsigned int)__builtin_clzll(last);
	class = 8 + (log - 7) * 4 + ((unsigned int)(last >> (log - 2)) & 3);
	return class < SIZE_CLASSES ? class : SIZE_CLASSES - 1;
}

static inline uint64_t size_class__bit(uint64_t bytes)
{
	return 1ull << size_class__of(bytes);
}

/* These and the next smaller and larger ones: sizes that an allocator may hold to be the same. */
static inline uint64_t size_class__near(uint64_t classes)
{
	return classes | classes << 1 | classes >> 1;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/array.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ELEMENTS 8

int array__grow(void *array, size_t *cap, size_t need, size_t size)
{
	size_t n = *cap <= SIZE_MAX / 2 ? *cap * 2 : SIZE_MAX;
	void *p;

	if (need <= *cap)
		return 0;
	if (n < FIRST_ELEMENTS)
		n = FIRST_ELEMENTS;
	if (n < need)
		n = need;
	/* Checked here, because a sanitizer's allocator ends the process instead of failing. */
	if (size && n > PTRDIFF_MAX / size)
		return -ENOMEM;
	/* The caller's pointer has another type than void *: only its bytes may be accessed. */
	memcpy(&p, array, sizeof(p));
	p = reallocarray(p, n, size);
	if (!p)
		return -ENOMEM;
	memcpy(array, &p, sizeof(p));
	*cap = n;
	return 0;
}

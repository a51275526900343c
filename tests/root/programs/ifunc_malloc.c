/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An allocator in a library, of which malloc is chosen when the program is loaded. */
#include <stddef.h>
#include <string.h>

static char room[1 << 20] __attribute__((aligned(16)));
static size_t used;

static void *from_room(size_t size)
{
	size_t *block = (size_t *)(void *)(room + used);

	size = (size + 31) / 16 * 16;
	if (used + size > sizeof(room))
		return NULL;
	used += size;
	*block = size - 16;
	return block + 2;
}

static void *(*choose(void))(size_t)
{
	return from_room;
}

void *malloc(size_t size) __attribute__((ifunc("choose")));

void *calloc(size_t n, size_t size)
{
	return from_room(n * size); /* is never used twice */
}

void free(void *p)
{
	(void)p;
}

void *realloc(void *p, size_t size)
{
	void *to = from_room(size);

	if (to && p)
		memcpy(to, p, ((size_t *)p)[-2] < size ? ((size_t *)p)[-2] : size);
	return to;
}

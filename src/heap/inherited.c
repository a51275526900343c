/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heap/inherited.h"

#include <errno.h>
#include <stddef.h>

#include "heap/heap.h"

static void remove_heap(struct inherited *in, uint32_t i)
{
	heap__free(in->heaps[i]);
	in->n--;
	for (; i < in->n; i++)
		in->heaps[i] = in->heaps[i + 1];
}

static void remove_empty_heaps(struct inherited *in)
{
	for (uint32_t i = in->n; i-- > 0;)
		if (!heap__count(in->heaps[i]))
			remove_heap(in, i);
}

static int put_all(struct heap *to, const struct heap *from)
{
	struct block b, old;
	uint64_t cursor = 0;
	int err = 0;

	while (err >= 0 && heap_copy__next(from, &cursor, &b)) {
		b.site = 0;
		err = heap__put(to, &b, &old);
	}
	return err < 0 ? err : 0;
}

/* The index of the smallest heap but `except`. */
static uint32_t smallest(const struct inherited *in, uint32_t except)
{
	uint32_t best = UINT32_MAX;

	for (uint32_t i = 0; i < in->n; i++)
		if (i != except && (best == UINT32_MAX ||
				    heap__count(in->heaps[i]) < heap__count(in->heaps[best])))
			best = i;
	return best;
}

/* An address that both have is that of the later generation's block. */
static int unite_smallest(struct inherited *in, struct heap_copies *copies)
{
	uint32_t a = smallest(in, UINT32_MAX), b = smallest(in, a);
	uint32_t early = a < b ? a : b, late = a < b ? b : a;
	struct heap *both = heap__new();
	int err;

	if (!both)
		return -ENOMEM;
	err = put_all(both, in->heaps[early]);
	if (!err)
		err = put_all(both, in->heaps[late]);
	if (err) {
		heap__free(both);
		return err;
	}
	heap_copy__from(both, copies);
	heap__free(in->heaps[late]);
	in->heaps[late] = both;
	remove_heap(in, early);
	return 0;
}

static int make_room(struct inherited *in, struct heap_copies *copies)
{
	remove_empty_heaps(in);
	return in->n < INHERITED_HEAPS ? 0 : unite_smallest(in, copies);
}

int inherited__add(struct inherited *in, struct heap *heap, struct heap_copies *copies)
{
	int err = make_room(in, copies);

	if (err) {
		heap__free(heap);
		return err;
	}
	heap_copy__from(heap, copies);
	in->heaps[in->n++] = heap;
	return 0;
}

int inherited__fork(struct inherited *out, struct heap *own, struct inherited *inherited,
		    struct heap_copies *copies)
{
	int err = make_room(inherited, copies);

	*out = (struct inherited){ 0 };
	for (uint32_t i = 0; i < inherited->n && !err; i++) {
		out->heaps[i] = heap_copy__new(inherited->heaps[i], copies);
		if (out->heaps[i])
			out->n++;
		else
			err = -ENOMEM;
	}
	if (!err && heap__count(own)) {
		out->heaps[out->n] = heap_copy__new(own, copies);
		if (out->heaps[out->n])
			out->n++;
		else
			err = -ENOMEM;
	}
	if (err)
		inherited__free(out);
	return err;
}

void inherited__free(struct inherited *in)
{
	for (uint32_t i = 0; i < in->n; i++)
		heap__free(in->heaps[i]);
	in->n = 0;
}

bool inherited__take(struct inherited *in, uint64_t addr, struct block *out)
{
	for (uint32_t i = in->n; i-- > 0;)
		if (heap_copy__take(in->heaps[i], addr, out))
			return true;
	return false;
}

uint64_t inherited__count(const struct inherited *in)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < in->n; i++)
		sum += heap__count(in->heaps[i]);
	return sum;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting a map into an array of maps makes the system call wait for all running BPF programs (an
 * RCU grace period, some 8 ms), and a process that has just mapped a new library should not have to
 * wait for that too. So a few chunks are put in beforehand, and filling one is a copy to shared
 * memory.
 *
 * The same wait makes it safe to write to a chunk again. Chunks that are no longer needed are
 * replaced by chunk 0, which is empty and never used, and are freed thereby: many in one call.
 */
#include "trace/table_chunks.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/unwind.h"

#define WORDS_BYTES (UNWIND_CHUNK_WORDS * sizeof(uint32_t))
#define AT_HAND 32 /* chunks made ready at once */
#define TOO_FEW 16
#define TOO_MANY 128

enum state {
	NOT_MADE,
	READY,
	USED,
	GIVEN, /* given back, but not settled */
};

struct chunk {
	uint32_t *words; /* NULL: not made */
	uint8_t state;
};

struct table_chunks {
	int outer;
	int empty; /* chunk 0's map */
	struct chunk *all;
	size_t max;
	size_t count[GIVEN + 1];
};

static void set_state(struct table_chunks *c, size_t i, uint8_t state)
{
	c->count[c->all[i].state]--;
	c->all[i].state = state;
	c->count[state]++;
}

static int new_chunk_map(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "unwind_chunk", sizeof(uint32_t), WORDS_BYTES,
				1, &opts);

	return fd < 0 ? -errno : fd;
}

/* Puts maps into the array, in one call where the kernel supports that: each call waits for a grace
 * period. */
static int put_maps(struct table_chunks *c, uint32_t *keys, uint32_t *fds, uint32_t n)
{
	uint32_t done = n;

	if (bpf_map_update_batch(c->outer, keys, fds, &done, NULL) == 0 && done == n)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		if (bpf_map_update_elem(c->outer, &keys[i], &fds[i], BPF_ANY) != 0)
			return -errno;
	return 0;
}

int table_chunks__settle(struct table_chunks *c)
{
	uint32_t zero = 0;

	/* Every kernel waits when one element is set; only newer ones wait after a batch. */
	if (bpf_map_update_elem(c->outer, &zero, &c->empty, BPF_ANY) != 0)
		return -errno;
	for (size_t i = 1; i < c->max && c->count[GIVEN]; i++)
		if (c->all[i].state == GIVEN)
			set_state(c, i, READY);
	return 0;
}

/* Makes n more chunks, or as many as the limit allows. */
static int make_chunks(struct table_chunks *c, size_t n)
{
	uint32_t keys[AT_HAND], fds[AT_HAND], made = 0;
	int err = 0;

	for (size_t i = 1; i < c->max && made < n && made < AT_HAND; i++) {
		uint32_t *words;
		int fd;

		if (c->all[i].state != NOT_MADE)
			continue;
		fd = new_chunk_map();
		err = fd < 0 ? fd : 0;
		if (err)
			break;
		words = mmap(NULL, WORDS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (words == MAP_FAILED) {
			err = -errno;
			close(fd);
			break;
		}
		c->all[i].words = words;
		keys[made] = (uint32_t)i;
		fds[made++] = (uint32_t)fd;
	}
	if (made) {
		int put_err = put_maps(c, keys, fds, made);

		err = err ? err : put_err;
	}
	for (uint32_t i = 0; i < made; i++) {
		close((int)fds[i]);
		if (err) {
			munmap(c->all[keys[i]].words, WORDS_BYTES);
			c->all[keys[i]].words = NULL;
		} else {
			set_state(c, keys[i], READY);
		}
	}
	return err;
}

/* Frees chunks that are ready. */
static void free_chunks(struct table_chunks *c, size_t n)
{
	uint32_t keys[TOO_MANY], fds[TOO_MANY], found = 0;

	for (size_t i = c->max - 1; i > 0 && found < n && found < TOO_MANY; i--) {
		if (c->all[i].state != READY)
			continue;
		keys[found] = (uint32_t)i;
		fds[found++] = (uint32_t)c->empty;
	}
	if (!found || put_maps(c, keys, fds, found) != 0)
		return;
	for (uint32_t i = 0; i < found; i++) {
		munmap(c->all[keys[i]].words, WORDS_BYTES);
		c->all[keys[i]].words = NULL;
		set_state(c, keys[i], NOT_MADE);
	}
}

struct table_chunks *table_chunks__new(int outer, size_t max)
{
	struct table_chunks *c = calloc(1, sizeof(*c));
	int err = ENOMEM;

	if (!c)
		return NULL;
	c->outer = outer;
	c->max = max;
	c->empty = new_chunk_map();
	c->all = calloc(max, sizeof(*c->all));
	if (c->empty < 0)
		err = -c->empty;
	if (c->empty < 0 || !c->all)
		goto fail;
	c->count[NOT_MADE] = max - 1; /* all but chunk 0 */
	err = -table_chunks__settle(c);
	if (err)
		goto fail;
	table_chunks__tend(c);
	return c;
fail:
	table_chunks__free(c);
	errno = err;
	return NULL;
}

void table_chunks__free(struct table_chunks *c)
{
	if (!c)
		return;
	for (size_t i = 0; c->all && i < c->max; i++)
		if (c->all[i].words)
			munmap(c->all[i].words, WORDS_BYTES);
	if (c->empty >= 0)
		close(c->empty);
	free(c->all);
	free(c);
}

int table_chunks__take(struct table_chunks *c, size_t n, uint32_t *numbers)
{
	size_t got = 0;

	if (n > table_chunks__left(c))
		return -ENOSPC;
	if (n > c->count[READY] && c->count[GIVEN]) {
		int err = table_chunks__settle(c);

		if (err)
			return err;
	}
	while (n > c->count[READY]) {
		int err = make_chunks(c, n - c->count[READY]);

		if (err)
			return err;
	}
	for (size_t i = 1; got < n; i++) {
		if (c->all[i].state != READY)
			continue;
		set_state(c, i, USED);
		numbers[got++] = (uint32_t)i;
	}
	return 0;
}

uint32_t *table_chunks__words(struct table_chunks *c, uint32_t number)
{
	return c->all[number].words;
}

void table_chunks__give(struct table_chunks *c, const uint32_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		set_state(c, numbers[i], GIVEN);
}

void table_chunks__tend(struct table_chunks *c)
{
	if (c->count[GIVEN])
		table_chunks__settle(c);
	if (c->count[READY] < TOO_FEW && c->count[NOT_MADE])
		make_chunks(c, AT_HAND - c->count[READY]);
	while (c->count[READY] > TOO_MANY) {
		size_t before = c->count[READY];

		free_chunks(c, before - AT_HAND);
		if (c->count[READY] == before)
			break;
	}
}

size_t table_chunks__left(const struct table_chunks *c)
{
	return c->count[NOT_MADE] + c->count[READY] + c->count[GIVEN];
}

size_t table_chunks__bytes(const struct table_chunks *c)
{
	return (c->max - c->count[NOT_MADE]) * CHUNK_BYTES;
}

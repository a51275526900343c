/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Encodes and decodes what a report is made of, besides events. */
#include "record/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNTERS (sizeof(struct counters) / sizeof(ev_u64))

void record__put_tick(struct strbuf *sb, const struct record_tick *r)
{
	ev_u64 counters[COUNTERS];

	memcpy(counters, &r->counters, sizeof(counters));
	codec__put(sb, r->seq);
	codec__put(sb, r->final);
	codec__put(sb, r->now);
	codec__put(sb, r->wall);
	codec__put(sb, COUNTERS);
	for (size_t i = 0; i < COUNTERS; i++)
		codec__put(sb, counters[i]);
}

int record__take_tick(struct cursor *c, struct record_tick *r)
{
	ev_u64 counters[COUNTERS] = { 0 };
	size_t n;

	*r = (struct record_tick){ .seq = codec__take_u32(c) };
	r->final = codec__take(c) & 1;
	r->now = codec__take(c);
	r->wall = codec__take(c);
	n = codec__take_count(c);
	for (size_t i = 0; i < n; i++) {
		ev_u64 value = codec__take(c);

		if (i < COUNTERS)
			counters[i] = value;
	}
	memcpy(&r->counters, counters, sizeof(counters));
	return codec__error(c);
}

static int by_pid(const void *a, const void *b)
{
	const struct record_process_rss *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

void record__sort_rss(struct record_rss *r)
{
	if (r->n)
		qsort(r->rss, r->n, sizeof(*r->rss), by_pid);
}

static const struct record_process_rss *find_row(const struct record_rss *r, uint32_t pid)
{
	struct record_process_rss key = { .pid = pid };

	return r->n ? bsearch(&key, r->rss, r->n, sizeof(*r->rss), by_pid) : NULL;
}

uint64_t record__rss_of(const struct record_rss *r, uint32_t pid)
{
	const struct record_process_rss *found = find_row(r, pid);

	return found ? found->bytes : 0;
}

bool record__is_stopped(const struct record_rss *r, uint32_t pid)
{
	const struct record_process_rss *found = find_row(r, pid);

	return found && found->stopped;
}

struct proc_memory record__memory_of(const struct record_rss *r, uint32_t pid)
{
	const struct record_process_rss *found = find_row(r, pid);

	return found ? found->memory : (struct proc_memory){ 0 };
}

void record__put_rss(struct strbuf *sb, const struct record_rss *r)
{
	codec__put(sb, r->seq);
	codec__put(sb, r->n);
	for (size_t i = 0; i < r->n; i++) {
		codec__put(sb, r->rss[i].pid);
		codec__put(sb, r->rss[i].bytes);
	}
	for (size_t i = 0; i < r->n; i++)
		codec__put(sb, r->rss[i].stopped);
	for (size_t i = 0; i < r->n; i++) {
		codec__put(sb, r->rss[i].memory.anonymous);
		codec__put(sb, r->rss[i].memory.threads);
	}
}

int record__take_rss(struct cursor *c, struct record_rss *r)
{
	*r = (struct record_rss){ .seq = codec__take_u32(c) };
	r->n = codec__take_count(c);
	r->rss = calloc(r->n + 1, sizeof(*r->rss));
	if (!r->rss)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++) {
		r->rss[i].pid = codec__take_u32(c);
		r->rss[i].bytes = codec__take(c);
	}
	if (cursor__left(c)) { /* older recordings end here */
		for (size_t i = 0; i < r->n; i++)
			r->rss[i].stopped = codec__take(c) & 1;
	}
	for (size_t i = 0; i < r->n && cursor__left(c); i++) {
		r->rss[i].memory.anonymous = codec__take(c);
		r->rss[i].memory.threads = codec__take_u32(c);
	}
	if (codec__error(c))
		record__free_rss(r);
	return codec__error(c);
}

void record__free_rss(struct record_rss *r)
{
	free(r->rss);
	*r = (struct record_rss){ 0 };
}

void record__put_mark(struct strbuf *sb, const struct record_mark *r)
{
	codec__put(sb, r->now);
	codec__put(sb, r->wall);
}

int record__take_mark(struct cursor *c, struct record_mark *r)
{
	r->now = codec__take(c);
	r->wall = codec__take(c);
	return codec__error(c);
}

void record__put_compacted(struct strbuf *sb, const struct record_compacted *r)
{
	codec__put(sb, r->now);
	codec__put(sb, r->wall);
	codec__put(sb, r->seq);
}

int record__take_compacted(struct cursor *c, struct record_compacted *r)
{
	r->now = codec__take(c);
	r->wall = codec__take(c);
	r->seq = codec__take_u32(c);
	return codec__error(c);
}

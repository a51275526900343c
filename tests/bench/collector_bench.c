/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures how fast the collector books events, and its memory for each live block. The events are
 * synthetic: malloc, free and realloc from 10,000 call stacks, first up to 1,500,000 live blocks,
 * then at that number, at random addresses; and a tight loop of malloc and free. Needs no
 * privilege. Prints a line of text and a line of JSON.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collect/collector.h"
#include "probe/alloc_functions.h"

#define PID 5000000
#define STACKS 10000
#define FRAMES 20
#define LIVE 1500000
#define STEADY 6000000
#define PAIRS 2000000
#define BATCH 256

struct record {
	union {
		struct event ev;
		struct event_alloc alloc;
		struct event_free free;
		struct event_realloc realloc;
	};
	size_t size;
};

struct stream {
	struct collector *c;
	struct record batch[BATCH];
	size_t n;
	uint64_t events, ns, slowest; /* time is that of the collector alone */
	uint64_t time, x;
	uint32_t *live, *idle; /* places in the simulated heap */
	size_t nlive, nidle;
	uint8_t malloc_row, realloc_row;
};

static uint64_t below(struct stream *s, uint64_t n)
{
	s->x = s->x * 6364136223846793005 + 1442695040888963407;
	return (s->x >> 30) % n;
}

/* The thread's own time: what else the machine does is no matter of ours. */
static uint64_t spent_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void flush(struct stream *s)
{
	uint64_t began = spent_ns(), took;

	for (size_t i = 0; i < s->n; i++)
		collector__event(s->c, &s->batch[i].ev, s->batch[i].size);
	took = spent_ns() - began;
	s->ns += took;
	s->slowest = took > s->slowest ? took : s->slowest;
	s->events += s->n;
	s->n = 0;
}

static struct record *next(struct stream *s, enum event_type type, uint8_t api, size_t size)
{
	struct record *r;

	if (s->n == BATCH)
		flush(s);
	r = &s->batch[s->n++];
	memset(r, 0, sizeof(*r));
	r->ev = (struct event){ .type = type, .api = api, .pid = PID, .time = s->time += 700 };
	r->size = size;
	return r;
}

/* Places are 16 to 112 bytes apart, as small blocks are. */
static uint64_t address(uint32_t place)
{
	return 0x555500000000 + place * 112ull + place % 7 * 16;
}

/* A few stacks allocate most, as in programs. */
static uint64_t stack(struct stream *s)
{
	uint64_t a = below(s, STACKS), b = below(s, STACKS);

	return 1 + a * b / STACKS;
}

static uint32_t take(struct stream *s, uint32_t *places, size_t *n)
{
	size_t i = below(s, *n);
	uint32_t place = places[i];

	places[i] = places[--*n];
	return place;
}

static void malloc_place(struct stream *s, uint32_t place, uint64_t stack_id)
{
	struct record *r = next(s, EVENT_ALLOC, s->malloc_row, sizeof(r->alloc));

	r->alloc.addr = address(place);
	r->alloc.size = 1 + below(s, 100);
	r->alloc.stack = stack_id;
	s->live[s->nlive++] = place;
}

static void do_malloc(struct stream *s)
{
	malloc_place(s, take(s, s->idle, &s->nidle), stack(s));
}

static void free_place(struct stream *s, uint32_t place)
{
	struct record *r = next(s, EVENT_FREE, 0, sizeof(r->free));

	r->free.addr = address(place);
	s->idle[s->nidle++] = place;
}

static void do_free(struct stream *s)
{
	free_place(s, take(s, s->live, &s->nlive));
}

static void do_realloc(struct stream *s)
{
	struct record *r = next(s, EVENT_REALLOC, s->realloc_row, sizeof(r->realloc));
	uint32_t old = take(s, s->live, &s->nlive), place = take(s, s->idle, &s->nidle);

	r->realloc.old = address(old);
	r->realloc.addr = address(place);
	r->realloc.size = 1 + below(s, 100);
	r->realloc.stack = stack(s);
	r->realloc.began = s->time - 300;
	s->idle[s->nidle++] = old;
	s->live[s->nlive++] = place;
}

static void send_stacks(struct stream *s)
{
	struct event_stack ev = { .n = FRAMES, .end = STACK_COMPLETE };

	for (uint64_t id = 1; id <= STACKS; id++) {
		ev.ev = (struct event){ .type = EVENT_STACK, .pid = PID, .time = s->time += 700 };
		ev.id = id;
		for (unsigned int i = 0; i < FRAMES; i++)
			ev.pc[i] = 0x400000 + below(s, 1 << 20);
		collector__event(s->c, &ev, EVENT_STACK_HEAD + FRAMES * sizeof(ev.pc[0]));
	}
}

static int no_refresh(void *ctx, struct mappings *sp, struct modules *modules)
{
	(void)ctx, (void)sp, (void)modules;
	return 0;
}

struct phase {
	uint64_t events, ns; /* at its end */
	double per_s;
};

/* What was spent since the phase before ended. */
static void end_phase(struct stream *s, struct phase *p, const struct phase *before)
{
	flush(s);
	p->events = s->events;
	p->ns = s->ns;
	p->per_s = (double)(s->events - before->events) * 1e9 / (double)(s->ns - before->ns + 1);
}

static int report(struct stream *s, const struct phase phases[], size_t empty)
{
	struct query q = { .sort = SORT_BYTES, .top = 10, .heap = true, .now = s->time };
	double block = (double)(collector__memory(s->c) - empty) / (double)s->nlive;
	double fill = phases[1].per_s, steady = phases[2].per_s, loop = phases[3].per_s, query_ms;
	uint64_t began = spent_ns();
	struct snapshot snap;

	if (collector__snapshot(s->c, &q, &snap))
		return 1;
	query_ms = (double)(spent_ns() - began) / 1e6;
	if (snap.live_blocks != s->nlive || snap.superseded || snap.unmatched_frees ||
	    snap.lost_table || snap.bad_events) {
		fprintf(stderr, "collector_bench: the sums do not agree\n");
		return 1;
	}
	printf("million events/s: %.2f while filling, %.2f all over %zu live blocks, "
	       "%.2f in a tight loop; %.1f bytes a block; slowest %d events %.0f us; query of %zu "
	       "sites %.1f ms\n",
	       fill / 1e6, steady / 1e6, s->nlive, loop / 1e6, block, BATCH,
	       (double)s->slowest / 1e3, snap.total_sites, query_ms);
	printf("{\"events_per_s\":%.0f,\"fill_events_per_s\":%.0f,\"loop_events_per_s\":%.0f,"
	       "\"bytes_per_block\":%.1f,\"live_blocks\":%zu,\"slowest_%d_us\":%.1f,"
	       "\"query_ms\":%.2f}\n",
	       steady, fill, loop, block, s->nlive, BATCH, (double)s->slowest / 1e3, query_ms);
	snapshot__free(&snap);
	return 0;
}

int main(void)
{
	struct stream s = { .time = 1000000, .x = 1 };
	struct collector_opts opts = { .refresh = no_refresh, .start = s.time };
	struct phase phases[4] = { 0 };
	size_t empty;
	int err = 1;

	s.c = collector__new(&opts);
	s.live = calloc(2 * LIVE, sizeof(*s.live));
	s.idle = calloc(2 * LIVE, sizeof(*s.idle));
	if (!s.c || !s.live || !s.idle)
		goto out;
	s.malloc_row = (uint8_t)alloc_functions__find("malloc");
	s.realloc_row = (uint8_t)alloc_functions__find("realloc");
	for (uint32_t i = 0; i < 2 * LIVE; i++)
		s.idle[s.nidle++] = i;
	send_stacks(&s);
	empty = collector__memory(s.c);
	while (s.nlive < LIVE) {
		do_malloc(&s);
		if (below(&s, 4) == 0)
			do_free(&s);
	}
	end_phase(&s, &phases[1], &phases[0]);
	for (int i = 0; i < STEADY / 5; i++) {
		do_free(&s);
		do_malloc(&s);
		do_free(&s);
		do_malloc(&s);
		do_realloc(&s);
	}
	end_phase(&s, &phases[2], &phases[1]);
	for (int i = 0; i < PAIRS; i++) {
		malloc_place(&s, s.idle[--s.nidle], 1);
		free_place(&s, s.live[--s.nlive]);
	}
	end_phase(&s, &phases[3], &phases[2]);
	err = report(&s, phases, empty);
out:
	collector__free(s.c);
	free(s.live);
	free(s.idle);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that do at random what programs do, as streams of events to one collector for each view.
 */
#ifndef CHANCE_PROGRAMS_H
#define CHANCE_PROGRAMS_H

#include <math.h>

#include "events.h"

#define VIEWS 3 /* as enum merge_by */
#define PROCESSES 10
#define CODES 5
#define FILES 4
#define STEP (250 * MS)
#define SECOND (1000 * MS)
#define REPORT (10 * SECOND)
#define RUN (120 * SECOND)
#define STEPS (RUN / STEP)
#define SLACK (2 * SECOND) /* a cohort's width, and more */

enum habit { SILENT, LEAKS, LOSES_SOME, CHURNS, LOADS, GROWS, LEAKS_LATE, LEAVES_OFF, HABITS };

struct block {
	uint64_t addr, size, birth, grew, until;
	bool live;
};

/* What one process does at one place. */
struct place {
	enum habit habit;
	double rate;
	uint64_t life, size, changes;
	struct block *blocks;
	size_t n, cap;
	uint64_t bytes, count, reported; /* what lives */
	uint64_t history[STEPS + 1];	 /* what lived after each step */
};

struct program {
	uint32_t pid;
	uint64_t starts, ends, began;
	bool running, exited, reloads;
	struct place places[CODES];
};

/* What is true of a row. */
struct truth {
	uint64_t bytes, blocks, last, began, ended;
	int64_t growth;
	uint32_t processes;
	bool leaks;   /* most of it is lost, for long enough to tell */
	bool healthy; /* nothing in it ever loses any */
	uint64_t most_before,
	    earlier; /* bytes: before the last quarter; on average in the first half */
};

static struct {
	struct collector *c[VIEWS];
	struct modules *modules;
	uint32_t files[FILES], exe;
	struct program programs[PROCESSES];
	uint32_t order[PROCESSES], started; /* programs, as the collectors count them */
	uint64_t addr, seed, x;
	unsigned int said[VERDICTS];
} sim;

/* ---- chance ---- */

static inline double uniform(void)
{
	sim.x ^= sim.x << 13;
	sim.x ^= sim.x >> 7;
	sim.x ^= sim.x << 17;
	return (double)(sim.x >> 11) / 0x1p53;
}

static inline uint64_t below(uint64_t n)
{
	return (uint64_t)(uniform() * (double)n);
}

/* ---- events ---- */

static inline void send(void *ev, size_t size)
{
	for (int v = 0; v < VIEWS; v++)
		CHECK_EQ(collector__event(sim.c[v], ev, size), 0);
}

static inline struct event at_now(enum event_type type, uint32_t pid)
{
	return (struct event){ .type = (uint8_t)type, .api = malloc_row, .pid = pid, .time = now };
}

/* The stack of a place; a plugin that was loaded again has another one. */
static inline uint64_t stack_of(const struct program *p, uint32_t code)
{
	uint64_t file = p->reloads ? below(FILES) : 0;
	uint64_t id = 1 + (uint64_t)(p->pid - PID) * 1000 + code * 10 + file;
	_Alignas(struct stack) char buf[sizeof(struct stack) + 2 * sizeof(struct frame)];
	struct stack *st = (struct stack *)buf;

	*st = (struct stack){ .id = id, .pid = p->pid, .n = 2, .end = STACK_COMPLETE };
	st->frames[0] = (struct frame){ 0x1000 * id, 0x100 + code, sim.files[file] };
	st->frames[1] = (struct frame){ 0x1000 * id + 8, 0x999, sim.exe };
	for (int v = 0; v < VIEWS; v++)
		CHECK_EQ(collector__add_stack(sim.c[v], now, st), 0);
	return id;
}

static inline uint32_t code_of(uint64_t stack)
{
	return (uint32_t)((stack - 1) % 1000 / 10);
}

static inline void note_change(struct place *pl, int64_t bytes, int blocks)
{
	pl->bytes += (uint64_t)bytes;
	pl->count += (uint64_t)(int64_t)blocks;
}

static inline void allocate(struct program *p, uint32_t code, uint64_t size, uint64_t until)
{
	struct place *pl = &p->places[code];
	struct event_alloc ev = { at_now(EVENT_ALLOC, p->pid), sim.addr += 0x1000, size,
				  stack_of(p, code) };

	send(&ev, sizeof(ev));
	if (pl->n == pl->cap) {
		pl->cap = pl->cap ? pl->cap * 2 : 64;
		pl->blocks = realloc(pl->blocks, pl->cap * sizeof(*pl->blocks));
	}
	pl->blocks[pl->n++] = (struct block){ ev.addr, size, now, now, until, true };
	note_change(pl, (int64_t)size, 1);
}

static inline void release(struct program *p, struct place *pl, struct block *b)
{
	struct event_free ev = { at_now(EVENT_FREE, p->pid), b->addr };

	send(&ev, sizeof(ev));
	b->live = false;
	note_change(pl, -(int64_t)b->size, -1);
}

static inline void grow(struct program *p, uint32_t code, struct block *b)
{
	struct event_realloc ev = {
		at_now(EVENT_REALLOC, p->pid), b->addr,		  sim.addr += 0x1000,
		b->size + b->size / 2,	       stack_of(p, code), now
	};

	send(&ev, sizeof(ev));
	note_change(&p->places[code], (int64_t)(ev.size - b->size), 0);
	b->addr = ev.addr;
	b->size = ev.size;
	b->grew = now;
}

/* ---- what programs do ---- */

static inline void allocate_some(struct program *p, uint32_t code, double share_lost)
{
	struct place *pl = &p->places[code];
	double n = pl->rate * (double)STEP / 1e9;

	for (n += uniform(); n >= 1; n--)
		allocate(p, code, pl->size,
			 uniform() < share_lost ? UINT64_MAX : now + below(pl->life * 2));
}

static inline void work(struct program *p, uint32_t code)
{
	struct place *pl = &p->places[code];
	uint64_t age = now - p->began;

	for (size_t i = 0; i < pl->n; i++)
		if (pl->blocks[i].live && pl->blocks[i].until <= now)
			release(p, pl, &pl->blocks[i]);
	switch (pl->habit) {
	case LEAKS:
		allocate_some(p, code, 1);
		break;
	case LOSES_SOME:
		allocate_some(p, code, 0.2);
		break;
	case CHURNS:
		allocate_some(p, code, 0);
		break;
	case LOADS:
		if (age < 3 * SECOND)
			allocate_some(p, code, 1);
		break;
	case GROWS:
		if (!pl->n)
			allocate(p, code, pl->size, UINT64_MAX);
		else if (pl->blocks[0].size < 1 << 20 && uniform() < 0.02)
			grow(p, code, &pl->blocks[0]);
		break;
	case LEAKS_LATE:
		allocate_some(p, code, age > pl->changes ? 0.5 : 0);
		break;
	case LEAVES_OFF:
		allocate_some(p, code, age < pl->changes ? 1 : 0);
		break;
	default:
		break;
	}
}

static inline void start(struct program *p)
{
	struct event_exec ev = { .ev = at_now(EVENT_EXEC, p->pid), .comm = "some" };

	send(&ev, sizeof(ev));
	for (int v = 0; v < VIEWS; v++)
		collector__set_container(sim.c[v], p->pid, p->pid % 2 ? "odd" : "even");
	p->running = true;
	p->began = now;
	sim.order[sim.started++] = (uint32_t)(p - sim.programs);
}

static inline void stop(struct program *p)
{
	struct event_files ev = { at_now(EVENT_EXIT, p->pid), 0 };

	send(&ev, sizeof(ev.ev));
	p->running = false;
	p->exited = true;
	p->ends = now;
}

static inline void step(struct program *p)
{
	if (!p->running && !p->exited && now - START >= p->starts)
		start(p);
	for (uint32_t code = 0; p->running && code < CODES; code++)
		work(p, code);
	if (p->running && now - START >= p->ends)
		stop(p);
	for (uint32_t code = 0; code < CODES; code++)
		p->places[code].history[(now - START) / STEP] =
		    p->running ? p->places[code].bytes : 0;
}

#endif

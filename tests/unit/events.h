/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records built by hand for the collector's tests, and what came of them. */
#ifndef EVENTS_H
#define EVENTS_H

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "collect/collector.h"
#include "probe/alloc_functions.h"
#include "symbols/mappings.h"
#include "symbols/module.h"

#include "test.h"

#define PID 5000000 /* above the kernel's largest */
#define CHILD (PID + 1)
#define MS 1000000ull
#define START (1000 * MS)
#define PAGE 4096

static uint64_t now; /* each event is a millisecond after the one before */
static uint8_t malloc_row;

static inline struct collector *make(struct collector_opts opts)
{
	opts.start = now = START;
	malloc_row = (uint8_t)alloc_functions__find("malloc");
	return collector__new(&opts);
}

static inline int no_refresh(void *ctx, struct mappings *sp, struct modules *modules)
{
	(void)ctx, (void)sp, (void)modules;
	return 0;
}

static inline struct collector *plain(void)
{
	return make((struct collector_opts){ .refresh = no_refresh, .children = true });
}

static inline struct event head(enum event_type type, uint32_t pid)
{
	bool heap = type == EVENT_ALLOC || type == EVENT_REALLOC;

	now += MS;
	return (struct event){
		.type = (uint8_t)type, .api = heap ? malloc_row : 0, .pid = pid, .time = now
	};
}

static inline void allocated(struct collector *c, uint32_t pid, uint64_t addr, uint64_t size,
			     uint64_t stack)
{
	struct event_alloc ev = { head(EVENT_ALLOC, pid), addr, size, stack };

	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
}

static inline void freed(struct collector *c, uint32_t pid, uint64_t addr)
{
	struct event_free ev = { head(EVENT_FREE, pid), addr };

	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
}

static inline void reallocated(struct collector *c, uint64_t old, uint64_t addr, uint64_t size,
			       uint64_t stack, uint64_t began)
{
	struct event_realloc ev = { head(EVENT_REALLOC, PID), old, addr, size, stack, began };

	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
}

static inline void mapped(struct collector *c, enum event_type type, uint16_t flags,
			  struct event_map ev)
{
	ev.ev = head(type, ev.ev.pid ? ev.ev.pid : PID);
	ev.ev.flags = flags;
	if (!ev.began)
		ev.began = now;
	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
}

static inline int stack_came(struct collector *c, uint64_t id, uint8_t end, uint16_t n,
			     const uint64_t *pc)
{
	struct event_stack ev = { .ev = head(EVENT_STACK, PID), .id = id, .n = n, .end = end };

	memcpy(ev.pc, pc, n * sizeof(*pc));
	return collector__event(c, &ev, EVENT_STACK_HEAD + n * sizeof(*pc));
}

static inline void forked(struct collector *c, uint32_t child, uint32_t shares)
{
	struct event_fork ev = { head(EVENT_FORK, PID), child, shares };

	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
}

static inline void happened(struct collector *c, enum event_type type, uint32_t pid)
{
	struct event_files ev = { head(type, pid), 0 };

	CHECK_EQ(collector__event(c, &ev, type == EVENT_FILES ? sizeof(ev) : sizeof(ev.ev)), 0);
}

static inline void execed_as(struct collector *c, uint32_t pid, const char *comm, uint16_t flags)
{
	struct event_exec ev = { .ev = head(EVENT_EXEC, pid) };

	ev.ev.flags = flags;
	for (size_t i = 0; i < sizeof(ev.comm) && comm[i]; i++)
		ev.comm[i] = comm[i];
	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
}

static inline void execed(struct collector *c, uint32_t pid, const char *comm)
{
	execed_as(c, pid, comm, 0);
}

static inline struct snapshot ask(struct collector *c, struct query q)
{
	struct snapshot s;

	if (!q.heap && !q.map)
		q.heap = q.map = true;
	q.now = q.now ? q.now : now;
	CHECK_EQ(collector__snapshot(c, &q, &s), 0);
	return s;
}

/* "BYTES/BLOCKS@STACK ..." in order of rank. */
static inline const char *rows(const struct snapshot *s)
{
	static char text[4096];
	char *p = text;

	*p = '\0';
	for (size_t i = 0; i < s->nsites && i < 40; i++)
		p += snprintf(p, sizeof(text) - (size_t)(p - text), "%s%d/%d@%d", i ? " " : "",
			      (int)s->sites[i].live_bytes, (int)s->sites[i].live_blocks,
			      (int)s->sites[i].stack);
	return text;
}

static inline void check_rows(struct collector *c, struct query q, const char *want)
{
	struct snapshot s = ask(c, q);

	CHECK_STR(rows(&s), want);
	snapshot__free(&s);
}

#endif

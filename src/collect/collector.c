/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collect/collector.h"

#include <errno.h>
#include <stdlib.h>

#include "collect/accounting.h"
#include "collect/inheritance.h"
#include "collect/internal.h"
#include "collect/limit.h"
#include "collect/process.h"
#include "symbols/mappings.h"
#include "util/intervals.h"
#include "util/strtab.h"

struct collector *collector__new(const struct collector_opts *opts)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->opts = *opts;
	if (!c->opts.max_size)
		c->opts.max_size = UINT64_MAX;
	c->inherited.max = opts->max_inherited ? opts->max_inherited : COLLECTOR_INHERITED_MAX;
	if (opts->memory_limit && opts->memory_limit / 4 < c->inherited.max)
		c->inherited.max = opts->memory_limit / 4;
	c->reported_at = opts->start;
	c->stacks = stacks__new();
	c->by_pid = hashmap__new();
	c->names = strtab__new();
	c->allocators = hashmap__new();
	c->gone = hashmap__new();
	c->folded = hashmap__new();
	c->module_codes = hashmap__new();
	c->now = opts->start;
	if (!c->stacks || !c->by_pid || !c->names || !c->allocators || !c->gone || !c->folded ||
	    !c->module_codes) {
		collector__free(c);
		errno = ENOMEM;
		return NULL;
	}
	return c;
}

int collector__add_allocator(struct collector *c, uint32_t module, uint64_t start, uint64_t end)
{
	struct intervals *code = hashmap__get_ptr(c->allocators, module);
	int err;

	if (!code) {
		code = calloc(1, sizeof(*code));
		if (!code || hashmap__set_ptr(c->allocators, module, code)) {
			free(code);
			return -ENOMEM;
		}
	}
	err = intervals__add(code, start, end, 0);
	intervals__sort(code);
	if (!err && c->opts.observer)
		c->opts.observer->allocator(c->opts.observer_ctx, module, start, end);
	return err;
}

void collector__free(struct collector *c)
{
	struct intervals *code;
	struct cohorts *gone;
	size_t pos = 0;

	if (!c)
		return;
	for (uint32_t i = 0; i < c->nprocesses; i++)
		collect_process__free(c->processes[i]);
	free(c->processes);
	while (c->allocators && (code = hashmap__next_ptr(c->allocators, &pos, NULL))) {
		intervals__free(code);
		free(code);
	}
	pos = 0;
	while (c->gone && (gone = hashmap__next_ptr(c->gone, &pos, NULL)))
		free(gone);
	hashmap__free(c->gone);
	hashmap__free(c->folded);
	free(c->gone_work);
	hashmap__free(c->module_codes);
	hashmap__free(c->allocators);
	hashmap__free(c->wholes);
	strtab__free(c->names);
	hashmap__free(c->by_pid);
	stacks__free(c->stacks);
	free(c);
}

/* ---- events: each handler gets a record of its type's size ---- */

static int handle_alloc(struct collector *c, const void *data)
{
	const struct event_alloc *ev = data;
	struct process *p;

	if (!ev->addr)
		return -EINVAL;
	p = collect_process__get(c, ev->ev.pid, ev->ev.time);
	return p ? accounting__alloc(p, ev) : -ENOMEM;
}

static int handle_free(struct collector *c, const void *data)
{
	const struct event_free *ev = data;
	struct process *p;

	if (!ev->addr)
		return -EINVAL;
	p = collect_process__get(c, ev->ev.pid, c->now);
	return p ? accounting__free(p, ev) : -ENOMEM;
}

static int handle_realloc(struct collector *c, const void *data)
{
	const struct event_realloc *ev = data;
	struct process *p;

	if (!ev->old && !ev->addr)
		return -EINVAL;
	p = collect_process__get(c, ev->ev.pid, ev->ev.time);
	return p ? accounting__realloc(p, ev) : -ENOMEM;
}

static int handle_map(struct collector *c, const void *data)
{
	const struct event_map *ev = data;
	struct process *p = collect_process__get(c, ev->ev.pid, ev->ev.time);

	return p ? accounting__map(p, ev) : -ENOMEM;
}

static int handle_stack(struct collector *c, const void *data)
{
	const struct event_stack *ev = data;
	struct process *p;

	if (!ev->id || ev->end >= STACK_ENDS)
		return -EINVAL;
	p = collect_process__get(c, ev->ev.pid, ev->ev.time);
	/* Without memory for a stack, its allocations count as those of an unknown one. */
	if (p)
		collect_process__add_event_stack(p, ev);
	return p ? 0 : -ENOMEM;
}

static int handle_fork(struct collector *c, const void *data)
{
	const struct event_fork *ev = data;

	return ev->child ? collect_process__fork(c, ev) : -EINVAL;
}

static int handle_exec(struct collector *c, const void *data)
{
	return collect_process__exec(c, data);
}

static int handle_exit(struct collector *c, const void *data)
{
	const struct event *ev = data;
	struct process *p = collect_process__find(c, ev->pid);

	if (!p)
		return 0;
	if (ev->api == EVENT_EXIT_STATUS)
		p->status = ev->flags;
	collect_process__exit(p, ev->time);
	return 0;
}

/* It is running already: what it is and has mapped is read when needed. */
static int handle_enter(struct collector *c, const void *data)
{
	const struct event_exec *ev = data;

	return collect_process__get(c, ev->ev.pid, ev->ev.time) ? 0 : -ENOMEM;
}

/* It may not belong to the target. */
static int leave_to_session(struct collector *c, const void *data)
{
	(void)c, (void)data;
	return 0;
}

static int handle_code(struct collector *c, const void *data)
{
	const struct event_code *ev = data;
	struct process *p = collect_process__find(c, ev->ev.pid);

	if (ev->start >= ev->end)
		return -EINVAL;
	return p ? collect_process__map_code(p, ev) : 0;
}

static int handle_files(struct collector *c, const void *data)
{
	const struct event *ev = data;
	struct process *p = collect_process__find(c, ev->pid);

	if (p && ev->time >= p->read_at)
		p->stale = true;
	if (p && (ev->flags & EVENT_F_LATE))
		p->whole = false;
	return 0;
}

static const struct {
	size_t size; /* of a stack: without its frames */
	int (*handle)(struct collector *c, const void *data);
	bool notify; /* opts.notify is called after it */
} handlers[EVENT_TYPES] = {
	[EVENT_ALLOC] = { sizeof(struct event_alloc), handle_alloc, false },
	[EVENT_FREE] = { sizeof(struct event_free), handle_free, false },
	[EVENT_REALLOC] = { sizeof(struct event_realloc), handle_realloc, false },
	[EVENT_MAP] = { sizeof(struct event_map), handle_map, false },
	[EVENT_UNMAP] = { sizeof(struct event_map), handle_map, false },
	[EVENT_REMAP] = { sizeof(struct event_map), handle_map, false },
	[EVENT_BRK] = { sizeof(struct event_map), handle_map, false },
	[EVENT_STACK] = { EVENT_STACK_HEAD, handle_stack, false },
	[EVENT_FORK] = { sizeof(struct event_fork), handle_fork, true },
	[EVENT_EXEC] = { sizeof(struct event_exec), handle_exec, true },
	[EVENT_EXIT] = { sizeof(struct event), handle_exit, true },
	[EVENT_FILES] = { sizeof(struct event_files), handle_files, true },
	[EVENT_ENTER] = { sizeof(struct event_exec), handle_enter, true },
	[EVENT_CODE] = { sizeof(struct event_code), handle_code, true },
	[EVENT_CANDIDATE] = { sizeof(struct event_exec), leave_to_session, true },
	[EVENT_TRANSLATED] = { sizeof(struct event_exec), leave_to_session, true },
};

static bool well_formed(const struct event *ev, size_t size)
{
	size_t want;

	if (size < sizeof(*ev) || ev->type >= EVENT_TYPES || !handlers[ev->type].handle || !ev->pid)
		return false;
	want = handlers[ev->type].size;
	if (size >= want && ev->type == EVENT_STACK) {
		unsigned int n = ((const struct event_stack *)(const void *)ev)->n;

		if (n > EVENT_MAX_FRAMES)
			return false;
		want += n * sizeof(ev_u64);
	}
	return size == want;
}

/* The call does not say how long the segment is. */
static bool is_segment(const struct event *ev)
{
	return ev->type == EVENT_MAP && (ev->flags & EVENT_F_SHM) &&
	       !((const struct event_map *)(const void *)ev)->len;
}

int collector__event(void *collector, void *data, size_t size)
{
	struct collector *c = collector;
	const struct event *ev = data;
	struct event_map known;
	int err = -EINVAL;

	if (well_formed(ev, size)) {
		if (ev->time > c->now)
			c->now = ev->time;
		if (is_segment(ev)) {
			known = *(const struct event_map *)data;
			collect_process__complete_segment(c, &known);
			data = &known;
		}
		err = handlers[ev->type].handle(c, data);
		collect_limit__booked(c, size);
		if (c->inherited.over)
			inheritance__bound(c);
	}
	if (err == -EINVAL) {
		c->bad_events++;
		return err;
	}
	c->events++;
	c->lost_table += err == -ENOMEM;
	if (c->opts.observer && ev->type != EVENT_STACK)
		c->opts.observer->event(c->opts.observer_ctx, data, size);
	if (handlers[ev->type].notify && c->opts.notify)
		c->opts.notify(c->opts.notify_ctx, ev);
	return err;
}

/* ---- the rest of what the header offers ---- */

int collector__add_process(struct collector *c, uint32_t pid)
{
	return collect_process__add_named(c, pid);
}

void collector__refresh_process(struct collector *c, uint32_t pid)
{
	struct process *p = collect_process__find(c, pid);

	if (p)
		collect_process__read(p);
}

void collector__set_mappings(struct collector *c, uint32_t pid, struct mappings *maps,
			     uint64_t began)
{
	struct process *p = collect_process__find(c, pid);

	if (p)
		collect_process__set_mappings(p, maps, began);
	else
		mappings__free(maps);
}

void collector__refresh_mappings(struct collector *c, uint32_t pid)
{
	struct process *p = collect_process__find(c, pid);

	if (p && collect_process__may_read(p))
		collect_process__read(p);
}

int collector__add_stack(struct collector *c, uint64_t time, const struct stack *st)
{
	struct process *p;

	if (!st->id || !st->pid || st->end >= STACK_ENDS || st->n > EVENT_MAX_FRAMES)
		return -EINVAL;
	if (time > c->now)
		c->now = time;
	c->events++; /* as where it came as a record of the ring buffer */
	collect_limit__booked(c, st->n * sizeof(st->frames[0].pc));
	p = collect_process__get(c, st->pid, time);
	return p ? collect_process__add_stack(p, time, st) : -ENOMEM;
}

int collector__set_process(struct collector *c, const struct process_facts *f)
{
	return f->pid ? collect_process__set(c, f) : -EINVAL;
}

const struct stacks *collector__stacks(const struct collector *c)
{
	return c->stacks;
}

const struct mappings *collector__mappings(const struct collector *c, uint32_t pid)
{
	/* The latest with that pid: the living one, if there is one. */
	for (uint32_t i = c->nprocesses; i-- > 0;)
		if (c->processes[i]->pid == pid)
			return c->processes[i]->mappings;
	return NULL;
}

bool collector__is_limited(const struct collector *c)
{
	return c->limited_blocks || c->limited_stacks;
}

size_t collector__memory(const struct collector *c)
{
	size_t sum = sizeof(*c) + c->inherited.bytes + stacks__memory(c->stacks) +
		     hashmap__memory(c->gone) + hashmap__count(c->gone) * sizeof(struct cohorts);

	for (uint32_t i = 0; i < c->nprocesses; i++) {
		const struct process *p = c->processes[i];

		sum += sizeof(*p) + p->cap_sites * sizeof(*p->sites);
		for (uint32_t k = 0; k < p->nsites; k++) {
			sum += p->sites[k].cohorts ? sizeof(struct cohorts) : 0;
			sum += p->sites[k].left ? sizeof(struct judgement) : 0;
		}
		sum += p->work ? sizeof(*p->work) : 0;
		if (p->exited)
			continue;
		sum += p->older ? older_frees__memory(p->older) : 0;
		sum += p->recent_frees.size * sizeof(*p->recent_frees.at) + heap__memory(p->heap) +
		       ranges__memory(p->ranges) + hashmap__memory(p->site_index) +
		       (p->stack_index ? hashmap__memory(p->stack_index) : 0) +
		       mappings__count(p->mappings) * sizeof(struct mapping);
	}
	return sum;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collect/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/accounting.h"
#include "collect/ended_processes.h"
#include "collect/inheritance.h"
#include "collect/site_survey.h"
#include "symbols/mappings.h"
#include "util/array.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/proc.h"
#include "util/strbuf.h"
#include "util/strtab.h"

/* ---- what is read from /proc ---- */

static void read_comm(struct process *p)
{
	char path[64], *text;
	size_t len;

	if (p->c->opts.offline)
		return;
	snprintf(path, sizeof(path), "/proc/%u/comm", p->pid);
	text = file__read(path, &len);
	if (!text)
		return;
	if (len && text[len - 1] == '\n')
		text[--len] = '\0';
	snprintf(p->comm, sizeof(p->comm), "%s", text);
	free(text);
}

/* How old it was when it was first seen. */
static void read_age(struct process *p)
{
	uint64_t age = p->c->opts.offline ? 0 : proc__age(p->pid), now = clock__now_ns(),
		 since = now > p->first_seen ? now - p->first_seen : 0;

	p->age = age > since ? age - since : 0;
}

static void read_exe(struct process *p)
{
	char path[64], exe[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/exe", p->pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n < 0)
		return;
	exe[n] = '\0';
	p->exe = strtab__copy(p->c->names, exe);
}

void collect_process__notify(const struct process *p)
{
	const struct collector_opts *opts = &p->c->opts;
	struct process_facts f = {
		.pid = p->pid,
		.first_seen = p->first_seen,
		.age = p->age,
		.named = p->named,
		.exe = p->exe,
		.container = p->container,
		.unprobed = p->unprobed,
	};

	if (!opts->observer)
		return;
	memcpy(f.comm, p->comm, sizeof(f.comm));
	opts->observer->process(opts->observer_ctx, &f);
}

static uint64_t time_now(const struct process *p)
{
	return p->c->opts.clock ? p->c->opts.clock() : p->c->now;
}

bool collect_process__may_read(const struct process *p)
{
	return pace__next(&p->reads) <= time_now(p);
}

int collect_process__read_mappings(struct process *p)
{
	const struct collector_opts *opts = &p->c->opts;
	int err;

	p->stale = false;
	if (opts->offline)
		return 0;
	if (!p->exe)
		read_exe(p);
	p->read_at = time_now(p);
	err = opts->refresh ? opts->refresh(opts->refresh_ctx, p->mappings, opts->modules)
			    : mappings__refresh(p->mappings, opts->modules);
	pace__took(&p->reads, p->read_at, time_now(p));
	if (err == -ENOMEM)
		p->stale = true;
	return err;
}

static int read_all(struct process *p)
{
	if (p->c->opts.offline)
		return 0;
	read_comm(p);
	read_exe(p); /* if it has ended since, what was read before stays */
	return collect_process__read_mappings(p);
}

int collect_process__read(struct process *p)
{
	int err = read_all(p);

	collect_process__notify(p);
	return err;
}

void collect_process__set_mappings(struct process *p, struct mappings *maps, uint64_t began)
{
	/* Another process had its ID, it ran another program, or it was read meanwhile. */
	if (began < p->first_seen || began < p->read_at) {
		mappings__free(maps);
	} else {
		mappings__free(p->mappings);
		p->mappings = maps;
		p->read_at = began;
		p->stale = false;
	}
	read_comm(p);
	read_exe(p);
	collect_process__notify(p);
}

void collector__set_container(struct collector *c, uint32_t pid, const char *name)
{
	struct process *p = collect_process__find(c, pid);

	if (!p || (p->container && !strcmp(p->container, name)))
		return;
	p->container = strtab__copy(c->names, name);
	collect_process__notify(p);
}

void collector__add_unprobed(struct collector *c, uint32_t pid, const char *name)
{
	struct process *p = collect_process__find(c, pid);
	struct strbuf sb = { 0 };

	if (!p || (p->unprobed && strstr(p->unprobed, name)))
		return;
	if (p->unprobed)
		strbuf__addf(&sb, "%s, ", p->unprobed);
	strbuf__adds(&sb, name);
	if (!sb.error)
		p->unprobed = strtab__copy(c->names, sb.data);
	strbuf__free(&sb);
	collect_process__notify(p);
}

int collect_process__set(struct collector *c, const struct process_facts *f)
{
	struct process *p = collect_process__get(c, f->pid, f->first_seen);

	if (!p)
		return -ENOMEM;
	p->age = f->age;
	p->named = f->named;
	memcpy(p->comm, f->comm, sizeof(p->comm));
	p->comm[sizeof(p->comm) - 1] = '\0';
	p->exe = f->exe ? strtab__copy(c->names, f->exe) : NULL;
	p->container = f->container ? strtab__copy(c->names, f->container) : NULL;
	p->unprobed = f->unprobed ? strtab__copy(c->names, f->unprobed) : NULL;
	return 0;
}

/* ---- life ---- */

void collect_process__free(struct process *p)
{
	if (!p)
		return;
	heap__free(p->heap);
	ranges__free(p->ranges);
	mappings__free(p->mappings);
	hashmap__free(p->site_index);
	hashmap__free(p->stack_index);
	free(p->aliases);
	for (uint32_t i = 0; i < p->nsites; i++) {
		free(p->sites[i].cohorts);
		free(p->sites[i].left);
	}
	free(p->sites);
	recent_frees__free(&p->recent_frees);
	inherited__free(&p->inherited);
	older_frees__free(p->older);
	free(p->work);
	free(p);
}

static int add_process(struct collector *c, struct process *p)
{
	if (array__grow(&c->processes, &c->cap_processes, (size_t)c->nprocesses + 1,
			sizeof(struct process *)) ||
	    hashmap__set_ptr(c->by_pid, p->pid, p))
		return -ENOMEM;
	p->serial = c->nprocesses;
	p->number = c->next_number++;
	c->processes[c->nprocesses++] = p;
	return 0;
}

/* A process that holds nothing. It has its parent's mappings or, without a parent, unread ones. */
static struct process *new_process(struct collector *c, uint32_t pid, const struct process *parent,
				   uint64_t now)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->c = c;
	p->pid = pid;
	p->status = -1;
	p->first_seen = now;
	p->heap = heap__new();
	p->ranges = ranges__new(accounting__range_changed, p);
	p->site_index = hashmap__new();
	p->mappings = parent ? mappings__copy(parent->mappings, pid) : mappings__new(pid);
	if (!p->heap || !p->ranges || !p->site_index || recent_frees__init(&p->recent_frees) ||
	    !p->mappings || add_process(c, p)) {
		collect_process__free(p);
		return NULL;
	}
	p->stale = !parent || parent->stale;
	if (parent) {
		memcpy(p->comm, parent->comm, sizeof(p->comm));
		p->exe = parent->exe;
		p->container = parent->container;
		p->unprobed = parent->unprobed;
		p->read_at = parent->read_at;
	}
	c->last = p;
	return p;
}

struct process *collect_process__find(struct collector *c, uint32_t pid)
{
	struct process *p;

	if (c->last && c->last->pid == pid)
		return c->last;
	p = hashmap__get_ptr(c->by_pid, pid);
	if (p)
		c->last = p;
	return p;
}

struct process *collect_process__get(struct collector *c, uint32_t pid, uint64_t now)
{
	struct process *p = collect_process__find(c, pid);

	if (p)
		return p;
	p = new_process(c, pid, NULL, now);
	if (p) {
		read_comm(p);
		read_age(p);
		collect_process__notify(p);
	}
	return p;
}

int collect_process__add_named(struct collector *c, uint32_t pid)
{
	struct process *p = collect_process__find(c, pid);
	int err;

	if (p) {
		p->named = true;
		return collect_process__read(p);
	}
	p = new_process(c, pid, NULL, clock__now_ns());
	if (!p)
		return -ENOMEM;
	read_age(p);
	err = read_all(p);
	if (err) {
		hashmap__remove(c->by_pid, pid, NULL);
		c->nprocesses--;
		c->last = NULL;
		collect_process__free(p);
		return err;
	}
	p->named = true;
	collect_process__notify(p);
	return 0;
}

int collect_process__fork(struct collector *c, const struct event_fork *ev)
{
	struct process *parent = collect_process__find(c, ev->ev.pid);
	struct process *known = collect_process__find(c, ev->child), *child;

	if (ev->shares_memory || !c->opts.children)
		return 0;
	/* If it is younger than the event, it was added before its fork was reported. Otherwise the
	 * end of the pid's former owner was lost. */
	if (known && known->first_seen > ev->ev.time)
		return 0;
	if (known)
		collect_process__exit(known, ev->ev.time);
	if (parent == known)
		parent = NULL;
	child = new_process(c, ev->child, parent, ev->ev.time);
	if (child)
		inheritance__begin(child, parent);
	return child ? 0 : -ENOMEM;
}

/* All memory of the old program is gone, without having been freed. */
static void forget_memory(struct process *p)
{
	for (uint32_t i = 0; i < p->nsites; i++) {
		struct site *s = &p->sites[i];

		s->live_bytes = s->live_blocks = 0;
		s->aged_bytes = s->aged_blocks = 0;
		free(s->cohorts);
		s->cohorts = NULL;
	}
	older_frees__free(p->older);
	free(p->work);
	p->older = NULL;
	p->work = NULL;
	recent_frees__clear(&p->recent_frees);
	for (int kind = 0; kind < API_KINDS; kind++) {
		p->c->live_bytes[kind] -= p->live_bytes[kind];
		p->live_bytes[kind] = 0;
	}
	p->allocator_bytes = p->mapped_bytes = 0;
}

int collect_process__exec(struct collector *c, const struct event_exec *ev)
{
	struct process *p = collect_process__find(c, ev->ev.pid);
	struct ranges *ranges;
	struct mappings *mappings;
	struct heap *heap;

	if (!p && !c->opts.children && !(ev->ev.flags & EVENT_F_WHOLE))
		return 0;
	if (!p)
		p = new_process(c, ev->ev.pid, NULL, ev->ev.time);
	if (!p)
		return -ENOMEM;
	heap = heap__new();
	ranges = ranges__new(accounting__range_changed, p);
	mappings = mappings__new(p->pid);
	if (!heap || !ranges || !mappings) {
		heap__free(heap);
		ranges__free(ranges);
		mappings__free(mappings);
		return -ENOMEM;
	}
	heap__free(p->heap);
	ranges__free(p->ranges);
	mappings__free(p->mappings);
	inherited__free(&p->inherited);
	p->heap = heap;
	p->ranges = ranges;
	p->mappings = mappings;
	p->whole = ev->ev.flags & EVENT_F_WHOLE;
	p->inheritance_lost = p->unstored = false;
	forget_memory(p);
	p->stale = true;
	p->read_at = ev->ev.time;
	p->no_retry = 0;
	p->reads = (struct pace){ 0 };
	p->exe = p->unprobed = NULL;
	p->age = 0;
	memcpy(p->comm, ev->comm, sizeof(p->comm));
	p->comm[sizeof(p->comm) - 1] = '\0';
	return 0;
}

/* What it left is measured now, for good; what only serves further events is freed. */
void collect_process__exit(struct process *p, uint64_t now)
{
	uint64_t limit = birth_limit(p->c->opts.min_age, now);

	site_survey__heap(p, limit);
	site_survey__maps(p, limit);
	collect_process__retire(p, now);
	ended_processes__add(p);
}

void collect_process__retire(struct process *p, uint64_t now)
{
	struct collector *c = p->c;
	struct site *sites;

	p->exited = true;
	p->ended = now;
	c->ended_since = true;
	collect_process__forget_aliases(p, p->naliases);
	free(p->aliases);
	p->aliases = NULL;
	heap__free(p->heap);
	ranges__free(p->ranges);
	hashmap__free(p->site_index);
	hashmap__free(p->stack_index);
	recent_frees__free(&p->recent_frees);
	inherited__free(&p->inherited);
	p->heap = NULL;
	p->ranges = NULL;
	p->site_index = NULL;
	p->stack_index = NULL;
	if (!p->named) {
		mappings__free(p->mappings);
		p->mappings = NULL;
	}
	sites = p->nsites ? reallocarray(p->sites, p->nsites, sizeof(*sites)) : NULL;
	if (sites) {
		p->sites = sites;
		p->cap_sites = p->nsites;
	}
	hashmap__remove(c->by_pid, p->pid, NULL);
	if (c->last == p)
		c->last = NULL;
}

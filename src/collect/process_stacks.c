/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resolves the addresses of stacks, by what their process has mapped. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/unwind.h"
#include "collect/process.h"
#include "symbols/mappings.h"
#include "symbols/module.h"
#include "util/array.h"
#include "util/kdev.h"

/*
 * Reading the mappings takes a millisecond, and a second where there are very many. So they are
 * read again only for what happened after the last read began, and not too often (pace.h); and
 * after a pc was not found even in fresh ones (run-time code, a walk gone astray), further unknown
 * pcs do not cause another read for RETRY_GAP (ns).
 */
#define RETRY_GAP 20000000ull

/*
 * Code that was just mapped. This makes it known even in a process that ends before its mappings
 * can be read, provided that the file is a known module; otherwise the mappings must be read.
 */
int collect_process__map_code(struct process *p, const struct event_code *ev)
{
	struct modules *modules = p->c->opts.modules;
	int64_t module =
	    modules ? modules__find(modules, kdev__to_user(ev->dev), ev->ino) : -ENOENT;
	int err;

	if (module < 0) {
		p->stale = true;
		return 0;
	}
	err = mappings__map(p->mappings,
			    &(struct mapping){
				.start = ev->start,
				.end = ev->end,
				.offset = ev->offset,
				.dev = kdev__to_user(ev->dev),
				.ino = ev->ino,
				.module = (uint32_t)module,
				.exec = true,
				.path = module__path(modules__get(modules, (uint32_t)module)),
			    });
	p->stale |= err == -ENOSPC;
	return err == -ENOSPC ? 0 : err;
}

/* Fills in the frames from the mappings as they are known; false where these lack a pc. */
static bool resolve_frames(const struct process *p, const struct event_stack *ev, struct stack *st)
{
	bool all = true;

	for (unsigned int i = 0; i < ev->n; i++) {
		uint64_t pc = ev->pc[i];
		/* A call may be the last instruction of its mapping: look up the call itself. */
		const struct mapping *m = mappings__find(p->mappings, pc - 1);

		st->frames[i] = (struct frame){ .pc = pc, .offset = pc, .module = FRAME_NO_MODULE };
		if (m && m->module != FRAME_NO_MODULE) {
			st->frames[i].module = m->module;
			st->frames[i].offset = pc - m->start + m->offset;
		}
		all &= m != NULL;
	}
	return all;
}

int collect_process__add_event_stack(struct process *p, const struct event_stack *ev)
{
	_Alignas(
	    struct stack) char buf[sizeof(struct stack) + EVENT_MAX_FRAMES * sizeof(struct frame)];
	struct stack *st = (struct stack *)buf;
	uint64_t now = ev->ev.time;
	const char *exe;

	*st = (struct stack){ .id = ev->id,
			      .pid = p->pid,
			      .n = ev->n,
			      .end = ev->end,
			      .guessed = !!(ev->ev.flags & EVENT_F_GUESSED) };
	exe = p->exe;
	if (p->stale && collect_process__may_read(p))
		collect_process__read_mappings(p);
	if (!resolve_frames(p, ev, st) && now >= p->read_at && now >= p->no_retry &&
	    collect_process__may_read(p)) {
		collect_process__read_mappings(p);
		if (!resolve_frames(p, ev, st))
			p->no_retry = now + RETRY_GAP;
	}
	if (p->exe != exe)
		collect_process__notify(p);
	return collect_process__add_stack(p, now, st);
}

void collect_process__forget_aliases(struct process *p, size_t n)
{
	struct stacks *stacks = p->c->stacks;

	if (!n)
		return;
	/* A site that came before its stack has the stack's own ID from now on. */
	for (uint32_t i = SITE_HIDDEN + 1; i < p->nsites; i++) {
		struct site *s = &p->sites[i];

		if (s->stack && !s->frames)
			s->frames = stacks__get(stacks, s->stack);
		if (p->exited && s->frames)
			s->stack = s->frames->id;
	}
	for (size_t i = 0; i < n; i++)
		stacks__forget(stacks, p->aliases[i]);
	p->naliases -= n;
	memmove(p->aliases, p->aliases + n, p->naliases * sizeof(*p->aliases));
}

/* Without memory the ID stays known for ever. */
static void note_alias(struct process *p, uint64_t id)
{
	if (p->naliases >= ALIASES_MAX)
		collect_process__forget_aliases(p, ALIASES_MAX / 2);
	if (!array__grow(&p->aliases, &p->cap_aliases, p->naliases + 1, sizeof(*p->aliases)))
		p->aliases[p->naliases++] = id;
}

int collect_process__add_stack(struct process *p, uint64_t time, const struct stack *st)
{
	const struct collector_opts *opts = &p->c->opts;
	bool known = stacks__get(p->c->stacks, st->id);
	/* Near the memory limit nothing is added: it is as if the stack had not come. */
	int err = known || !p->c->tight ? stacks__add(p->c->stacks, st) : 0;
	const struct stack *stored = known ? NULL : stacks__get(p->c->stacks, st->id);

	if (stored && stored->id != st->id)
		note_alias(p, st->id);
	if (err == -EEXIST)
		p->c->stack_collisions++;
	if (err != -ENOMEM && opts->observer)
		opts->observer->stack(opts->observer_ctx, time, st);
	return err == -ENOMEM ? err : 0;
}

void collect_process__complete_segment(struct collector *c, struct event_map *ev)
{
	struct process *p = collect_process__get(c, ev->ev.pid, ev->ev.time);
	const struct mapping *m;

	if (!p)
		return;
	if (ev->ev.time >= p->read_at)
		collect_process__read(p);
	m = mappings__find(p->mappings, ev->addr);
	if (m && m->start == ev->addr)
		ev->len = m->end - m->start;
}

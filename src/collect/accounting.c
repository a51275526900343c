/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of events. They come in the order of the ring buffer. A free is reported before the
 * allocator has the block and an allocation after the program has it, so whichever call gets an
 * address next is reported later. Only realloc is one event for both: while T1's realloc moves A to
 * B, T2's malloc may get A and be reported first. Then T2's block replaces the old one at A, and
 * T1's event, which says when the call began, finds a block born after that and leaves it alone.
 * mremap and munmap against mmap are settled in the same way.
 */
#include "collect/accounting.h"

#include <errno.h>
#include <stdlib.h>

#include "collect/limit.h"
#include "collect/same_code.h"
#include "probe/alloc_functions.h"
#include "symbols/mappings.h"
#include "util/array.h"
#include "util/hash.h"
#include "util/intervals.h"

#define SIZE_END (1ull << 48) /* a heap stores sizes below it */
#define PAGE_MASK 4095ull
#define NATURE (EVENT_F_FILE | EVENT_F_STACK | EVENT_F_SHM)

/* ---- sites ---- */

/* What distinguishes a site from the others of its process. */
struct site_key {
	const struct process *p;
	uint64_t stack;
	uint8_t kind, api;
	uint16_t map_flags;
};

static uint64_t hash_site_key(const struct site_key *k)
{
	return hash__mix(k->stack, (uint64_t)k->map_flags << 16 | (uint64_t)k->api << 8 | k->kind);
}

static inline bool site_has_key(uintptr_t number, const void *key)
{
	const struct site_key *k = key;
	const struct site *s = &k->p->sites[number];

	return s->stack == k->stack && s->kind == k->kind && s->api == k->api &&
	       s->map_flags == k->map_flags;
}

static int add_site(struct process *p, const struct site *site, uint64_t hash)
{
	/* One more than needed: the first site takes the place of number 0 along. */
	if (array__grow(&p->sites, &p->cap_sites, (size_t)p->nsites + 2, sizeof(*p->sites)))
		return -ENOMEM;
	if (p->nsites == SITE_HIDDEN)
		p->sites[p->nsites++] = (struct site){ 0 };
	if (p->nsites == UINT32_MAX || hashmap__add(p->site_index, hash, p->nsites))
		return -ENOMEM;
	p->sites[p->nsites++] = *site;
	return 0;
}

/* Passed by value, so that find_or_add_site has its key in registers. */
static __attribute__((noinline)) int find_or_add_key(struct process *p, struct site_key key,
						     uint64_t hash, uint32_t *number)
{
	struct site site = {
		.stack = key.stack, .kind = key.kind, .api = key.api, .map_flags = key.map_flags
	};
	uintptr_t known;

	if (hashmap__find(p->site_index, hash, site_has_key, &key, &known)) {
		*number = (uint32_t)known;
		return 0;
	}
	if (p->c->tight && key.stack) {
		p->c->limited_stacks++;
		key.stack = 0;
		return find_or_add_key(p, key, hash_site_key(&key), number);
	}
	site.stack = same_code__first(p, key.stack);
	if (site.stack != key.stack) {
		key.stack = site.stack;
		return find_or_add_key(p, key, hash_site_key(&key), number);
	}
	if (add_site(p, &site, hash))
		return -ENOMEM;
	*number = p->nsites - 1;
	return 0;
}

/* The number of the site of a block, or of a mapping. 0 or -ENOMEM. */
static int find_or_add_site(struct process *p, const struct event *ev, uint64_t stack_id,
			    uint64_t size, enum api_kind kind, uint32_t *number)
{
	const struct collector_opts *opts = &p->c->opts;
	const struct stack *stack = stacks__get(p->c->stacks, stack_id);
	const struct site_key key = {
		.p = p,
		.stack = stack ? stack->id : stack_id,
		.kind = (uint8_t)kind,
		.api = ev->api,
		.map_flags = kind == API_MAP ? ev->flags & NATURE : 0,
	};
	uint64_t hash = hash_site_key(&key);
	uintptr_t known;

	*number = SITE_HIDDEN;
	if (size < opts->min_size || size > opts->max_size)
		return 0;
	/* Nearly always the first with this hash is the one: no indirect call on each event. */
	if (!hashmap__get(p->site_index, hash, &known) || !site_has_key(known, &key))
		return find_or_add_key(p, key, hash, number);
	*number = (uint32_t)known;
	return 0;
}

int accounting__restore_site(struct process *p, const struct site *s)
{
	const struct site_key key = { p, s->stack, s->kind, s->api, s->map_flags };

	same_code__first(p, s->stack);
	return add_site(p, s, hash_site_key(&key));
}

static void add_live(struct process *p, struct site *site, int64_t bytes, int blocks)
{
	struct collector *c = p->c;

	site->live_bytes += (uint64_t)bytes;
	site->live_blocks += (uint64_t)(int64_t)blocks;
	p->live_bytes[site->kind] += (uint64_t)bytes;
	c->live_bytes[site->kind] += (uint64_t)bytes;
	if (c->live_bytes[site->kind] > c->peak_bytes[site->kind])
		c->peak_bytes[site->kind] = c->live_bytes[site->kind];
}

/* ---- births and deaths, for the verdicts ---- */

static uint64_t heap_now(const struct process *p)
{
	return heap_time(p->c, p->c->now);
}

static void count_work(struct process *p, uint64_t birth, uint64_t now)
{
	if (!p->work)
		p->work = activity__new(heap_time(p->c, p->first_seen));
	if (p->work)
		activity__died(p->work, birth, now);
}

static void count_death(struct process *p, const struct block *b)
{
	struct cohorts *co = b->site == SITE_HIDDEN ? NULL : p->sites[b->site].cohorts;
	uint64_t birth = heap__origin(b), died = heap_now(p);

	count_work(p, birth, died);
	if (co)
		cohorts__died(co, died, birth, b->size);
}

static void count_departure(struct process *p, const struct block *b)
{
	struct cohorts *co = b->site == SITE_HIDDEN ? NULL : p->sites[b->site].cohorts;

	if (co)
		cohorts__left(co, heap_now(p), heap__origin(b), b->size);
}

/*
 * Many sites allocate once and never again. So a site gets cohorts with its second block only; the
 * first is then looked up in the heap, where it may still be live.
 */
static void begin_cohorts(struct process *p, const struct block *b)
{
	struct site *s = &p->sites[b->site];
	struct block first = { .addr = b->addr };
	uint32_t cursor = 0;
	uint64_t origin = heap__origin(b);

	if (!s->allocs || s->live_blocks > 1 || (p->c->tight && s->stack))
		return;
	while (s->live_blocks && first.addr == b->addr &&
	       heap__site_next(p->heap, b->site, &cursor, &first))
		;
	if (first.addr != b->addr && heap__origin(&first) < origin)
		origin = heap__origin(&first);
	s->cohorts = cohorts__new(origin);
	if (s->cohorts && first.addr != b->addr)
		cohorts__came(s->cohorts, heap_now(p), heap__origin(&first), first.size);
}

/* Call it before the block is counted in its site. `from` is the block that a realloc made it of,
 * which no longer counts in its own, or NULL. */
static void count_birth(struct process *p, const struct block *b, const struct block *from)
{
	struct cohorts *co = b->site == SITE_HIDDEN ? NULL : p->sites[b->site].cohorts;

	if (co && from && from->site == b->site) {
		cohorts__became(co, heap_now(p), heap__origin(from), from->size, heap__origin(b),
				b->size);
		return;
	}
	if (from)
		count_departure(p, from);
	if (b->site == SITE_HIDDEN)
		return;
	if (!co)
		begin_cohorts(p, b);
	co = p->sites[b->site].cohorts;
	if (co)
		cohorts__came(co, heap_now(p), heap__origin(b), b->size);
}

/* Freed addresses to remember for each block of unknown origin: what a cache has was freed. */
#define FREED_EACH 64

/* The block was allocated before tracing began or, in a process that has no such blocks, was not
 * seen to be allocated, or was not allocated at all; or there was no memory to store it. */
static void count_unmatched_free(struct process *p, uint64_t name)
{
	p->unmatched_frees++;
	p->unseen_frees += p->whole || p->inheritance_lost || p->unstored;
	if (p->unstored || (p->whole && !p->inheritance_lost))
		return;
	if (!p->older)
		p->older = older_frees__new(heap_now(p));
	if (p->older)
		older_frees__came(p->older, heap_now(p), name);
	recent_frees__grow(&p->recent_frees, p->unmatched_frees * FREED_EACH);
}

/* ---- blocks ---- */

/*
 * A program's own allocator (--probe) may carve its blocks from malloc's, so that two blocks begin
 * at the same address. Each kind has a name space of its own: a block's name in the heap is its
 * address, with the top bit flipped for custom functions. A freed block is looked up under the
 * caller's kind first and then under the other, because a function that only wraps malloc may leave
 * the freeing to free.
 */
#define CUSTOM_NAMES (1ull << 63)

static uint64_t heap_name(const struct event *ev, uint64_t addr)
{
	return ev->flags & EVENT_F_CUSTOM ? addr ^ CUSTOM_NAMES : addr;
}

static bool take_block(struct process *p, const struct event *ev, uint64_t addr, uint64_t not_after,
		       struct block *b)
{
	uint64_t name = heap_name(ev, addr);

	return heap__take(p->heap, name, not_after, b) ||
	       heap__take(p->heap, name ^ CUSTOM_NAMES, not_after, b);
}

/* A block of the parent's, of which the process has a copy. It has no site here. */
static bool take_inherited(struct process *p, const struct event *ev, uint64_t addr,
			   struct block *b)
{
	uint64_t name = heap_name(ev, addr);

	if (!p->inherited.n || (!inherited__take(&p->inherited, name, b) &&
				!inherited__take(&p->inherited, name ^ CUSTOM_NAMES, b)))
		return false;
	p->inherited_frees += b->size >= p->c->opts.min_size && b->size <= p->c->opts.max_size;
	b->site = SITE_HIDDEN;
	return true;
}

static void end_block(struct process *p, const struct block *b)
{
	struct site *site;

	if (p->older)
		older_frees__known(p->older, b->addr, b->size);
	if (b->site == SITE_HIDDEN)
		return;
	site = &p->sites[b->site];
	add_live(p, site, -(int64_t)b->size, -1);
	site->frees++;
	p->frees++;
	p->free_bytes += b->size;
}

/* `from` is the block that a realloc made it of, or NULL. */
static int begin_block(struct process *p, const struct event *ev, uint64_t addr, uint64_t size,
		       uint64_t stack, const struct block *from)
{
	struct block b = { .addr = heap_name(ev, addr), .birth = heap_time(p->c, ev->time) };
	struct block old = { 0 };
	struct site *site;
	int err;

	b.size = size < SIZE_END ? size : SIZE_END - 1;
	if (p->older)
		older_frees__reused(p->older, heap_now(p), b.addr, b.size);
	if (from)
		b.chain = heap__chain(from, b.birth);
	err = find_or_add_site(p, ev, stack, size, API_HEAP, &b.site);
	if (!err && !collect_limit__has_room(p, b.addr)) {
		collect_limit__left_out(p, &b);
		if (from)
			count_death(p, from);
		return 0;
	}
	if (!err)
		err = heap__put(p->heap, &b, &old);
	if (old.addr) {
		p->c->superseded += old.site != SITE_HIDDEN;
		count_death(p, &old);
		end_block(p, &old);
	}
	if (err < 0) {
		p->unstored = true;
		if (from)
			count_death(p, from);
		return err;
	}
	count_birth(p, &b, from);
	if (b.site == SITE_HIDDEN)
		return 0;
	site = &p->sites[b.site];
	add_live(p, site, (int64_t)b.size, 1);
	site->allocs++;
	site->alloc_bytes += b.size;
	p->allocs++;
	p->alloc_bytes += b.size;
	return 0;
}

int accounting__alloc(struct process *p, const struct event_alloc *ev)
{
	return begin_block(p, &ev->ev, ev->addr, ev->size, ev->stack, NULL);
}

/*
 * A free is reported more than once where a function passes it on (operator delete to free, an
 * interposed free to the C library's), and where a thread ends, whose cache glibc frees block by
 * block, and then the cache itself, which no call returned. No other event with the same address
 * comes in between. What a program's own allocator frees inside its functions is mostly its own
 * memory, which was never counted.
 */
int accounting__free(struct process *p, const struct event_free *ev)
{
	uint64_t name = heap_name(&ev->ev, ev->addr);
	struct block b;

	if (take_block(p, &ev->ev, ev->addr, UINT64_MAX, &b)) {
		count_death(p, &b);
		end_block(p, &b);
	} else if (ev->ev.flags & EVENT_F_LIBC) {
		return 0;
	} else if (!take_inherited(p, &ev->ev, ev->addr, &b) && !(ev->ev.flags & EVENT_F_INSIDE) &&
		   !recent_frees__has(&p->recent_frees, name)) {
		count_unmatched_free(p, name);
	}
	if (!(ev->ev.flags & EVENT_F_INSIDE))
		recent_frees__add(&p->recent_frees, name);
	return 0;
}

int accounting__realloc(struct process *p, const struct event_realloc *ev)
{
	struct block b, *from = NULL;

	if (ev->old && take_block(p, &ev->ev, ev->old, heap_time(p->c, ev->began), &b)) {
		from = &b;
		end_block(p, from);
	} else if (ev->old && heap__find(p->heap, heap_name(&ev->ev, ev->old), &b)) {
		/* This ends the block that the younger one replaced. */
		p->c->superseded -= p->c->superseded && b.site != SITE_HIDDEN;
	} else if (ev->old && take_inherited(p, &ev->ev, ev->old, &b)) {
		from = &b;
	} else if (ev->old) {
		count_unmatched_free(p, heap_name(&ev->ev, ev->old));
	}
	if (ev->old && ev->old != ev->addr)
		recent_frees__add(&p->recent_frees, heap_name(&ev->ev, ev->old));
	if (ev->addr)
		return begin_block(p, &ev->ev, ev->addr, ev->size, ev->stack, from);
	if (from)
		count_death(p, from);
	return 0;
}

/* ---- maps ---- */

static void count_range(struct process *p, struct site *s, const struct range *r, int64_t bytes,
			int blocks)
{
	uint64_t birth = heap_time(p->c, r->birth);

	if (!s->cohorts && blocks > 0 && !s->live_blocks)
		s->cohorts = cohorts__new(birth);
	if (!s->cohorts)
		return;
	if (blocks > 0)
		cohorts__came(s->cohorts, heap_now(p), birth, (uint64_t)bytes);
	else if (blocks < 0)
		cohorts__died(s->cohorts, heap_now(p), birth, (uint64_t)-bytes);
	else
		cohorts__resized(s->cohorts, heap_now(p), birth, bytes);
}

void accounting__range_changed(void *process, const struct range *r, int64_t bytes, int blocks)
{
	struct process *p = process;
	struct site *site;

	if (r->site == RANGE_ALLOCATOR) {
		p->allocator_bytes += (uint64_t)bytes;
		return;
	}
	p->mapped_bytes += (uint64_t)bytes;
	if (r->site == SITE_HIDDEN)
		return;
	site = &p->sites[r->site];
	count_range(p, site, r, bytes, blocks);
	add_live(p, site, bytes, blocks);
	site->allocs += blocks > 0;
	site->frees += blocks < 0;
	if (bytes > 0)
		site->alloc_bytes += (uint64_t)bytes;
}

bool accounting__is_allocator(const struct collector *c, const struct stack *st)
{
	for (unsigned int i = 0; st && i < st->n; i++) {
		const struct frame *f = &st->frames[i];
		const struct intervals *code = NULL;

		if (f->module != FRAME_NO_MODULE)
			code = hashmap__get_ptr(c->allocators, f->module);
		if (code && intervals__find(code, f->offset - 1))
			return true;
	}
	return false;
}

static int begin_range(struct process *p, const struct event_map *ev, unsigned int api,
		       uint64_t start, uint64_t end)
{
	struct range r = {
		.start = start, .end = end, .birth = ev->ev.time, .flags = ev->ev.flags
	};
	struct event head = ev->ev;
	int err;

	if (start >= end)
		return 0;
	head.api = (uint8_t)api;
	r.site = RANGE_ALLOCATOR;
	if (!(head.flags & EVENT_F_ALLOCATOR) &&
	    !accounting__is_allocator(p->c, stacks__get(p->c->stacks, ev->stack))) {
		err = find_or_add_site(p, &head, ev->stack, end - start, API_MAP, &r.site);
		if (err)
			return err;
	}
	return ranges__map(p->ranges, &r);
}

/* The break need not be at a page boundary, but what it maps ends at one. */
static uint64_t page_of_break(uint64_t addr)
{
	return addr <= UINT64_MAX - PAGE_MASK ? (addr + PAGE_MASK) & ~PAGE_MASK : addr;
}

static uint64_t range_end(uint64_t start, uint64_t len)
{
	return len < UINT64_MAX - start ? start + len : UINT64_MAX;
}

int accounting__map(struct process *p, const struct event_map *ev)
{
	uint64_t was = page_of_break(ev->old), is = page_of_break(ev->addr);
	bool shm = ev->ev.flags & EVENT_F_SHM;

	switch (ev->ev.type) {
	case EVENT_MAP:
		return begin_range(p, ev, shm ? API_SHMAT : API_MMAP, ev->addr,
				   range_end(ev->addr, ev->len));
	case EVENT_UNMAP:
		if (shm && !ev->len)
			return ranges__detach(p->ranges, ev->addr, ev->began);
		return ranges__unmap(p->ranges, ev->addr, range_end(ev->addr, ev->len), ev->began);
	case EVENT_REMAP:
		return ranges__remap(p->ranges, ev->old, ev->old_len, ev->addr, ev->len, ev->began,
				     ev->ev.flags & EVENT_F_DONTUNMAP);
	default:
		if (!ev->old)
			return 0;
		if (is >= was)
			return begin_range(p, ev, API_BRK, was, is);
		return ranges__unmap(p->ranges, is, was, ev->began);
	}
}

/*
 * Books what programs get and give back.
 *
 * Events come in the order of the ring buffer: a free is told before the allocator has the block,
 * an allocation after the program has it, so whoever gets an address next is told later. Only
 * realloc is one event for both: while T1's realloc moves A to B, T2's malloc may be handed A and
 * be told first. Then T2's block replaces the old one at A, and T1's event, which says when it
 * began, finds a block born after that and leaves it alone. mremap and munmap against mmap are
 * settled the same way.
 */
#include "collect/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "probe/alloc_functions.h"
#include "symbols/mappings.h"
#include "util/intervals.h"

#define SIZE_END (1ull << 48) /* what a heap can hold of a size */
#define PAGE_MASK 4095ull
#define NATURE (EVENT_F_FILE | EVENT_F_STACK | EVENT_F_SHM)

/* ---- sites ---- */

static int add_site(struct process *p, const struct site *site, uint64_t key)
{
	uint32_t cap = p->cap_sites ? p->cap_sites * 2 : 8;
	struct site *sites;

	if (p->nsites == p->cap_sites) {
		if (cap < p->cap_sites)
			return -ENOMEM;
		sites = reallocarray(p->sites, cap, sizeof(*sites));
		if (!sites)
			return -ENOMEM;
		p->sites = sites;
		p->cap_sites = cap;
	}
	if (p->nsites == SITE_HIDDEN)
		p->sites[p->nsites++] = (struct site){ 0 };
	if (hashmap__set(p->site_index, key, p->nsites))
		return -ENOMEM;
	p->sites[p->nsites++] = *site;
	return 0;
}

/* The number of the site of a block, or of a mapping. 0 or -ENOMEM. */
static int site_of(struct process *p, const struct event *ev, uint64_t stack_id, uint64_t size,
		   enum api_kind kind, uint32_t *number)
{
	const struct collector_opts *opts = &p->c->opts;
	const struct stack *known_stack = stacks__get(p->c->stacks, stack_id);
	uint64_t stack = known_stack ? known_stack->id : stack_id;
	struct site want = {
		.stack = stack,
		.kind = kind,
		.api = ev->api,
		.map_flags = kind == API_MAP ? ev->flags & NATURE : 0,
	};
	uint64_t key = site_key(&want);
	uintptr_t known;

	*number = SITE_HIDDEN;
	if (size < opts->min_size || size > opts->max_size)
		return 0;
	for (; hashmap__get(p->site_index, key, &known); key++) {
		const struct site *s = &p->sites[known];

		if (s->stack == want.stack && s->kind == want.kind && s->api == want.api &&
		    s->map_flags == want.map_flags) {
			*number = (uint32_t)known;
			return 0;
		}
	}
	if (add_site(p, &want, key))
		return -ENOMEM;
	*number = p->nsites - 1;
	return 0;
}

int book__restore_site(struct process *p, const struct site *s)
{
	uint64_t key = site_key(s);
	uintptr_t known;

	while (hashmap__get(p->site_index, key, &known))
		key++;
	return add_site(p, s, key);
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

/* ---- what verdicts are made of ---- */

static uint64_t present(const struct process *p)
{
	return heap_time(p->c, p->c->now);
}

/* Where the chain of reallocs began. */
static uint64_t beginning(const struct block *b)
{
	return b->birth - b->chain;
}

static void note_died(struct process *p, const struct block *b)
{
	struct cohorts *co = b->site == SITE_HIDDEN ? NULL : p->sites[b->site].cohorts;

	if (co)
		cohorts__died(co, present(p), beginning(b), b->size);
}

static void note_left(struct process *p, const struct block *b)
{
	struct cohorts *co = b->site == SITE_HIDDEN ? NULL : p->sites[b->site].cohorts;

	if (co)
		cohorts__left(co, present(p), beginning(b), b->size);
}

/*
 * Many sites allocate once and never again. So a site has cohorts only from its second block on;
 * the first is found in the heap, if it lives.
 */
static void new_cohorts(struct process *p, const struct block *b)
{
	struct site *s = &p->sites[b->site];
	struct block first = { .addr = b->addr };
	uint32_t cursor = 0;
	uint64_t origin = beginning(b);

	if (!s->allocs || s->live_blocks > 1)
		return;
	while (s->live_blocks && first.addr == b->addr &&
	       heap__site_next(p->heap, b->site, &cursor, &first))
		;
	if (first.addr != b->addr && beginning(&first) < origin)
		origin = beginning(&first);
	s->cohorts = cohorts__new(origin);
	if (s->cohorts && first.addr != b->addr)
		cohorts__came(s->cohorts, present(p), beginning(&first), first.size);
}

/* Before it is counted. `from` is the block that a realloc made it of, which is counted out, or
 * NULL. */
static void note_came(struct process *p, const struct block *b, const struct block *from)
{
	struct cohorts *co = b->site == SITE_HIDDEN ? NULL : p->sites[b->site].cohorts;

	if (co && from && from->site == b->site) {
		cohorts__became(co, present(p), beginning(from), from->size, beginning(b), b->size);
		return;
	}
	if (from)
		note_left(p, from);
	if (b->site == SITE_HIDDEN)
		return;
	if (!co)
		new_cohorts(p, b);
	co = p->sites[b->site].cohorts;
	if (co)
		cohorts__came(co, present(p), beginning(b), b->size);
}

/* For each block of unknown origin, the addresses remembered: those in a thread's cache were freed
 * long ago. */
#define FREED_EACH 64

/* The block was there before the tracing. */
static void unmatched_free(struct process *p)
{
	p->unmatched_frees++;
	if (!p->older)
		p->older = cohorts__new(present(p));
	if (p->older)
		cohorts__came(p->older, present(p), present(p), 0);
	recent_frees__grow(&p->freed, p->unmatched_frees * FREED_EACH);
}

/* ---- blocks ---- */

/*
 * A program's own allocator (--probe) may carve its blocks from malloc's, and both begin at one
 * address: each has a name space of its own. What is freed is looked for in the caller's first, but
 * a function that only wraps malloc may leave the freeing to free.
 */
#define OTHER_SPACE (1ull << 63)

static uint64_t name_of(const struct event *ev, uint64_t addr)
{
	return ev->flags & EVENT_F_CUSTOM ? addr ^ OTHER_SPACE : addr;
}

static bool take_block(struct process *p, const struct event *ev, uint64_t addr, uint64_t not_after,
		       struct block *b)
{
	uint64_t name = name_of(ev, addr);

	return heap__take(p->heap, name, not_after, b) ||
	       heap__take(p->heap, name ^ OTHER_SPACE, not_after, b);
}

static void block_ended(struct process *p, const struct block *b)
{
	struct site *site;

	if (b->site == SITE_HIDDEN)
		return;
	site = &p->sites[b->site];
	add_live(p, site, -(int64_t)b->size, -1);
	site->frees++;
	p->frees++;
	p->free_bytes += b->size;
}

/* `from`: the block that a realloc made it of, or NULL. */
static int block_began(struct process *p, const struct event *ev, uint64_t addr, uint64_t size,
		       uint64_t stack, const struct block *from)
{
	struct block b = { .addr = name_of(ev, addr), .birth = heap_time(p->c, ev->time) };
	struct block old = { 0 };
	struct site *site;
	int err;

	b.size = size < SIZE_END ? size : SIZE_END - 1;
	if (from && b.birth > beginning(from))
		b.chain = b.birth - beginning(from);
	err = site_of(p, ev, stack, size, API_HEAP, &b.site);
	if (!err)
		err = heap__put(p->heap, &b, &old);
	if (old.addr) {
		p->c->superseded += old.site != SITE_HIDDEN;
		note_died(p, &old);
		block_ended(p, &old);
	}
	if (err < 0) {
		if (from)
			note_died(p, from);
		return err;
	}
	note_came(p, &b, from);
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

int book__alloc(struct process *p, const struct event_alloc *ev)
{
	return block_began(p, &ev->ev, ev->addr, ev->size, ev->stack, NULL);
}

/*
 * One free is told more than once where a function passes it on: operator delete to free, an
 * interposed free to the C library's; and where a thread ends, whose cache glibc frees block by
 * block. Nothing comes between that is told of the same address. What a program's own allocator
 * frees inside of its functions is mostly its own, and was never booked.
 */
int book__free(struct process *p, const struct event_free *ev)
{
	uint64_t name = name_of(&ev->ev, ev->addr);
	struct block b;

	if (take_block(p, &ev->ev, ev->addr, UINT64_MAX, &b)) {
		note_died(p, &b);
		block_ended(p, &b);
	} else if (!(ev->ev.flags & EVENT_F_INSIDE) && !recent_frees__has(&p->freed, name)) {
		unmatched_free(p);
	}
	if (!(ev->ev.flags & EVENT_F_INSIDE))
		recent_frees__add(&p->freed, name);
	return 0;
}

int book__realloc(struct process *p, const struct event_realloc *ev)
{
	struct block b, *from = NULL;

	if (ev->old && take_block(p, &ev->ev, ev->old, heap_time(p->c, ev->began), &b))
		from = &b;
	else if (ev->old && !heap__find(p->heap, name_of(&ev->ev, ev->old), &b))
		unmatched_free(p);
	else if (ev->old && p->c->superseded && b.site != SITE_HIDDEN)
		p->c->superseded--; /* the block that the younger one replaced ended here */
	if (from)
		block_ended(p, from);
	if (ev->old && ev->old != ev->addr)
		recent_frees__add(&p->freed, name_of(&ev->ev, ev->old));
	if (ev->addr)
		return block_began(p, &ev->ev, ev->addr, ev->size, ev->stack, from);
	if (from)
		note_died(p, from);
	return 0;
}

/* ---- maps ---- */

static void note_range(struct process *p, struct site *s, const struct range *r, int64_t bytes,
		       int blocks)
{
	uint64_t birth = heap_time(p->c, r->birth);

	if (!s->cohorts && blocks > 0 && !s->live_blocks)
		s->cohorts = cohorts__new(birth);
	if (!s->cohorts)
		return;
	if (blocks > 0)
		cohorts__came(s->cohorts, present(p), birth, (uint64_t)bytes);
	else if (blocks < 0)
		cohorts__died(s->cohorts, present(p), birth, (uint64_t)-bytes);
	else
		cohorts__resized(s->cohorts, present(p), birth, bytes);
}

void book__range_changed(void *process, const struct range *r, int64_t bytes, int blocks)
{
	struct process *p = process;
	struct site *site;

	if (r->site == LEDGER_ALLOCATOR) {
		p->allocator_bytes += (uint64_t)bytes;
		return;
	}
	p->mapped_bytes += (uint64_t)bytes;
	if (r->site == SITE_HIDDEN)
		return;
	site = &p->sites[r->site];
	note_range(p, site, r, bytes, blocks);
	add_live(p, site, bytes, blocks);
	site->allocs += blocks > 0;
	site->frees += blocks < 0;
	if (bytes > 0)
		site->alloc_bytes += (uint64_t)bytes;
}

bool book__is_allocator(const struct collector *c, const struct stack *st)
{
	uintptr_t known;

	for (unsigned int i = 0; st && i < st->n; i++) {
		const struct frame *f = &st->frames[i];

		if (f->module != FRAME_NO_MODULE &&
		    hashmap__get(c->allocators, f->module, &known) &&
		    intervals__find((const struct intervals *)known, f->offset - 1))
			return true;
	}
	return false;
}

static int range_began(struct process *p, const struct event_map *ev, unsigned int api,
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
	r.site = LEDGER_ALLOCATOR;
	if (!(head.flags & EVENT_F_ALLOCATOR) &&
	    !book__is_allocator(p->c, stacks__get(p->c->stacks, ev->stack))) {
		err = site_of(p, &head, ev->stack, end - start, API_MAP, &r.site);
		if (err)
			return err;
	}
	return ranges__map(p->ranges, &r);
}

/* The break is no page border, but what it maps ends at the next one. */
static uint64_t break_page(uint64_t addr)
{
	return addr <= UINT64_MAX - PAGE_MASK ? (addr + PAGE_MASK) & ~PAGE_MASK : addr;
}

static uint64_t end_of(uint64_t start, uint64_t len)
{
	return len < UINT64_MAX - start ? start + len : UINT64_MAX;
}

int book__map(struct process *p, const struct event_map *ev)
{
	uint64_t was = break_page(ev->old), is = break_page(ev->addr);
	bool shm = ev->ev.flags & EVENT_F_SHM;

	switch (ev->ev.type) {
	case EVENT_MAP:
		return range_began(p, ev, shm ? API_SHMAT : API_MMAP, ev->addr,
				   end_of(ev->addr, ev->len));
	case EVENT_UNMAP:
		if (shm && !ev->len)
			return ranges__detach(p->ranges, ev->addr, ev->began);
		return ranges__unmap(p->ranges, ev->addr, end_of(ev->addr, ev->len), ev->began);
	case EVENT_REMAP:
		return ranges__remap(p->ranges, ev->old, ev->old_len, ev->addr, ev->len, ev->began,
				     ev->ev.flags & EVENT_F_DONTUNMAP);
	default:
		if (!ev->old)
			return 0;
		if (is >= was)
			return range_began(p, ev, API_BRK, was, is);
		return ranges__unmap(p->ranges, is, was, ev->began);
	}
}

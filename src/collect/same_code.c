/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collect/same_code.h"

#include <stdlib.h>

#include "symbols/module.h"

/* Equal for files with the same build ID. */
static uint64_t hash_module(struct collector *c, uint32_t id)
{
	struct module *mod = c->opts.modules ? modules__get(c->opts.modules, id) : NULL;
	uint8_t build_id[BUILD_ID_MAX];
	uint64_t code;
	uintptr_t known;
	size_t len;

	if (hashmap__get(c->module_codes, id, &known))
		return known;
	len = mod ? module__build_id(mod, build_id) : 0;
	code = hash__mix(len, len ? 0 : id);
	for (size_t i = 0; i < len; i++)
		code = hash__mix(code, build_id[i]);
	if (len)
		hashmap__set(c->module_codes, id, code); /* without memory it is computed again */
	return code;
}

/* ---- stacks of one process ---- */

/* Equal for stacks that may be the same code: files are not compared yet, because that opens them.
 */
static uint64_t hash_offsets(const struct stack *st)
{
	uint64_t hash = st->n;

	for (unsigned int i = 0; i < st->n; i++)
		hash = hash__mix(hash, st->frames[i].offset);
	return hash;
}

static bool is_same_file(struct collector *c, uint32_t a, uint32_t b)
{
	if (a == b || a == FRAME_NO_MODULE || b == FRAME_NO_MODULE)
		return a == b;
	return hash_module(c, a) == hash_module(c, b);
}

struct wanted {
	struct collector *c;
	const struct stack *stack;
};

static bool is_same_code(uintptr_t known, const void *wanted)
{
	const struct wanted *w = wanted;
	const struct stack *a = (const struct stack *)known, *b = w->stack;

	if (a->n != b->n || a->end != b->end)
		return false;
	for (unsigned int i = 0; i < a->n; i++)
		if (a->frames[i].offset != b->frames[i].offset ||
		    !is_same_file(w->c, a->frames[i].module, b->frames[i].module))
			return false;
	return true;
}

uint64_t same_code__first(struct process *p, uint64_t id)
{
	const struct stack *st = stacks__get(p->c->stacks, id);
	const struct wanted wanted = { p->c, st };
	uintptr_t known;
	uint64_t hash;

	if (!st)
		return id;
	if (!p->stack_index)
		p->stack_index = hashmap__new();
	if (!p->stack_index)
		return id;
	hash = hash_offsets(st);
	if (hashmap__find(p->stack_index, hash, is_same_code, &wanted, &known))
		return ((const struct stack *)known)->id;
	hashmap__add_ptr(p->stack_index, hash, st); /* without memory it stands for itself only */
	return st->id;
}

/* ---- sites of several processes ---- */

/* Equal for the same code in all processes. */
static uint64_t hash_frames(struct collector *c, const struct process *p, struct site *s)
{
	uint64_t code = 1;

	if (s->code)
		return s->code;
	if (!s->frames && s->stack)
		s->frames = stacks__get(c->stacks, s->stack);
	/* What is unknown, or in no file, is equal in this process only. */
	if (!s->frames)
		return hash__mix(s->stack, p->number + 1);
	for (unsigned int i = 0; i < s->frames->n; i++) {
		const struct frame *f = &s->frames->frames[i];

		if (f->module == FRAME_NO_MODULE)
			code = hash__mix(hash__mix(code, p->number + 1), f->pc);
		else
			code = hash__mix(hash__mix(code, hash_module(c, f->module)), f->offset);
	}
	return s->code = code ? code : 1;
}

uint64_t same_code__key(struct collector *c, enum merge_by by, const struct process *p,
			struct site *s)
{
	uint64_t what = (uint64_t)s->map_flags << 16 | (uint64_t)s->api << 8 | s->kind;
	uint64_t key = hash__mix(hash_frames(c, p, s), what);

	if (by != BY_CONTAINER || !p->container)
		return key;
	return hash__mix(key, hash__string(HASH_START, p->container));
}

struct cohorts *same_code__cohorts(const struct process *p, const struct site *s)
{
	uint64_t birth;
	struct cohorts *co;
	struct block b;

	if (!s->cohorts && s->live_blocks != 1)
		return NULL;
	birth = heap_time(p->c, s->oldest);
	if (!s->cohorts && !p->exited && heap__site_oldest(p->heap, (uint32_t)(s - p->sites), &b))
		birth = b.birth;
	co = cohorts__new(s->cohorts ? 0 : birth);
	if (!co)
		return NULL;
	if (s->cohorts)
		*co = *s->cohorts;
	else
		cohorts__came(co, birth, birth, s->live_bytes);
	if (p->exited)
		cohorts__end(co, heap_time(p->c, p->ended));
	return co;
}

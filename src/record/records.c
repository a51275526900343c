/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has a pair of functions for each record, which name its fields in the same order. */
#include "record/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile/names.h"

/* Bits of one number, from the lowest. */
static uint64_t flags(bool a, bool b, bool c)
{
	return (uint64_t)a | (uint64_t)b << 1 | (uint64_t)c << 2;
}

/* Encoded records borrow their strings, so these are const; a decoded record owns its strings. */
static void free_string(const char *s)
{
	free((void *)(uintptr_t)s);
}

void record__put_event(struct strbuf *sb, const void *ev, size_t size)
{
	strbuf__add(sb, ev, size);
}

/* ---- the run ---- */

#define LAUNCHED 8   /* the flag after those of flags() */
#define MODE "exact" /* has a place in the file, but no other value so far */

void record__put_run(struct strbuf *sb, const struct record_run *r)
{
	codec__put(sb, r->start);
	codec__put(sb, r->wall);
	codec__put_string(sb, r->version);
	codec__put_string(sb, r->host);
	codec__put_string(sb, r->kernel);
	codec__put_string(sb, MODE);
	codec__put_string(sb, profile_names__stack_mode(r->stack_mode));
	codec__put_double(sb, r->interval_s);
	codec__put(sb, flags(r->heap, r->map, r->children) | (r->launched ? LAUNCHED : 0));
	codec__put(sb, r->min_size);
	codec__put(sb, r->max_size);
	codec__put(sb, r->min_age);
	codec__put(sb, r->ntargets);
	for (size_t i = 0; i < r->ntargets; i++) {
		codec__put(sb, r->targets[i].pid);
		codec__put_string(sb, r->targets[i].comm);
		codec__put_string(sb, r->targets[i].exe);
		codec__put_string(sb, r->targets[i].container);
	}
}

void record__free_run(struct record_run *r)
{
	for (size_t i = 0; i < r->ntargets; i++) {
		free_string(r->targets[i].comm);
		free_string(r->targets[i].exe);
		free_string(r->targets[i].container);
	}
	free(r->targets);
	free_string(r->version);
	free_string(r->host);
	free_string(r->kernel);
	*r = (struct record_run){ 0 };
}

static int take_targets(struct cursor *c, struct record_run *r)
{
	size_t n = codec__take_count(c);

	r->targets = calloc(n + 1, sizeof(*r->targets));
	if (!r->targets)
		return -ENOMEM;
	r->ntargets = n;
	for (size_t i = 0; i < n; i++) {
		r->targets[i].pid = codec__take_u32(c);
		r->targets[i].comm = codec__take_string(c);
		r->targets[i].exe = codec__take_string(c);
		r->targets[i].container = codec__take_string(c);
	}
	return codec__error(c);
}

static void take_stack_mode(struct cursor *c, struct record_run *r)
{
	char *word = codec__take_string(c);
	const char *name;
	int mode = 0;

	while ((name = profile_names__stack_mode((enum stack_mode)mode)) && word &&
	       strcmp(name, word))
		mode++;
	c->bad |= !word || !name;
	r->stack_mode = (enum stack_mode)mode;
	free(word);
}

int record__take_run(struct cursor *c, struct record_run *r)
{
	uint64_t bits;
	int err;

	*r = (struct record_run){ 0 };
	r->start = codec__take(c);
	r->wall = codec__take(c);
	r->version = codec__take_string(c);
	r->host = codec__take_string(c);
	r->kernel = codec__take_string(c);
	free(codec__take_string(c)); /* MODE */
	take_stack_mode(c, r);
	r->interval_s = codec__take_double(c);
	bits = codec__take(c);
	r->heap = bits & 1;
	r->map = bits & 2;
	r->children = bits & 4;
	r->launched = bits & LAUNCHED;
	r->min_size = codec__take(c);
	r->max_size = codec__take(c);
	r->min_age = codec__take(c);
	err = take_targets(c, r);
	if (!err && (!r->version || !r->host || !r->kernel))
		err = -EINVAL;
	if (err)
		record__free_run(r);
	return err;
}

void record__put_api(struct strbuf *sb, const struct record_api *r)
{
	codec__put(sb, r->row);
	codec__put(sb, r->kind);
	codec__put_string(sb, r->name);
}

int record__take_api(struct cursor *c, struct record_api *r)
{
	*r = (struct record_api){ .row = codec__take_u32(c) };
	r->kind = (uint8_t)codec__take_up_to(c, UINT8_MAX);
	r->name = codec__take_string(c);
	if (r->name && !c->bad)
		return 0;
	record__free_api(r);
	return -EINVAL;
}

void record__free_api(struct record_api *r)
{
	free_string(r->name);
	*r = (struct record_api){ 0 };
}

/* ---- what the collector learnt ---- */

void record__put_process(struct strbuf *sb, const struct record_process *r)
{
	codec__put(sb, r->pid);
	codec__put(sb, r->first_seen);
	codec__put(sb, flags(r->named, false, false));
	strbuf__add(sb, r->comm, sizeof(r->comm));
	codec__put_string(sb, r->exe);
	codec__put_string(sb, r->container);
	codec__put_string(sb, r->unprobed);
	codec__put(sb, r->age);
}

int record__take_process(struct cursor *c, struct record_process *r)
{
	const void *comm;

	*r = (struct record_process){ .pid = codec__take_u32(c) };
	r->first_seen = codec__take(c);
	r->named = codec__take(c) & 1;
	comm = cursor__take(c, sizeof(r->comm));
	if (comm)
		memcpy(r->comm, comm, sizeof(r->comm));
	r->comm[sizeof(r->comm) - 1] = '\0';
	r->exe = codec__take_string(c);
	r->container = codec__take_string(c);
	if (cursor__left(c)) /* not in older recordings */
		r->unprobed = codec__take_string(c);
	if (cursor__left(c))
		r->age = codec__take(c);
	if (!c->bad && r->pid)
		return 0;
	record__free_process(r);
	return -EINVAL;
}

void record__free_process(struct record_process *r)
{
	free_string(r->exe);
	free_string(r->container);
	free_string(r->unprobed);
	*r = (struct record_process){ 0 };
}

void record__put_module(struct strbuf *sb, const struct record_module *r)
{
	codec__put(sb, r->id);
	codec__put(sb, flags(r->elf, false, false));
	codec__put(sb, r->build_id_len);
	strbuf__add(sb, r->build_id, r->build_id_len);
	codec__put_string(sb, r->path);
}

int record__take_module(struct cursor *c, struct record_module *r)
{
	const void *id;

	*r = (struct record_module){ .id = codec__take_u32(c) };
	r->elf = codec__take(c) & 1;
	r->build_id_len = codec__take_count(c);
	if (r->build_id_len > sizeof(r->build_id))
		return -EINVAL;
	id = cursor__take(c, r->build_id_len);
	if (id)
		memcpy(r->build_id, id, r->build_id_len);
	r->path = codec__take_string(c);
	if (r->path && !c->bad)
		return 0;
	record__free_module(r);
	return -EINVAL;
}

void record__free_module(struct record_module *r)
{
	free_string(r->path);
	*r = (struct record_module){ 0 };
}

void record__put_allocator(struct strbuf *sb, const struct record_allocator *r)
{
	codec__put(sb, r->module);
	codec__put(sb, r->start);
	codec__put(sb, r->end - r->start);
}

int record__take_allocator(struct cursor *c, struct record_allocator *r)
{
	r->module = codec__take_u32(c);
	r->start = codec__take(c);
	r->end = r->start + codec__take(c);
	return codec__error(c);
}

/*
 * File offsets and addresses of frames in one file differ by the same number: it is put once, and
 * the rest are distances between return addresses.
 */
void record__put_stack(struct strbuf *sb, uint64_t time, const struct stack *st)
{
	uint64_t pc = 0, base = 0;

	codec__put(sb, time);
	codec__put(sb, st->pid);
	codec__put(sb, st->id);
	codec__put(sb, STACK_HOW(st));
	codec__put(sb, st->n);
	for (unsigned int i = 0; i < st->n; i++) {
		const struct frame *f = &st->frames[i];

		codec__put(sb, f->module == FRAME_NO_MODULE ? 0 : (uint64_t)f->module + 1);
		codec__put(sb, codec__fold(f->pc - pc));
		pc = f->pc;
		if (f->module == FRAME_NO_MODULE)
			continue;
		codec__put(sb, codec__fold(f->pc - f->offset - base));
		base = f->pc - f->offset;
	}
}

int record__take_stack(struct cursor *c, struct record_stack *r)
{
	struct stack *st = &r->stack;
	uint64_t pc = 0, base = 0;
	uint8_t how;
	size_t n;

	memset(r, 0, sizeof(*r));
	r->time = codec__take(c);
	st->pid = codec__take_u32(c);
	st->id = codec__take(c);
	how = (uint8_t)codec__take_up_to(c, UINT8_MAX);
	st->end = STACK_HOW_END(how);
	st->guessed = STACK_HOW_GUESSED(how);
	n = codec__take_count(c);
	if (c->bad || !st->pid || !st->id || st->end >= STACK_ENDS || n > EVENT_MAX_FRAMES)
		return -EINVAL;
	st->n = (uint16_t)n;
	for (unsigned int i = 0; i < st->n; i++) {
		uint64_t module = codec__take(c);
		/* Addressed through the whole record: the compiler assumes frames[] is empty inside
		 * the union. */
		struct frame *f = (struct frame *)(r->room + sizeof(struct stack)) + i;

		pc += codec__unfold(codec__take(c));
		*f = (struct frame){ .pc = pc, .offset = pc, .module = FRAME_NO_MODULE };
		if (!module)
			continue;
		base += codec__unfold(codec__take(c));
		f->module = module <= FRAME_NO_MODULE ? (uint32_t)(module - 1) : FRAME_NO_MODULE;
		f->offset = pc - base;
	}
	return codec__error(c);
}

/* ---- names ---- */

void record__put_code(struct strbuf *sb, const struct record_code *r)
{
	codec__put(sb, r->module);
	codec__put(sb, r->offset);
	codec__put(sb, r->n);
	for (size_t i = 0; i < r->n; i++) {
		codec__put_string(sb, r->names[i].func);
		codec__put_string(sb, r->names[i].file);
		codec__put(sb, r->names[i].line);
		codec__put(sb, flags(r->names[i].inlined, r->names[i].exact, false));
	}
}

void record__free_code(struct record_code *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free_string(r->names[i].func);
		free_string(r->names[i].file);
	}
	r->n = 0;
}

int record__take_code(struct cursor *c, struct record_code *r)
{
	size_t n;

	*r = (struct record_code){ .module = codec__take_u32(c) };
	r->offset = codec__take(c);
	n = codec__take_count(c);
	if (n > RECORD_NAMES_MAX)
		return -EINVAL;
	for (r->n = 0; r->n < n; r->n++) {
		struct record_name *name = &r->names[r->n];
		uint64_t bits;

		name->func = codec__take_string(c);
		name->file = codec__take_string(c);
		name->line = codec__take_u32(c);
		bits = codec__take(c);
		name->inlined = bits & 1;
		name->exact = bits & 2;
	}
	if (codec__error(c))
		record__free_code(r);
	return codec__error(c);
}

void record__put_jit(struct strbuf *sb, const struct record_jit *r)
{
	codec__put(sb, r->pid);
	codec__put(sb, r->pc);
	codec__put_string(sb, r->name);
}

int record__take_jit(struct cursor *c, struct record_jit *r)
{
	*r = (struct record_jit){ .pid = codec__take_u32(c) };
	r->pc = codec__take(c);
	r->name = codec__take_string(c);
	return codec__error(c); /* the string comes last, so after an error there is none */
}

void record__free_jit(struct record_jit *r)
{
	free_string(r->name);
	*r = (struct record_jit){ 0 };
}

void record__put_mapped(struct strbuf *sb, const struct record_mapped *r)
{
	codec__put(sb, r->pid);
	codec__put(sb, r->addr);
	codec__put_string(sb, r->path);
}

int record__take_mapped(struct cursor *c, struct record_mapped *r)
{
	*r = (struct record_mapped){ .pid = codec__take_u32(c) };
	r->addr = codec__take(c);
	r->path = codec__take_string(c);
	return codec__error(c);
}

void record__free_mapped(struct record_mapped *r)
{
	free_string(r->path);
	*r = (struct record_mapped){ 0 };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/names_protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/debug_paths.h"
#include "util/codec.h"

void names_protocol__put_question(struct strbuf *sb, const struct names_question *q)
{
	uint64_t before = 0;

	codec__put(sb, q->number);
	codec__put(sb, (uint64_t)q->separate | (uint64_t)q->changed << 1);
	codec__put(sb, q->n);
	for (size_t i = 0; i < q->n; i++) {
		codec__put(sb, codec__fold(q->offsets[i] - before));
		before = q->offsets[i];
	}
}

int names_protocol__take_question(struct cursor *c, struct names_question *q)
{
	uint64_t flags, at = 0;

	q->number = codec__take_u32(c);
	flags = codec__take_up_to(c, 3);
	q->separate = flags & 1;
	q->changed = flags & 2;
	q->n = codec__take_up_to(c, NAMES_BATCH);
	for (size_t i = 0; i < q->n; i++)
		q->offsets[i] = at += codec__unfold(codec__take(c));
	return codec__error(c);
}

static void put_text(struct strbuf *sb, const char *text)
{
	char cut[NAMES_TEXT_MAX];

	if (text && strnlen(text, NAMES_TEXT_MAX) == NAMES_TEXT_MAX) {
		memcpy(cut, text, NAMES_TEXT_MAX - 1);
		cut[NAMES_TEXT_MAX - 1] = '\0';
		text = cut;
	}
	codec__put_string(sb, text);
}

static char *take_text(struct cursor *c)
{
	char *text = codec__take_string(c);

	if (text && strlen(text) >= NAMES_TEXT_MAX)
		cursor__spoil(c);
	return text;
}

void names_protocol__put_code(struct strbuf *sb, const struct code_frame *frames, int n)
{
	codec__put(sb, (uint64_t)n);
	for (int i = 0; i < n; i++) {
		put_text(sb, frames[i].func);
		put_text(sb, frames[i].file);
		codec__put(sb, frames[i].line);
		codec__put(sb, (uint64_t)frames[i].inlined | (uint64_t)frames[i].exact << 1);
	}
}

int names_protocol__take_code(struct cursor *c, struct names_code *code)
{
	int n = (int)codec__take_up_to(c, CODE_FRAMES_MAX);

	code->n = 0;
	while (code->n < n) {
		struct code_frame *f = &code->frames[code->n];
		uint64_t flags;

		f->func = take_text(c);
		f->file = code->files[code->n++] = take_text(c);
		f->line = codec__take_u32(c);
		flags = codec__take_up_to(c, 3);
		/* The last one is a function itself. */
		f->inlined = code->n < n;
		f->exact = flags & 2;
	}
	return codec__error(c);
}

void names_protocol__free_code(struct names_code *code)
{
	for (int i = 0; i < code->n; i++) {
		free(code->frames[i].func);
		free(code->files[i]);
	}
	code->n = 0;
}

void names_protocol__put_wish(struct strbuf *sb, const struct debug_wish *w, unsigned int step)
{
	codec__put(sb, step);
	codec__put(sb, (uint64_t)w->shared | (uint64_t)w->from_debug << 1 |
			   (uint64_t)w->ask_server << 2);
	codec__put(sb, w->id_len);
	strbuf__add(sb, w->id, w->id_len);
	put_text(sb, w->name);
}

int names_protocol__take_wish(struct cursor *c, struct debug_wish *w, unsigned int *step,
			      char **name)
{
	const uint8_t *id;
	uint64_t flags;

	*w = (struct debug_wish){ 0 };
	*step = (unsigned int)codec__take_up_to(c, DEBUG_STEPS_MAX);
	flags = codec__take_up_to(c, 7);
	w->shared = flags & 1;
	w->from_debug = flags & 2;
	w->ask_server = flags & 4;
	w->id_len = codec__take_up_to(c, DEBUG_ID_MAX);
	id = cursor__take(c, w->id_len);
	if (id)
		memcpy(w->id, id, w->id_len);
	w->name = *name = take_text(c);
	/* Only the shared file may be in another directory. */
	if (*name && !w->shared && strchr(*name, '/'))
		cursor__spoil(c);
	return codec__error(c);
}

void names_protocol__put_reply(struct strbuf *sb, const struct names_reply *r)
{
	codec__put(sb, (uint64_t)r->found | (uint64_t)r->pending << 1 | (uint64_t)r->by_link << 2);
	codec__put(sb, r->next);
}

int names_protocol__take_reply(struct cursor *c, struct names_reply *r)
{
	uint64_t flags = codec__take_up_to(c, 7);

	r->found = flags & 1;
	r->pending = flags & 2;
	r->by_link = flags & 4;
	r->next = (unsigned int)codec__take_up_to(c, DEBUG_STEPS_MAX);
	return codec__error(c);
}

void names_protocol__put_result(struct strbuf *sb, const struct names_result *r)
{
	codec__put(sb, r->unsettled);
	codec__put(sb, r->loaded);
}

int names_protocol__take_result(struct cursor *c, struct names_result *r)
{
	r->unsettled = codec__take_up_to(c, 1);
	r->loaded = codec__take(c);
	return codec__error(c);
}

void names_protocol__put_ready(struct strbuf *sb, int err)
{
	codec__put(sb, (uint64_t)-err);
}

int names_protocol__take_ready(struct cursor *c, int *err)
{
	*err = -(int)codec__take_up_to(c, 4095);
	return codec__error(c);
}

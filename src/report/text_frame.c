/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_frame.h"

#include <string.h>

#include "profile/title.h"
#include "report/label.h"
#include "report/short_name.h"
#include "util/escape.h"

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

bool text_frame__is_same(const struct profile_frame *a, const struct profile_frame *b)
{
	return is_same_text(a->func, b->func) && is_same_text(a->file, b->file) &&
	       a->line == b->line && is_same_text(a->module, b->module) &&
	       a->inlined == b->inlined && (a->func || a->offset == b->offset);
}

void text_frame__add_name(struct strbuf *sb, const struct profile_frame *f)
{
	struct profile_frame shortened = *f;
	struct strbuf name = { 0 };

	if (f->func && *f->func) {
		short_name__add(&name, f->func, TEXT_FRAME_MOST);
		shortened.func = name.data ? name.data : f->func;
	}
	label__frame(sb, &shortened);
	strbuf__free(&name);
}

void text_frame__name(struct table *t, const struct profile_frame *f)
{
	text_frame__add_name(table__open(t), f);
	table__close(t);
}

void text_frame__source(struct table *t, const struct profile_frame *f)
{
	struct strbuf *sb = table__open(t);

	if (f->file && *f->file) {
		escape__plain(sb, title__basename(f->file));
		if (f->line)
			strbuf__addf(sb, ":%u", f->line);
	}
	table__close(t);
}

bool text_frame__is_elsewhere(const struct profile_frame *f, const char *exe)
{
	if (!f->func || !*f->func || !f->module)
		return false; /* it is named by its module already, or has none */
	return !exe || strcmp(title__basename(f->module), title__basename(exe)) != 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/title.h"

#include <inttypes.h>
#include <string.h>

#include "profile/profile.h"
#include "profile/wrappers.h"

const struct profile_frame *title__frame(const struct profile_frame *stack, size_t n)
{
	const struct profile_frame *own = NULL;

	for (size_t i = 0; i < n; i++) {
		if (stack[i].library)
			continue;
		if (stack[i].func && *stack[i].func)
			return &stack[i];
		if (!own)
			own = &stack[i];
	}
	return own ? own : n ? stack : NULL;
}

const char *title__basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

void title__add(struct strbuf *sb, const struct profile_frame *f)
{
	if (f->func && *f->func)
		strbuf__adds(sb, f->func);
	else if (f->module && *f->module)
		strbuf__addf(sb, "%s+0x%" PRIx64, title__basename(f->module), f->offset);
	else
		strbuf__addf(sb, "0x%" PRIx64, f->offset);
}

/* ---- a rule that matches ---- */

static void add_literally(struct strbuf *sb, const char *s, const char *end)
{
	for (; s < end; s++)
		strbuf__addc(sb, (unsigned char)*s < ' ' || *s == 0x7f ? '*' : *s);
}

/* The start of the parameters; the end of the name if it has none. */
static const char *parameter_list(const char *name)
{
	const char *end = name + strlen(name), *open = strchr(name, '(');

	if (open == name || !open || strstr(name, "operator") || strchr(name, '{'))
		return end;
	return open;
}

static void add_function_pattern(struct strbuf *sb, const char *func)
{
	const char *start = wrappers__without_type(func), *end = parameter_list(start), *s = start;
	bool operator= strstr(start, "operator");
	const char *open = operator? NULL : memchr(start, '<', (size_t)(end - start));
	const char *close = open ? memrchr(open, '>', (size_t)(end - open)) : NULL;

	/* Not every name of the function has the type in front. */
	strbuf__adds(sb, start == func ? "leak:^" : "leak:");
	if (close) {
		add_literally(sb, s, open + 1);
		strbuf__addc(sb, '*');
		s = close;
	}
	add_literally(sb, s, end);
	strbuf__adds(sb, *end ? "(" : "$");
}

void title__suppression(struct strbuf *sb, const struct profile_frame *f)
{
	const char *slash;

	if (f->func && *f->func) {
		add_function_pattern(sb, f->func);
	} else if (f->module && *f->module) {
		slash = strrchr(f->module, '/');
		strbuf__adds(sb, "leak:");
		add_literally(sb, slash ? slash : f->module, f->module + strlen(f->module));
		strbuf__addc(sb, '$');
	}
}

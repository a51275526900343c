/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/suppressions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/rule_lines.h"
#include "symbols/demangle.h"
#include "util/array.h"

#define TYPE "leak:"

/* A rule from a file matches any frame; a built-in one may be narrower. */
struct rule {
	struct suppress_rule shown;
	bool leaf;	    /* matches only the first frame, */
	const char *caller; /* and only if this pattern matches the second; NULL: any */
	char *match;	    /* the pattern to search for, demangled */
	char *texts[2];	    /* memory behind `shown`; NULL for a built-in rule */
};

struct suppressions {
	struct rule *rules;
	size_t n, cap;
};

struct suppressions *suppressions__new(void)
{
	return calloc(1, sizeof(struct suppressions));
}

void suppressions__free(struct suppressions *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->rules[i].match);
		free(s->rules[i].texts[0]);
		free(s->rules[i].texts[1]);
	}
	free(s->rules);
	free(s);
}

/* ---- matching ---- */

/* A wildcard matches as little as possible, and one character more each time the rest fails. */
bool suppressions__matches(const char *pattern, const char *name)
{
	const char *p = pattern, *s = name, *end = p + strlen(p);
	bool from_start = *p == '^', to_end;
	const char *again, *from = s; /* where to go on after a mismatch */

	if (!name || !*name)
		return false;
	p += from_start;
	to_end = end > p && end[-1] == '$';
	end -= to_end;
	again = from_start ? NULL : p;
	for (;;) {
		if (p == end && (!to_end || !*s))
			return true;
		if (p < end && *p == '*') {
			again = ++p;
			from = s;
		} else if (p < end && *s && *p == *s) {
			p++;
			s++;
		} else if (again && *from) {
			p = again;
			s = ++from;
		} else {
			return false;
		}
	}
}

static bool frame_matches(const char *pattern, const struct suppress_frame *f)
{
	return suppressions__matches(pattern, f->func) ||
	       suppressions__matches(pattern, f->module) || suppressions__matches(pattern, f->file);
}

static bool rule_matches(const struct rule *r, const struct suppress_frame *stack, size_t n)
{
	if (r->caller && (n < 2 || !frame_matches(r->caller, &stack[1])))
		return false;
	for (size_t i = 0; i < n && !(r->leaf && i); i++) {
		if (frame_matches(r->match, &stack[i]))
			return true;
	}
	return false;
}

int suppressions__find(const struct suppressions *s, const struct suppress_frame *stack, size_t n)
{
	for (size_t i = 0; i < s->n; i++) {
		if (rule_matches(&s->rules[i], stack, n))
			return (int)i;
	}
	return -1;
}

/* ---- rules ---- */

/* Frames have demangled names: "^_ZN3foo3barEi$" becomes "^foo::bar(int)$". NULL: out of memory. */
static char *demangled(const char *pattern)
{
	size_t start = *pattern == '^', len = strlen(pattern);
	bool to_end = len > start && pattern[len - 1] == '$';
	char *name, *whole = NULL;

	if (!demangle__is_mangled(pattern + start))
		return strdup(pattern);
	name = strndup(pattern + start, len - start - to_end);
	if (!name)
		return NULL;
	whole = demangle__name(name);
	free(name);
	name = whole;
	if (name && asprintf(&whole, "%.*s%s%s", (int)start, pattern, name, to_end ? "$" : "") < 0)
		whole = NULL;
	free(name);
	return whole;
}

/* Takes ownership of the strings in `r`, even on failure. */
static int add_rule(struct suppressions *s, struct rule *r)
{
	r->match =
	    r->shown.pattern && r->shown.source ? demangled(r->shown.pattern + strlen(TYPE)) : NULL;
	if (!r->match || array__grow(&s->rules, &s->cap, s->n + 1, sizeof(*s->rules))) {
		free(r->match);
		free(r->texts[0]);
		free(r->texts[1]);
		return -ENOMEM;
	}
	s->rules[s->n++] = *r;
	return 0;
}

struct file_rules { /* where a file's rules go */
	struct suppressions *rules;
	const char *name; /* the file's */
};

static int add_line(void *ctx, const char *line, size_t len, size_t number)
{
	struct file_rules *f = ctx;
	struct rule r = { 0 };

	r.texts[0] = strndup(line, len);
	if (asprintf(&r.texts[1], "%s:%zu", f->name, number) < 0)
		r.texts[1] = NULL;
	r.shown = (struct suppress_rule){ .pattern = r.texts[0], .source = r.texts[1] };
	return add_rule(f->rules, &r);
}

int suppressions__add_text(struct suppressions *s, const char *text, size_t len, const char *name,
			   size_t *line, const char **why)
{
	struct file_rules f = { s, name };

	return rule_lines__each(text, len, TYPE, add_line, &f, line, why);
}

/*
 * All of these were seen in real programs (perl, python3, redis-server, sqlite3, git, C++
 * programs), left behind by their startup. Code without names is identified by its module and its
 * caller.
 */
/* clang-format off */
#define ROW(what, why, ...) { .shown = { TYPE what, "built-in", why }, __VA_ARGS__ }
/* clang-format on */

static const struct rule builtin[] = {
	ROW("/ld-linux*.so", "libraries and thread-local data, by the loader", .leaf = true),
	ROW("/ld-2.*.so$", "the same, by older loaders", .leaf = true),
	ROW("/libstdc++.so", "libstdc++'s reserve for exceptions", .leaf = true,
	    .caller = "/ld-linux*.so"),
	ROW("^setlocale$", "locale data"),
	ROW("^_nl_find_locale$", "locale data"),
	ROW("^_IO_file_doallocate$", "buffers of open stdio files"),
};

int suppressions__add_builtin(struct suppressions *s)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(builtin) && !err; i++) {
		struct rule r = builtin[i];

		err = add_rule(s, &r);
	}
	return err;
}

size_t suppressions__count(const struct suppressions *s)
{
	return s->n;
}

const struct suppress_rule *suppressions__rule(const struct suppressions *s, size_t i)
{
	return &s->rules[i].shown;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A specification is parsed from its end: the argument list is the first pair of parentheses that
 * contains a '=' or begins with a role, so that the parentheses, spaces and commas of a C++ name
 * need no quoting. The file ends at the first colon that is not one of two.
 */
#include "probe/spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/event.h"
#include "probe/cxx_name.h"
#include "probe/point.h"
#include "util/array.h"
#include "util/escape.h"
#include "util/parse.h"

#define BYTES_MAX UINT32_MAX /* the attach cookie has room for this */

/* ---- parsing ---- */

/* A part of the text. */
struct span {
	const char *at;
	size_t len;
};

struct parser {
	const char *text;
	char *why;
	size_t cap;
};

/* Writes "'WHAT' at character N REASON" to p->why. */
__attribute__((format(printf, 3, 4))) static int refuse(const struct parser *p, struct span what,
							const char *fmt, ...)
{
	struct strbuf quoted = { 0 };
	char *copy = strndup(what.at, what.len);
	size_t n;
	va_list ap;

	if (!copy)
		return -ENOMEM;
	escape__plain(&quoted, copy);
	n = (size_t)snprintf(p->why, p->cap, "'%.100s' at character %zu ",
			     quoted.data ? quoted.data : "", (size_t)(what.at - p->text) + 1);
	va_start(ap, fmt);
	if (n < p->cap)
		vsnprintf(p->why + n, p->cap - n, fmt, ap);
	va_end(ap);
	strbuf__free(&quoted);
	free(copy);
	return -EINVAL;
}

static struct span trim_span(struct span s)
{
	while (s.len && isspace((unsigned char)s.at[0]))
		s.at++, s.len--;
	while (s.len && isspace((unsigned char)s.at[s.len - 1]))
		s.len--;
	return s;
}

static bool span_is(struct span s, const char *word)
{
	return s.len == strlen(word) && !memcmp(s.at, word, s.len);
}

/* ---- what the arguments say ---- */

enum role { ROLE_NONE, ROLE_ALLOC, ROLE_FREE, ROLE_REALLOC };

static const char *const roles[] = {
	[ROLE_ALLOC] = "alloc",
	[ROLE_FREE] = "free",
	[ROLE_REALLOC] = "realloc",
};

enum { KEY_SIZE, KEY_COUNT, KEY_PTR, KEY_OUT, KEYS };

static const char *const keys[KEYS] = { "size", "count", "ptr", "out" };

struct arguments {
	enum role role;
	uint8_t number[KEYS]; /* from 0, or ARG_NONE */
	bool has_bytes, number_type;
	uint64_t bytes;
};

static enum role role_of(struct span word)
{
	for (int r = ROLE_ALLOC; r <= ROLE_REALLOC; r++)
		if (span_is(word, roles[r]))
			return (enum role)r;
	return ROLE_NONE;
}

static int take_argument(const struct parser *p, struct span item, struct span value, uint8_t *out)
{
	if (*out != ARG_NONE)
		return refuse(p, item, "is given twice");
	if (value.len != 1 || value.at[0] < '1' || value.at[0] > '0' + POINT_ARGS)
		return refuse(p, item,
			      "is not an argument from 1 to %d, which are those in registers",
			      POINT_ARGS);
	*out = (uint8_t)(value.at[0] - '1');
	return 0;
}

static int take_bytes(const struct parser *p, struct span item, struct span value,
		      struct arguments *a)
{
	char *copy = strndup(value.at, value.len);
	int err = copy ? parse__size(copy, &a->bytes) : -ENOMEM;

	free(copy);
	if (err == -ENOMEM)
		return err;
	if (err || a->bytes > BYTES_MAX)
		return refuse(p, item, "is not a size below 4g");
	if (a->has_bytes)
		return refuse(p, item, "is given twice");
	a->has_bytes = true;
	return 0;
}

static int take_item(const struct parser *p, struct span item, struct arguments *a)
{
	const char *equals = memchr(item.at, '=', item.len);
	struct span key = item, value = { 0 };

	if (equals) {
		key = trim_span((struct span){ item.at, (size_t)(equals - item.at) });
		value = trim_span(
		    (struct span){ equals + 1, item.len - (size_t)(equals + 1 - item.at) });
		for (int i = 0; i < KEYS; i++)
			if (span_is(key, keys[i]))
				return take_argument(p, item, value, &a->number[i]);
		if (span_is(key, "bytes"))
			return take_bytes(p, item, value, a);
	} else if (span_is(key, "int")) {
		a->number_type = true;
		return 0;
	} else if (role_of(key)) {
		if (a->role && a->role != role_of(key))
			return refuse(p, item, "contradicts the role before it");
		a->role = role_of(key);
		return 0;
	}
	return refuse(p, item,
		      "is not one of size=N, count=N, ptr=N, out=N, bytes=SIZE, int, alloc, free, "
		      "realloc");
}

static int take_items(const struct parser *p, struct span list, struct arguments *a)
{
	const char *end = list.at + list.len;
	int err = 0;

	while (!err && list.at <= end) {
		const char *comma = memchr(list.at, ',', (size_t)(end - list.at));
		size_t len = (size_t)((comma ? comma : end) - list.at);

		err = take_item(p, trim_span((struct span){ list.at, len }), a);
		list.at += len + 1;
	}
	return err;
}

/* free(ptr, size) and realloc(ptr, size) look alike; a wrong guess would record what free returns
 * as a block. */
static bool sounds_like_free(struct span name)
{
	static const char *const words[] = { "free", "delete", "release", "dealloc", "destroy" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t len = strlen(words[i]);

		for (size_t at = 0; at + len <= name.len; at++)
			if (!strncasecmp(name.at + at, words[i], len))
				return true;
	}
	return false;
}

static enum role implied_role(const struct arguments *a)
{
	bool sized = a->number[KEY_SIZE] != ARG_NONE || a->has_bytes;

	if (a->number[KEY_PTR] == ARG_NONE)
		return sized || a->number[KEY_OUT] != ARG_NONE ? ROLE_ALLOC : ROLE_NONE;
	return sized ? ROLE_REALLOC : ROLE_FREE;
}

static int check_arguments(const struct parser *p, struct span list, const struct arguments *a)
{
	bool ptr = a->number[KEY_PTR] != ARG_NONE, out = a->number[KEY_OUT] != ARG_NONE;
	bool size = a->number[KEY_SIZE] != ARG_NONE, count = a->number[KEY_COUNT] != ARG_NONE;

	for (int i = 0; i < KEYS; i++)
		for (int j = 0; j < i; j++)
			if (a->number[i] != ARG_NONE && a->number[i] == a->number[j])
				return refuse(p, list, "says that argument %d is both %s and %s",
					      a->number[i] + 1, keys[j], keys[i]);
	if (!a->role)
		return refuse(p, list, "does not say what the function does");
	if (count && !size)
		return refuse(p, list, "has a count, but no size");
	if (size && a->has_bytes)
		return refuse(p, list, "gives the size twice");
	if (a->role == ROLE_ALLOC && ptr)
		return refuse(p, list,
			      "has a ptr: a function that takes and returns a block is a realloc");
	if (a->role != ROLE_ALLOC && !ptr)
		return refuse(p, list, "does not say which argument is the block; add ptr=N");
	if (a->role != ROLE_ALLOC && out)
		return refuse(p, list, "has an out, which only an alloc can have");
	if (a->role == ROLE_REALLOC && !size && !a->has_bytes)
		return refuse(p, list, "is a realloc without a size");
	return 0;
}

static void fill_function(struct alloc_function *api, const struct arguments *a)
{
	bool out = a->number[KEY_OUT] != ARG_NONE;

	*api = (struct alloc_function){
		.kind = API_HEAP,
		.size = a->number[KEY_SIZE],
		.count = a->number[KEY_COUNT],
		.ptr = out ? a->number[KEY_OUT] : a->number[KEY_PTR],
		.bytes = (uint32_t)a->bytes,
		.custom = true,
		.number = a->number_type,
	};
	switch (a->role) {
	case ROLE_FREE:
		api->shape = SHAPE_FREE_CALL;
		api->size = api->count = ARG_NONE;
		api->bytes = 0;
		break;
	case ROLE_REALLOC:
		api->shape = SHAPE_REALLOC;
		break;
	default:
		api->shape = out ? SHAPE_ALLOC_OUT : SHAPE_ALLOC;
	}
}

static int parse_arguments(const struct parser *p, struct span function, struct span list,
			   struct alloc_function *api)
{
	struct arguments a = { .number = { ARG_NONE, ARG_NONE, ARG_NONE, ARG_NONE } };
	int err = take_items(p, list, &a);

	if (err)
		return err;
	if (!a.role && implied_role(&a) == ROLE_REALLOC && sounds_like_free(function))
		return refuse(p, list, "is ambiguous; write (free, …) or (realloc, …)");
	if (!a.role)
		a.role = implied_role(&a);
	err = check_arguments(p, list, &a);
	if (!err)
		fill_function(api, &a);
	return err;
}

/* ---- what function of what file ---- */

/* The length of the file's part, which ends at a colon that is not one of two; all of it: there is
 * no such part. */
static size_t file_length(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] != ':')
			continue;
		if (i + 1 == s.len || s.at[i + 1] != ':')
			return i;
		i++;
	}
	return s.len;
}

static int parse_offset(const struct parser *p, struct span name, struct probe_spec *s)
{
	char *end;

	if (strncmp(s->function, "0x", 2))
		return 0;
	errno = 0;
	s->offset = strtoull(s->function, &end, 16);
	if (errno || *end || !isxdigit((unsigned char)s->function[2]))
		return refuse(p, name, "is not a file offset");
	if (!s->file)
		return refuse(p, name, "is an offset, which needs its file: FILE:0xOFFSET(…)");
	s->by_offset = true;
	return 0;
}

static int set_name(struct probe_spec *s)
{
	if (!s->by_offset) {
		s->api.name = s->function;
		s->part = cxx_name__own_part(s->function);
		return 0;
	}
	free(s->function);
	s->function = NULL;
	if (asprintf(&s->function, "%s+0x%llx", s->file, (unsigned long long)s->offset) < 0)
		return -ENOMEM;
	s->api.name = s->function;
	return 0;
}

static int parse_place(const struct parser *p, struct span place, struct probe_spec *s)
{
	size_t colon = file_length(place);
	struct span file = { 0 }, name = trim_span(place);
	int err;

	if (colon < place.len) {
		file = trim_span((struct span){ place.at, colon });
		name = trim_span((struct span){ place.at + colon + 1, place.len - colon - 1 });
	}
	if (!name.len)
		return refuse(p, place, "does not name a function");
	s->function = strndup(name.at, name.len);
	if (!s->function)
		return -ENOMEM;
	if (file.len && !span_is(file, "*")) {
		s->file = strndup(file.at, file.len);
		if (!s->file)
			return -ENOMEM;
	}
	err = parse_offset(p, name, s);
	return err ? err : set_name(s);
}

static bool is_argument_list(struct span list)
{
	struct span first = trim_span((struct span){ list.at, strcspn(list.at, ",)") });

	return memchr(list.at, '=', list.len) || role_of(first);
}

/* The argument list of the specification at `text`; `at` is NULL if there is none. */
static struct span find_arguments(const char *text)
{
	for (const char *open = strchr(text, '('); open; open = strchr(open + 1, '(')) {
		struct span list = { open + 1, strcspn(open + 1, "()") };

		if (list.at[list.len] == ')' && is_argument_list(list))
			return list;
	}
	return (struct span){ 0 };
}

static void release_spec(struct probe_spec *s)
{
	free(s->text);
	free(s->file);
	free(s->function);
	free(s->part);
}

static int append_spec(struct probe_specs *ps, const struct probe_spec *s)
{
	struct probe_spec *more = reallocarray(ps->specs, ps->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	ps->specs = more;
	more[ps->n++] = *s;
	return 0;
}

/* Parses one specification; *end is where the next one starts. */
static int parse_spec(struct probe_specs *ps, const struct parser *p, const char *at,
		      const char **end)
{
	struct span list = find_arguments(at), all = { at, strlen(at) }, place;
	struct probe_spec s = { 0 };
	int err;

	if (!list.at)
		return refuse(p, all, "does not say which argument is which");
	*end = list.at + list.len + 1;
	all.len = (size_t)(*end - at);
	place = (struct span){ at, (size_t)(list.at - 1 - at) };
	if (ps->n >= probe_specs__most()) {
		refuse(p, all, "is one too many; the limit is %zu", probe_specs__most());
		return -ENOSPC;
	}
	err = parse_arguments(p, place, list, &s.api);
	if (!err)
		err = parse_place(p, place, &s);
	if (!err) {
		s.text = strndup(at, all.len);
		err = s.text ? 0 : -ENOMEM;
	}
	if (!err)
		err = append_spec(ps, &s);
	if (err)
		release_spec(&s);
	return err;
}

#define SEPARATORS " \t\n,"

int probe_specs__add(struct probe_specs *ps, const char *text, char *why, size_t cap)
{
	struct parser p = { .text = text, .why = why, .cap = cap };
	const char *at = text + strspn(text, SEPARATORS);
	int err = 0;

	if (!*at) {
		snprintf(why, cap, "does not name a function");
		return -EINVAL;
	}
	while (!err && *at) {
		const char *end = at;

		err = parse_spec(ps, &p, at, &end);
		if (!err && *end && !strchr(SEPARATORS, *end))
			err = refuse(&p, (struct span){ end, strlen(end) },
				     "must be separated by a space from what precedes it");
		at = end + strspn(end, SEPARATORS);
	}
	return err;
}

void probe_specs__release(struct probe_specs *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		release_spec(&ps->specs[i]);
	free(ps->specs);
	*ps = (struct probe_specs){ 0 };
}

/* ---- rows ---- */

size_t probe_specs__most(void)
{
	return API_ROWS - alloc_functions__count();
}

unsigned int probe_specs__row(size_t i)
{
	return alloc_functions__count() + (unsigned int)i;
}

const struct alloc_function *probe_specs__api(const struct probe_specs *ps, unsigned int row)
{
	if (ps && row >= alloc_functions__count() && row - alloc_functions__count() < ps->n)
		return &ps->specs[row - alloc_functions__count()].api;
	return alloc_functions__get(row);
}

void probe_specs__names(const struct probe_specs *ps, const char *names[API_ROWS])
{
	size_t n = alloc_functions__count() + (ps ? ps->n : 0);

	for (unsigned int row = 0; row < API_ROWS; row++)
		names[row] = row < n ? probe_specs__api(ps, row)->name : NULL;
}

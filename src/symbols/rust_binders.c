/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows the grammar of https://doc.rust-lang.org/rustc/symbol-mangling/v0.html from left to
 * right. References back are not followed: a compiler's lead to a type, path or constant that was
 * read before. In a name that does not keep to that, such as one that refers to the middle of an
 * identifier, whatever looks like a binder counts as one.
 */
#include "symbols/rust_binders.h"

#include <stdint.h>
#include <string.h>

#define LIFETIMES_MAX 1000
/* As libiberty. */
#define DEPTH_MAX 1024
#define POSITIONS_MAX 4096

/* What begins at a position, and may be referred to. */
enum begins { NOTHING, TYPE_OR_PATH, CONSTANT };

struct parser {
	const char *first; /* position 0 of references */
	const char *at;
	uint8_t begins[POSITIONS_MAX];
	unsigned int depth;
	bool failed; /* or at its end */
	bool absurd;
};

static void parse_path(struct parser *p);
static void parse_type(struct parser *p);

static bool take(struct parser *p, char c)
{
	if (p->failed || *p->at != c)
		return false;
	p->at++;
	return true;
}

static char take_any(struct parser *p)
{
	if (!*p->at)
		p->failed = true;
	return p->failed ? '\0' : *p->at++;
}

static void note_beginning(struct parser *p, enum begins what)
{
	size_t position = (size_t)(p->at - p->first);

	if (position < POSITIONS_MAX)
		p->begins[position] = (uint8_t)what;
	else
		p->failed = true;
}

/* More nesting than this fails. What descends ends with p->depth--. */
static bool descend(struct parser *p)
{
	if (++p->depth > DEPTH_MAX)
		p->failed = true;
	return !p->failed;
}

static bool take_base62_digit(struct parser *p, uint64_t *digit)
{
	char c = *p->at;

	if (c >= '0' && c <= '9')
		*digit = (uint64_t)(c - '0');
	else if (c >= 'a' && c <= 'z')
		*digit = (uint64_t)(c - 'a') + 10;
	else if (c >= 'A' && c <= 'Z')
		*digit = (uint64_t)(c - 'A') + 36;
	else
		return false;
	p->at++;
	return true;
}

/* Takes a number that ends with "_". One that is too large is UINT64_MAX. */
static uint64_t take_base62(struct parser *p)
{
	bool too_large = false;
	uint64_t n = 0, digit;

	if (take(p, '_'))
		return 0;
	while (!p->failed && take_base62_digit(p, &digit))
		too_large = too_large || __builtin_mul_overflow(n, 62, &n) ||
			    __builtin_add_overflow(n, digit, &n);
	if (!take(p, '_'))
		p->failed = true;
	return too_large || n == UINT64_MAX ? UINT64_MAX : n + 1;
}

static void take_optional_base62(struct parser *p, char tag)
{
	if (take(p, tag))
		take_base62(p);
}

static void take_reference(struct parser *p, enum begins what)
{
	uint64_t position = take_base62(p);

	if (position >= POSITIONS_MAX || p->begins[position] != what)
		p->failed = true;
}

static void parse_binder(struct parser *p)
{
	if (take(p, 'G') && take_base62(p) >= LIFETIMES_MAX) {
		p->absurd = true;
		p->failed = true;
	}
}

static void parse_identifier(struct parser *p)
{
	size_t len = 0;

	take(p, 'u');
	if (*p->at < '0' || *p->at > '9') {
		p->failed = true;
		return;
	}
	if (!take(p, '0'))
		for (; *p->at >= '0' && *p->at <= '9' && len < 100000; p->at++)
			len = 10 * len + (size_t)(*p->at - '0');
	take(p, '_');
	if (strnlen(p->at, len) < len)
		p->failed = true;
	else
		p->at += len;
}

static void parse_const(struct parser *p)
{
	note_beginning(p, CONSTANT);
	if (take(p, 'B')) {
		take_reference(p, CONSTANT);
		return;
	}
	if (take_any(p) == 'p')
		return;
	take(p, 'n');
	while ((*p->at >= '0' && *p->at <= '9') || (*p->at >= 'a' && *p->at <= 'f'))
		p->at++;
	if (!take(p, '_'))
		p->failed = true;
}

static void parse_generics(struct parser *p)
{
	while (!p->failed && !take(p, 'E')) {
		if (take(p, 'L'))
			take_base62(p);
		else if (take(p, 'K'))
			parse_const(p);
		else
			parse_type(p);
	}
}

static void parse_types(struct parser *p)
{
	while (!p->failed && !take(p, 'E'))
		parse_type(p);
}

static void parse_function(struct parser *p)
{
	parse_binder(p);
	take(p, 'U');
	if (take(p, 'K') && !take(p, 'C'))
		parse_identifier(p);
	parse_types(p);
	parse_type(p);
}

/* The traits of a `dyn`, each with what it says of associated types. */
static void parse_traits(struct parser *p)
{
	parse_binder(p);
	while (!p->failed && !take(p, 'E')) {
		parse_path(p);
		while (take(p, 'p')) {
			parse_identifier(p);
			parse_type(p);
		}
	}
	if (!take(p, 'L'))
		p->failed = true;
	take_base62(p);
}

static void parse_type_after(struct parser *p, char tag)
{
	switch (tag) {
	case 'R':
	case 'Q':
		take_optional_base62(p, 'L');
		parse_type(p);
		break;
	case 'P':
	case 'O':
	case 'S':
		parse_type(p);
		break;
	case 'A':
		parse_type(p);
		parse_const(p);
		break;
	case 'T':
		parse_types(p);
		break;
	case 'F':
		parse_function(p);
		break;
	case 'D':
		parse_traits(p);
		break;
	case 'B':
		take_reference(p, TYPE_OR_PATH);
		break;
	default:
		if (tag >= 'a' && tag <= 'z')
			break; /* a basic type */
		p->at--;
		parse_path(p);
	}
}

static void parse_type(struct parser *p)
{
	char tag;

	note_beginning(p, TYPE_OR_PATH);
	tag = take_any(p);
	if (!p->failed && descend(p))
		parse_type_after(p, tag);
	p->depth--;
}

static void parse_path_after(struct parser *p, char tag)
{
	switch (tag) {
	case 'C':
		take_optional_base62(p, 's');
		parse_identifier(p);
		break;
	case 'N':
		take_any(p);
		parse_path(p);
		take_optional_base62(p, 's');
		parse_identifier(p);
		break;
	case 'M':
	case 'X':
		take_optional_base62(p, 's');
		parse_path(p);
		parse_type(p);
		if (tag == 'X')
			parse_path(p);
		break;
	case 'Y':
		parse_type(p);
		parse_path(p);
		break;
	case 'I':
		parse_path(p);
		parse_generics(p);
		break;
	case 'B':
		take_reference(p, TYPE_OR_PATH);
		break;
	default:
		p->failed = true;
	}
}

static void parse_path(struct parser *p)
{
	char tag;

	note_beginning(p, TYPE_OR_PATH);
	tag = take_any(p);
	if (!p->failed && descend(p))
		parse_path_after(p, tag);
	p->depth--;
}

/* Whether a "G" anywhere begins a number of three digits or more. */
static bool may_bind_many(const char *name)
{
	struct parser p = { .at = name };
	const char *binder = NULL;
	uint64_t digit;

	while (*p.at) {
		if (!binder && *p.at == 'G')
			binder = p.at;
		if (take_base62_digit(&p, &digit))
			continue;
		if (binder && *p.at == '_' && p.at - binder > 3)
			return true;
		binder = NULL;
		p.at++;
	}
	return false;
}

bool rust_binders__are_absurd(const char *name)
{
	struct parser p = { .first = name + 2, .at = name + 2 };

	if (name[0] != '_' || name[1] != 'R')
		return false;
	/* A number before the path is the version of the grammar. */
	while (*p.at >= '0' && *p.at <= '9')
		p.at++;
	parse_path(&p);
	if (!p.failed && *p.at >= 'A' && *p.at <= 'Z')
		parse_path(&p); /* where it was instantiated */
	return p.absurd || (p.failed && may_bind_many(name));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/short_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "profile/wrappers.h"

#define ELLIPSIS "\342\200\246"

/* The length of "operator<<" and the like, whose characters are not brackets; 0: not an
 * operator. */
static size_t operator_length(const char *s, const char *start)
{
	static const char *const brackets[] = { "<=>", "<<=", ">>=", "->*", "<<", ">>",
						"<=",  ">=",  "->",  "()",  "<",  ">" };
	const size_t word = strlen("operator");

	if (strncmp(s, "operator", word) ||
	    (s > start && (s[-1] == '_' || isalnum((unsigned char)s[-1]))))
		return 0;
	for (size_t i = 0; i < sizeof(brackets) / sizeof(brackets[0]); i++)
		if (!strncmp(s + word, brackets[i], strlen(brackets[i])))
			return word + strlen(brackets[i]);
	return 0;
}

/* The end of what `open` begins, behind its closing bracket. NULL: it is not closed. */
static const char *closing_bracket(const char *s, char open, char close)
{
	const char *start = s;
	size_t depth = 0;

	while (*s) {
		size_t skip = operator_length(s, start);

		if (skip) {
			s += skip;
			continue;
		}
		if (*s == open)
			depth++;
		else if (*s == close && s > start && !(close == '>' && s[-1] == '-') &&
			 --depth == 0)
			return s + 1;
		s++;
	}
	return NULL;
}

/* Copies the name without what the brackets hold. False: they do not match. */
static bool fold_brackets(struct strbuf *sb, const char *name, char open, char close)
{
	const char *s = name;

	while (*s) {
		size_t skip = operator_length(s, name);
		const char *end = !skip && *s == open ? closing_bracket(s, open, close) : NULL;

		if (skip) {
			strbuf__add(sb, s, skip);
			s += skip;
		} else if (*s != open) {
			strbuf__addc(sb, *s++);
		} else if (!end) {
			return false;
		} else if (end - s == 2 || !strncmp(s, "(anonymous namespace)", 21)) {
			strbuf__add(sb, s, (size_t)(end - s));
			s = end;
		} else {
			strbuf__addc(sb, open);
			strbuf__adds(sb, ELLIPSIS);
			strbuf__addc(sb, close);
			s = end;
		}
	}
	return true;
}

/* The name without the type that a template's begins with: "void std::swap<int>(int&, int&)". Names
 * of other languages may have blanks, too; those of C++ have parameters behind it. */
static const char *without_type(const char *name)
{
	const char *start = wrappers__without_type(name);

	return strchr(start, '(') ? start : name;
}

void short_name__add(struct strbuf *sb, const char *name, size_t most)
{
	struct strbuf once = { 0 }, twice = { 0 };
	const char *best;

	if (strlen(name) > most)
		name = without_type(name);
	best = name;
	if (strlen(name) > most && fold_brackets(&once, name, '<', '>') && !once.error &&
	    once.data) {
		best = once.data;
		if (once.len > most && fold_brackets(&twice, best, '(', ')') && !twice.error &&
		    twice.data)
			best = twice.data;
	}
	strbuf__adds(sb, best);
	strbuf__free(&once);
	strbuf__free(&twice);
}

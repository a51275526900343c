/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generates the OPTIONS section of the manual page. Text between a detail's marks becomes bold or
 * italic by inline escapes, so that a row needs no roff.
 */
#include "cli/generate.h"

#include <ctype.h>
#include <string.h>

#include "cli/option_row.h"
#include "util/strbuf.h"

/* Adds one character so that roff prints it as it is. */
static void add_roff_char(struct strbuf *sb, char c, bool literal)
{
	if (c == '\\')
		strbuf__adds(sb, "\\e");
	else if (c == '-' && literal)
		strbuf__adds(sb, "\\-");
	else if (c == '\'')
		strbuf__adds(sb, "\\(aq");
	else if (c == '~')
		strbuf__adds(sb, "\\(ti");
	else if (c == '^')
		strbuf__adds(sb, "\\(ha");
	else
		strbuf__addc(sb, c);
}

/* Adds text with a sentence a line, as roff wants it; a newline begins a paragraph. */
static void add_roff_text(struct strbuf *sb, const char *text)
{
	char mark = '\0';

	for (const char *s = text; *s; s++) {
		if (!mark && (*s == '`' || *s == '<')) {
			mark = *s == '<' ? '>' : *s;
			strbuf__adds(sb, *s == '<' ? "\\fI" : "\\fB");
		} else if (mark && *s == mark) {
			mark = '\0';
			strbuf__adds(sb, "\\fP");
		} else if (*s == '\n') {
			strbuf__adds(sb, "\n.IP\n");
		} else if (*s == ' ' && s > text && s[-1] == '.' && isupper((unsigned char)s[1])) {
			strbuf__addc(sb, '\n');
		} else {
			add_roff_char(sb, *s, mark);
		}
	}
	strbuf__addc(sb, '\n');
}

/* Adds a placeholder: capitals are italic, lower-case letters are literal. */
static void add_roff_value(struct strbuf *sb, const char *value)
{
	char font = 'R', want;

	for (const char *s = value; *s; s++) {
		want = isupper((unsigned char)*s) ? 'I' : islower((unsigned char)*s) ? 'B' : 'R';
		if (*s == '-' || *s == '>' || *s == ':')
			want = 'B';
		if (want != font)
			strbuf__addf(sb, "\\f%c", want);
		font = want;
		add_roff_char(sb, *s, true);
	}
	if (font != 'R')
		strbuf__adds(sb, "\\fR");
}

static void add_roff_name(struct strbuf *sb, const char *dashes, const char *name)
{
	strbuf__addf(sb, "\\fB");
	for (const char *s = dashes; *s; s++)
		add_roff_char(sb, *s, true);
	for (const char *s = name; *s; s++)
		add_roff_char(sb, *s, true);
	strbuf__adds(sb, "\\fR");
}

/* Adds a help text as a sentence. */
static void add_roff_help(struct strbuf *sb, const char *help)
{
	struct strbuf sentence = { 0 };

	strbuf__addf(&sentence, "%c%s.", toupper((unsigned char)*help), help + 1);
	if (!sentence.error)
		add_roff_text(sb, sentence.data);
	strbuf__free(&sentence);
}

static void add_roff_option(struct strbuf *sb, const struct option_row *r)
{
	char letter[2] = { r->letter, '\0' };

	strbuf__adds(sb, ".TP\n");
	if (r->letter) {
		add_roff_name(sb, "-", letter);
		strbuf__adds(sb, ", ");
	}
	if (r->name)
		add_roff_name(sb, "--", r->name);
	if (r->name && r->value)
		strbuf__addc(sb, ' ');
	if (r->value)
		add_roff_value(sb, r->value);
	strbuf__addc(sb, '\n');
	if (r->detail)
		add_roff_text(sb, r->detail);
	else
		add_roff_help(sb, r->help);
}

void generate__man(struct strbuf *sb)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *r = &option_rows[i];

		if (r->heading) {
			strbuf__addf(sb, ".SS %s\n", r->heading);
			if (r->detail)
				add_roff_text(sb, r->detail);
		} else if (r->help) {
			add_roff_option(sb, r);
		}
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/help.h"

#include <errno.h>
#include <string.h>

#include "cli/option_row.h"
#include "report/report.h"
#include "util/strbuf.h"

#define WIDTH 79
#define COLUMN 28 /* where explanations start */

static const char outro[] =
    "\nExamples:\n"
    "  memtrace -p 4242                     a report every 10 seconds until Ctrl-C\n"
    "  memtrace -p 4242 -i 60 --min-age 60  only blocks older than a minute\n"
    "  memtrace -d 30 -f json -p 4242       three reports for a script\n"
    "  memtrace -f pprof -o heap.pb.gz -- ./server --port 80\n"
    "  memtrace record -p 4242 -d 600 -o run.mt; memtrace report run.mt --sort age\n"
    "\nReports go to standard output, everything else to standard error.\n"
    "See memtrace(8).\n";

/* Adds words from the column that the line has reached (`at`) to WIDTH, further lines from
 * COLUMN. */
static void add_wrapped(struct strbuf *sb, size_t at, const char *text)
{
	size_t len;

	while (*text) {
		len = strcspn(text, " ");
		if (at > COLUMN && at + 1 + len > WIDTH) {
			strbuf__addc(sb, '\n');
			at = 0;
		}
		if (at < COLUMN) {
			strbuf__addf(sb, "%*s", (int)(COLUMN - at), "");
			at = COLUMN;
		} else {
			strbuf__addc(sb, ' ');
			at++;
		}
		strbuf__add(sb, text, len);
		at += len;
		text += len;
		text += strspn(text, " ");
	}
	strbuf__addc(sb, '\n');
}

static void add_heading(struct strbuf *sb, const struct option_row *r)
{
	strbuf__addf(sb, "\n%s", r->heading);
	if (r->help)
		strbuf__addf(sb, " (%s)", r->help);
	strbuf__adds(sb, ":\n");
}

static void add_option(struct strbuf *sb, const struct option_row *r)
{
	size_t start = sb->len, at;

	if (!r->name)
		strbuf__addf(sb, "  %s", r->value);
	else if (r->letter)
		strbuf__addf(sb, "  -%c, --%s", r->letter, r->name);
	else
		strbuf__addf(sb, "      --%s", r->name);
	if (r->name && r->value)
		strbuf__addf(sb, " %s", r->value);
	at = sb->len - start;
	if (at + 2 > COLUMN) {
		strbuf__addc(sb, '\n');
		at = 0;
	}
	add_wrapped(sb, at, r->help);
}

static void add_usage(struct strbuf *sb)
{
	const struct verb_row *v;

	for (v = option_verbs; v < option_verbs + VERBS; v++)
		strbuf__addf(sb, "%s memtrace %s%s%s\n", v == option_verbs ? "Usage:" : "      ",
			     v->name ? v->name : "", v->name ? " " : "", v->usage);
	for (v = option_verbs; v < option_verbs + VERBS; v++)
		strbuf__addf(sb, v->name ? "  %-8s%s\n" : "%s%s\n", v->name ? v->name : "",
			     v->help);
}

int help__print(FILE *out)
{
	const struct report_format *f;
	struct strbuf sb = { 0 };
	size_t start;
	int err;

	add_usage(&sb);
	for (const struct option_row *r = option_rows; r < option_rows + option_row_count; r++) {
		if (r->heading)
			add_heading(&sb, r);
		else if (r->help)
			add_option(&sb, r);
	}
	strbuf__adds(&sb, "\nFormats:\n");
	for (size_t i = 0; (f = report__at(i)); i++) {
		start = sb.len;
		strbuf__addf(&sb, "  %s", f->name);
		add_wrapped(&sb, sb.len - start, f->help);
	}
	strbuf__adds(&sb, outro);
	err = sb.error;
	if (!err && (fwrite(sb.data, 1, sb.len, out) != sb.len || fflush(out)))
		err = -EIO;
	strbuf__free(&sb);
	return err;
}

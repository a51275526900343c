/* The help text: the rows of the table, their explanations wrapped, and the report formats. */
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
    "  memtrace -p 4242 -i 60 --min-age 60  only what outlived its first minute\n"
    "  memtrace -d 30 -f json -p 4242       three reports for a script\n"
    "  memtrace -f pprof -o heap.pb.gz -- ./server --port 80\n"
    "  memtrace record -p 4242 -d 600 -o run.mt; memtrace report run.mt --sort age\n"
    "\nReports go to standard output, all else to standard error. See memtrace(8).\n";

/* Words from the column that the line has reached (`at`) to WIDTH, further lines from COLUMN. */
static void wrap(struct strbuf *sb, size_t at, const char *text)
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

static void option(struct strbuf *sb, const struct option_row *r)
{
	size_t start = sb->len, at;

	if (r->heading) {
		strbuf__addf(sb, "\n%s:\n", r->heading);
		return;
	}
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
	wrap(sb, at, r->help);
}

static void intro(struct strbuf *sb, const struct verb_row *verbs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strbuf__addf(sb, "%s memtrace %s%s%s\n",
			     i ? "      " : "Usage:", verbs[i].name ? verbs[i].name : "",
			     verbs[i].name ? " " : "", verbs[i].usage);
	for (size_t i = 0; i < n; i++)
		strbuf__addf(sb, verbs[i].name ? "  %-8s%s\n" : "%s%s\n",
			     verbs[i].name ? verbs[i].name : "", verbs[i].help);
}

int help__print(const struct verb_row *verbs, size_t nverbs, const struct option_row *rows,
		size_t n, FILE *out)
{
	const struct report_format *f;
	struct strbuf sb = { 0 };
	size_t start;
	int err;

	intro(&sb, verbs, nverbs);
	for (size_t i = 0; i < n; i++)
		option(&sb, &rows[i]);
	strbuf__adds(&sb, "\nFormats:\n");
	for (size_t i = 0; (f = report__at(i)); i++) {
		start = sb.len;
		strbuf__addf(&sb, "  %s", f->name);
		wrap(&sb, sb.len - start, f->help);
	}
	strbuf__adds(&sb, outro);
	err = sb.error;
	if (!err && (fwrite(sb.data, 1, sb.len, out) != sb.len || fflush(out)))
		err = -EIO;
	strbuf__free(&sb);
	return err;
}

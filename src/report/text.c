/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report for people: a header with what is held, how it changes and what was lost; a line for
 * each process where there are several; then the call stacks that hold most. Lines of figures are
 * short enough for 80 columns by themselves; names, which may be any length, are cut to the
 * terminal's width where there is one.
 */
#include "report/internal.h"
#include "report/text_header.h"
#include "report/text_next.h"
#include "report/text_processes.h"
#include "report/text_rules.h"
#include "report/text_sites.h"
#include "report/text_style.h"

int text__report(const struct profile *p, const struct report_style *st, FILE *out)
{
	struct text_style ts = text_style__start(st);
	int err;

	if (p->seq > 1)
		strbuf__addc(&ts.sb, '\n');
	text_header__print(&ts, p);
	err = text_sites__print(&ts, p);
	if (!err)
		err = text_processes__print(&ts, p);
	if (!err && p->final)
		err = text_rules__print(&ts, p);
	text_next__print(&ts, p);
	return text_style__write(&ts, err, out);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_rules.h"

#include "report/number.h"
#include "report/table.h"
#include "util/escape.h"
#include "util/array.h"
#include "util/format.h"

static void add_rule_cells(struct table *t, const struct profile_suppressed *s)
{
	char buf[32];

	table__cell(t, "%s", format__size(buf, sizeof(buf), s->live_bytes));
	table__cell(t, "%s", number__count(buf, sizeof(buf), s->live_blocks));
	table__cell(t, "%s", number__count(buf, sizeof(buf), s->sites));
	escape__plain(table__open(t), s->pattern);
	table__close(t);
	escape__plain(table__open(t), s->source);
	if (s->reason) {
		strbuf__adds(&t->text, ": ");
		escape__plain(&t->text, s->reason);
	}
	table__close(t);
}

int text_rules__print(struct text_style *ts, const struct profile *p)
{
	static const struct table_column columns[] = {
		{ .title = "SUPPRESSED", .right = true },
		{ .title = "BLOCKS", .right = true },
		{ .title = "STACKS", .right = true },
		{ .title = "BY", .least = 16 },
		{ .least = 16, .paint = DIM },
	};
	struct table t = { .columns = columns, .ncolumns = ARRAY_SIZE(columns), .indent = 2 };
	size_t rows = 0;
	int err;

	/* What is built in is no news. */
	for (size_t i = 0; i < p->nsuppressed; i++) {
		if (p->suppressed[i].reason && !ts->full)
			continue;
		add_rule_cells(&t, &p->suppressed[i]);
		rows++;
	}
	if (!rows)
		return 0;
	err = table__fit(&t, ts);
	if (!err) {
		strbuf__addc(&ts->sb, '\n');
		table__titles(&t, ts);
		for (size_t i = 0; i < rows; i++)
			table__row(&t, i, ts);
	}
	table__free(&t);
	return err;
}

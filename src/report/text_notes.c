#include "report/text_notes.h"

#include "report/number.h"
#include "report/table.h"
#include "util/array.h"
#include "util/escape.h"
#include "util/format.h"

#define LABEL "  %-7s  "

void text_notes__mark(struct text_style *ts, const struct profile *p)
{
	char at[32], ago[32], change[32], n[32];

	if (!p->marked) {
		if (p->run->since_mark)
			strbuf__addf(&ts->sb, LABEL "%s\n", "mark",
				     "none yet (SIGUSR1 or the key m sets one): the start counts");
		return;
	}
	number__change(change, sizeof(change), p->since_mark_bytes);
	strbuf__addf(&ts->sb, LABEL "set after %s, %s ago; since then ", "mark",
		     number__seconds(at, sizeof(at), p->mark_s),
		     number__seconds(ago, sizeof(ago), p->elapsed_s - p->mark_s));
	text_style__painted(ts, text_style__sign(change), change);
	number__signed(n, sizeof(n), p->since_mark_blocks);
	strbuf__addf(&ts->sb, " in %s blocks\n", n);
}

void text_notes__suppressed(struct text_style *ts, const struct profile *p)
{
	uint64_t bytes = 0, blocks = 0;
	char n[32], size[32], count[32];

	for (size_t i = 0; i < p->nsuppressed; i++) {
		bytes += p->suppressed[i].live_bytes;
		blocks += p->suppressed[i].live_blocks;
	}
	if (p->suppressed_sites)
		strbuf__addf(&ts->sb, LABEL "%s suppressed call stack%s: %s in %s block%s\n",
			     "hidden", number__count(n, sizeof(n), p->suppressed_sites),
			     p->suppressed_sites == 1 ? "" : "s",
			     format__size(size, sizeof(size), bytes),
			     number__count(count, sizeof(count), blocks), blocks == 1 ? "" : "s");
}

static void rule_cells(struct table *t, const struct profile_suppressed *s)
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

int text_notes__rules(struct text_style *ts, const struct profile *p)
{
	static const struct table_column columns[] = {
		{ .title = "SUPPRESSED", .right = true },
		{ .title = "BLOCKS", .right = true },
		{ .title = "STACKS", .right = true },
		{ .title = "BY", .least = 16 },
		{ .least = 16, .paint = DIM },
	};
	struct table t = { .columns = columns, .ncolumns = ARRAY_SIZE(columns), .indent = 2 };
	int err;

	if (!p->nsuppressed)
		return 0;
	for (size_t i = 0; i < p->nsuppressed; i++)
		rule_cells(&t, &p->suppressed[i]);
	err = table__fit(&t, ts);
	if (!err) {
		strbuf__addc(&ts->sb, '\n');
		table__titles(&t, ts);
		for (size_t i = 0; i < p->nsuppressed; i++)
			table__row(&t, i, ts);
	}
	table__free(&t);
	return err;
}

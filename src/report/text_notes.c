#include "report/text_notes.h"

#include "report/number.h"
#include "report/table.h"
#include "util/escape.h"
#include "util/util.h"

#define LABEL "  %-7s  "

void text_notes__mark(struct text_style *pg, const struct profile *p)
{
	char at[32], ago[32], change[32], n[32];

	if (!p->marked) {
		if (p->run->since_mark)
			strbuf__addf(&pg->sb, LABEL "%s\n", "mark",
				     "none yet (SIGUSR1 or the key m sets one): the start counts");
		return;
	}
	number__change(change, sizeof(change), p->since_mark_bytes);
	strbuf__addf(&pg->sb, LABEL "set after %s, %s ago; since then ", "mark",
		     number__seconds(at, sizeof(at), p->mark_s),
		     number__seconds(ago, sizeof(ago), p->elapsed_s - p->mark_s));
	text_style__painted(pg, text_style__sign(change), change);
	number__signed(n, sizeof(n), p->since_mark_blocks);
	strbuf__addf(&pg->sb, " in %s blocks\n", n);
}

void text_notes__suppressed(struct text_style *pg, const struct profile *p)
{
	uint64_t bytes = 0, blocks = 0;
	char n[32], size[32], count[32];

	for (size_t i = 0; i < p->nsuppressed; i++) {
		bytes += p->suppressed[i].live_bytes;
		blocks += p->suppressed[i].live_blocks;
	}
	if (p->suppressed_sites)
		strbuf__addf(&pg->sb, LABEL "%s suppressed call stack%s: %s in %s block%s\n",
			     "hidden", number__count(n, sizeof(n), p->suppressed_sites),
			     p->suppressed_sites == 1 ? "" : "s",
			     util__format_size(size, sizeof(size), bytes),
			     number__count(count, sizeof(count), blocks), blocks == 1 ? "" : "s");
}

static void rule_cells(struct table *g, const struct profile_suppressed *s)
{
	char buf[32];

	table__cell(g, "%s", util__format_size(buf, sizeof(buf), s->live_bytes));
	table__cell(g, "%s", number__count(buf, sizeof(buf), s->live_blocks));
	table__cell(g, "%s", number__count(buf, sizeof(buf), s->sites));
	escape__plain(table__open(g), s->pattern);
	table__close(g);
	escape__plain(table__open(g), s->source);
	if (s->reason) {
		strbuf__adds(&g->text, ": ");
		escape__plain(&g->text, s->reason);
	}
	table__close(g);
}

int text_notes__rules(struct text_style *pg, const struct profile *p)
{
	static const struct table_column columns[] = {
		{ .title = "SUPPRESSED", .right = true },
		{ .title = "BLOCKS", .right = true },
		{ .title = "STACKS", .right = true },
		{ .title = "BY", .least = 16 },
		{ .least = 16, .paint = DIM },
	};
	struct table g = { .columns = columns, .ncolumns = ARRAY_SIZE(columns), .indent = 2 };
	int err;

	if (!p->nsuppressed)
		return 0;
	for (size_t i = 0; i < p->nsuppressed; i++)
		rule_cells(&g, &p->suppressed[i]);
	err = table__fit(&g, pg);
	if (!err) {
		strbuf__addc(&pg->sb, '\n');
		table__titles(&g, pg);
		for (size_t i = 0; i < p->nsuppressed; i++)
			table__row(&g, i, pg);
	}
	table__free(&g);
	return err;
}

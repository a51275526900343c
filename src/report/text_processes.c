/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_processes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "report/number.h"
#include "report/table.h"
#include "util/escape.h"
#include "util/array.h"
#include "util/format.h"

#define PROCESSES_MAX 20

static int by_live_bytes(const void *a, const void *b)
{
	const struct profile_process *x = *(const struct profile_process *const *)a;
	const struct profile_process *y = *(const struct profile_process *const *)b;

	if (x->live_bytes != y->live_bytes)
		return x->live_bytes < y->live_bytes ? 1 : -1;
	if (x->exited != y->exited)
		return x->exited ? 1 : -1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static void add_process_cells(struct table *t, const struct profile_process *pr)
{
	char buf[32];

	if (pr->processes > 1)
		table__cell(t, "%s ×", number__count(buf, sizeof(buf), pr->processes));
	else
		table__cell(t, "%" PRIu32, pr->pid);
	table__cell(t, "%s", format__size(buf, sizeof(buf), pr->live_bytes));
	table__cell(t, "%s", number__count(buf, sizeof(buf), pr->live_blocks));
	table__cell(t, "%s", format__size(buf, sizeof(buf), pr->allocator_bytes));
	table__cell(t, "%s", format__size(buf, sizeof(buf), pr->mapped_bytes));
	table__cell(t, "%s", pr->exited ? "exited" : format__size(buf, sizeof(buf), pr->rss_bytes));
	escape__plain(table__open(t), pr->comm);
	table__close(t);
	escape__plain(table__open(t), pr->container ? pr->container : "");
	table__close(t);
}

static bool has_containers(const struct profile *p)
{
	for (size_t i = 0; i < p->nprocesses; i++)
		if (p->processes[i].container)
			return true;
	return false;
}

int text_processes__print(struct text_style *ts, const struct profile *p)
{
	const struct table_column columns[] = {
		{ .title = "PID", .right = true },
		{ .title = "LIVE", .right = true, .paint = BOLD },
		{ .title = "BLOCKS", .right = true },
		{ .title = "ALLOCATOR", .right = true },
		{ .title = "MAPPED", .right = true },
		{ .title = "RSS", .right = true },
		{ .title = "COMMAND", .least = 8 },
		{ .title = has_containers(p) ? "CONTAINER" : NULL, .least = 9 },
	};
	size_t shown = 0, most;
	struct table t = { .columns = columns, .ncolumns = ARRAY_SIZE(columns), .indent = 2 };
	const struct profile_process **sorted;
	char n[64];
	int err;

	if (p->nprocesses < 2)
		return 0;
	sorted = calloc(p->nprocesses, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < p->nprocesses; i++)
		sorted[i] = &p->processes[i];
	qsort(sorted, p->nprocesses, sizeof(*sorted), by_live_bytes);
	/* Processes that ended and left nothing come last. */
	most = ts->full ? PROCESSES_MAX : TEXT_PROCESSES_FEW;
	while (shown < p->nprocesses && shown < most &&
	       (sorted[shown]->live_bytes || !sorted[shown]->exited || shown < 2))
		add_process_cells(&t, sorted[shown++]);
	free(sorted);
	err = table__fit(&t, ts);
	if (err)
		goto out;
	strbuf__addc(&ts->sb, '\n');
	table__titles(&t, ts);
	for (size_t i = 0; i < shown; i++)
		table__row(&t, i, ts);
	if (shown < p->nprocesses)
		strbuf__addf(&ts->sb, "  … %s with no more than these\n",
			     number__noun(n, sizeof(n), p->nprocesses - shown, "more process"));
out:
	table__free(&t);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One row for the sites of many processes that are the same code: of the living, and another one of
 * those that ended. */
#ifndef MEMTRACE_COLLECT_SITE_MERGE_H
#define MEMTRACE_COLLECT_SITE_MERGE_H

#include "collect/internal.h"
#include "collect/site_ranking.h"

struct site_merge;

struct site_merge *site_merge__new(struct collector *c,
				   const struct query *q); /* NULL: no memory */
void site_merge__free(struct site_merge *m);		   /* takes NULL */
/* Adds a site's row to that of its code. 0 or -ENOMEM. */
int site_merge__add(struct site_merge *m, struct process *p, struct site *s,
		    const struct site_row *row);
/* Judges the merged rows and offers them. 0 or -ENOMEM. */
int site_merge__finish(struct site_merge *m, struct site_ranking *r, struct snapshot *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The best `top` of many rows: rows gather until there are twice as many, then they are sorted and
 * the worse half is dropped; from then on a row worse than the worst kept is not even added.
 */
#ifndef MEMTRACE_COLLECT_SITE_RANKING_H
#define MEMTRACE_COLLECT_SITE_RANKING_H

#include "collect/internal.h"

struct site_ranking { /* start with { .top, .sort, .least } */
	struct site_row *rows;
	size_t n, cap, top;
	enum sort_key sort;
	uint64_t least; /* bytes: a site that grows but holds less ranks by its bytes alone */
	bool was_cut;
};

/* Whether a row belongs among the first `top`, should it rank that high. */
bool site_ranking__wants(const struct query *q, const struct site_row *row);
int site_ranking__offer(struct site_ranking *r, const struct site_row *row); /* 0 or -ENOMEM */
void site_ranking__cut(struct site_ranking *r); /* sorts, and keeps the best `top` */

#endif

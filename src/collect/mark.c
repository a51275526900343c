/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mark is a snapshot that is stored in the sites. */
#include "collect/internal.h"

int collector__mark(struct collector *c, uint64_t now)
{
	const struct query all = { .sort = SORT_BYTES,
				   .min_age = c->opts.min_age,
				   .heap = true,
				   .map = true,
				   .now = now };
	struct snapshot snap;
	int err = collector__snapshot(c, &all, &snap);

	if (err)
		return err;
	for (size_t i = 0; i < snap.nsites; i++) {
		const struct site_row *row = &snap.sites[i];
		struct site *s = &c->processes[row->process]->sites[row->site];

		s->mark_bytes = row->live_bytes;
		s->mark_blocks = row->live_blocks;
	}
	c->marked = now;
	snapshot__free(&snap);
	return 0;
}

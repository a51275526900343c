/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which sites of different processes are the same code, and their cohorts, ready to be summed. */
#ifndef MEMTRACE_COLLECT_SAME_CODE_H
#define MEMTRACE_COLLECT_SAME_CODE_H

#include "collect/internal.h"

/* What a site is merged by: equal for sites that share a row. */
uint64_t same_code__key(struct collector *c, enum merge_by by, const struct process *p,
			struct site *s);
/* A copy of what is known of a site's births and deaths, for the caller to free: in an ended
 * process, all have died. NULL where nothing is known, or there is no memory. */
struct cohorts *same_code__cohorts(const struct process *p, const struct site *s);

#endif

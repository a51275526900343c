/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which stacks and sites are the same code, and their cohorts, ready to be summed. Files with the
 * same build ID are the same: a program loads a plugin again from a new file, or each container has
 * a copy.
 */
#ifndef MEMTRACE_COLLECT_SAME_CODE_H
#define MEMTRACE_COLLECT_SAME_CODE_H

#include "collect/internal.h"

/* The ID of the first stack of the process, since it is known, that is the same code as this one.
 * What has no known frames is its own first. */
uint64_t same_code__first(struct process *p, uint64_t stack);
/* What a site is merged by: equal for sites that share a row. */
uint64_t same_code__key(struct collector *c, enum merge_by by, const struct process *p,
			struct site *s);
/* A copy of what is known of a site's births and deaths, for the caller to free: in an ended
 * process, all have died. NULL where nothing is known, or there is no memory. */
struct cohorts *same_code__cohorts(const struct process *p, const struct site *s);

#endif

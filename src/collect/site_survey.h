/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Measures what a site holds that is old enough, and judges the site. */
#ifndef MEMTRACE_COLLECT_SITE_SURVEY_H
#define MEMTRACE_COLLECT_SITE_SURVEY_H

#include "collect/internal.h"

/*
 * Measures what of the maps, or of a heap, was born by `limit` (ns): the aged_ members, and the
 * births of the oldest and the newest, of each site of that kind.
 */
void site_survey__maps(struct process *p, uint64_t limit);
void site_survey__heap(struct process *p, uint64_t limit);

/* The same of one site of a living process's heap, without touching the site. */
struct heap_sum site_survey__aged(const struct process *p, uint32_t site, uint64_t limit);

/* The verdict on a site; what a process left is judged as of its end. */
struct judgement site_survey__judge(const struct process *p, const struct site *s, uint64_t now);

#endif

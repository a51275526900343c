/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accounts for what processes allocate, free, map and unmap: to the block or range, its site, its
 * process and the totals. What returns an int returns 0 or -ENOMEM.
 */
#ifndef MEMTRACE_COLLECT_ACCOUNTING_H
#define MEMTRACE_COLLECT_ACCOUNTING_H

#include "collect/internal.h"

int accounting__alloc(struct process *p, const struct event_alloc *ev);
int accounting__free(struct process *p, const struct event_free *ev);
int accounting__realloc(struct process *p, const struct event_realloc *ev);
int accounting__map(struct process *p, const struct event_map *ev);

/* A ranges_change_fn; the context is the process. */
void accounting__range_changed(void *process, const struct range *r, int64_t bytes, int blocks);

/* Whether a stack passes through an allocation function. */
bool accounting__is_allocator(const struct collector *c, const struct stack *st);

/* Adds a site under the process's next number. */
int accounting__restore_site(struct process *p, const struct site *s);

#endif

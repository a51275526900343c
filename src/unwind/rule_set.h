/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stores the unwind rules of all files, each once and identified by a 16-bit number, which is what
 * the rows of a table (unwind/table.h) hold. */
#ifndef MEMTRACE_UNWIND_RULE_SET_H
#define MEMTRACE_UNWIND_RULE_SET_H

#include <stddef.h>
#include <stdint.h>

#include "abi/unwind.h"

#define RULE_NONE 0 /* the number of UNWIND_NONE, where there is no call frame information */

struct rule_set;

/* `rules` is the array that the walk in BPF reads, with room for UNWIND_MAX_RULES; it stays the
 * caller's. Returns NULL and sets errno on failure. */
struct rule_set *rule_set__new(uint64_t *rules);
void rule_set__free(struct rule_set *rs);
/* Returns the rule's number; that of UNWIND_LOST if the array is full. */
uint16_t rule_set__number(struct rule_set *rs, struct unwind_rule rule);
size_t rule_set__count(const struct rule_set *rs);

#endif

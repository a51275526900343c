/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/rule_set.h"

#include <stdlib.h>
#include <string.h>

#define RULE_LOST 1
#define HASH_BITS 17 /* twice as many as rules */

struct rule_set {
	uint64_t *rules;
	size_t n;
	uint16_t hash[1 << HASH_BITS]; /* numbers; RULE_NONE: empty */
};

static uint64_t rule_word(struct unwind_rule rule)
{
	uint64_t word;

	memcpy(&word, &rule, sizeof(word));
	return word;
}

struct rule_set *rule_set__new(uint64_t *rules)
{
	struct rule_set *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return NULL;
	rs->rules = rules;
	rs->rules[RULE_NONE] = rule_word((struct unwind_rule){ .kind = UNWIND_NONE });
	rs->rules[RULE_LOST] = rule_word((struct unwind_rule){ .kind = UNWIND_LOST });
	rs->n = RULE_LOST + 1;
	return rs;
}

void rule_set__free(struct rule_set *rs)
{
	free(rs);
}

size_t rule_set__count(const struct rule_set *rs)
{
	return rs->n;
}

uint16_t rule_set__number(struct rule_set *rs, struct unwind_rule rule)
{
	uint64_t word = rule_word(rule);
	uint32_t at = (uint32_t)(word * UNWIND_GOLDEN >> (64 - HASH_BITS));

	if (rule.kind == UNWIND_NONE)
		return RULE_NONE;
	while (rs->hash[at] != RULE_NONE) {
		if (rs->rules[rs->hash[at]] == word)
			return rs->hash[at];
		at = (at + 1) & ((1 << HASH_BITS) - 1);
	}
	if (rs->n == UNWIND_MAX_RULES)
		return RULE_LOST;
	rs->rules[rs->n] = word;
	rs->hash[at] = (uint16_t)rs->n;
	return (uint16_t)rs->n++;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/suppression_filter.h"

#include <errno.h>
#include <stdlib.h>

#include "symbols/symbolizer.h"
#include "util/hashmap.h"

struct suppression_filter {
	const struct suppressions *rules;
	struct hashmap *known; /* by stack: 0, or 1 + the number of the rule */
	bool *matched;
};

struct suppression_filter *suppression_filter__new(const struct suppressions *rules)
{
	struct suppression_filter *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->rules = rules;
	s->known = hashmap__new();
	s->matched = calloc(suppressions__count(rules) + 1, sizeof(*s->matched));
	if (s->known && s->matched)
		return s;
	suppression_filter__free(s);
	errno = ENOMEM;
	return NULL;
}

void suppression_filter__free(struct suppression_filter *s)
{
	if (!s)
		return;
	hashmap__free(s->known);
	free(s->matched);
	free(s);
}

int suppression_filter__known(const struct suppression_filter *s, uint64_t stack)
{
	uintptr_t value;

	return hashmap__get(s->known, stack, &value) ? (int)value - 1 : SUPPRESSION_NEW;
}

int suppression_filter__look(struct suppression_filter *s, uint64_t stack,
			     const struct named_frame *frames, size_t n)
{
	struct suppress_frame *seen = calloc(n + 1, sizeof(*seen));
	int rule;

	if (!seen)
		return SUPPRESSION_NONE;
	for (size_t i = 0; i < n; i++)
		seen[i] = (struct suppress_frame){
			.func = frames[i].func,
			.module = frames[i].module,
			.file = frames[i].file,
		};
	rule = suppressions__find(s->rules, seen, n);
	free(seen);
	if (rule >= 0)
		s->matched[rule] = true;
	/* Without memory, the stack is looked up again next time. */
	hashmap__set(s->known, stack, (uintptr_t)(rule + 1));
	return rule;
}

size_t suppression_filter__count(const struct suppression_filter *s)
{
	return suppressions__count(s->rules);
}

const struct suppress_rule *suppression_filter__rule(const struct suppression_filter *s, size_t i)
{
	return suppressions__rule(s->rules, i);
}

bool suppression_filter__is_builtin(const struct suppression_filter *s, size_t i)
{
	return suppressions__rule(s->rules, i)->reason;
}

bool suppression_filter__has_matched(const struct suppression_filter *s, size_t i)
{
	return s->matched[i];
}

#include "profile/suppression_filter.h"

#include <errno.h>
#include <stdlib.h>

#include "symbols/symbolizer.h"
#include "util/hashmap.h"

struct sieve {
	const struct suppress *rules;
	struct hashmap *known;	/* by stack: 0, or the rule's number and one */
	bool *matched;
};

struct sieve *sieve__new(const struct suppress *rules)
{
	struct sieve *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->rules = rules;
	s->known = hashmap__new();
	s->matched = calloc(suppress__count(rules) + 1, sizeof(*s->matched));
	if (s->known && s->matched)
		return s;
	sieve__free(s);
	errno = ENOMEM;
	return NULL;
}

void sieve__free(struct sieve *s)
{
	if (!s)
		return;
	hashmap__free(s->known);
	free(s->matched);
	free(s);
}

int sieve__known(const struct sieve *s, uint64_t stack)
{
	uintptr_t value;

	return hashmap__get(s->known, stack, &value) ? (int)value - 1 : SIEVE_NEW;
}

int sieve__look(struct sieve *s, uint64_t stack, const struct named_frame *frames, size_t n)
{
	struct suppress_frame *seen = calloc(n + 1, sizeof(*seen));
	int rule;

	if (!seen)
		return SIEVE_PASSED;
	for (size_t i = 0; i < n; i++)
		seen[i] = (struct suppress_frame){
			.func = frames[i].func,
			.module = frames[i].module,
			.file = frames[i].file,
		};
	rule = suppress__find(s->rules, seen, n);
	free(seen);
	if (rule >= 0)
		s->matched[rule] = true;
	/* What cannot be remembered is looked up again. */
	hashmap__set(s->known, stack, (uintptr_t)(rule + 1));
	return rule;
}

size_t sieve__count(const struct sieve *s)
{
	return suppress__count(s->rules);
}

const struct suppress_rule *sieve__rule(const struct sieve *s, size_t i)
{
	return suppress__rule(s->rules, i);
}

bool sieve__is_builtin(const struct sieve *s, size_t i)
{
	return suppress__rule(s->rules, i)->reason;
}

bool sieve__has_matched(const struct sieve *s, size_t i)
{
	return s->matched[i];
}

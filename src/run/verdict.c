#include "run/verdict.h"

#include "profile/suppression_filter.h"
#include "report/summary.h"
#include "util/log.h"

#define STATUS_FAILED 3

/* Rules that the user wrote and may want to remove. */
static void log_unused_rules(const struct suppression_filter *sieve)
{
	for (size_t i = 0; sieve && i < suppression_filter__count(sieve); i++) {
		const struct suppress_rule *rule = suppression_filter__rule(sieve, i);

		if (!suppression_filter__is_builtin(sieve, i) &&
		    !suppression_filter__has_matched(sieve, i))
			log__debug("%s: %s matched nothing", rule->source, rule->pattern);
	}
}

bool verdict__of(const struct plan *plan, const struct profile *p,
		 const struct suppression_filter *sieve, struct strbuf *line)
{
	const struct criteria criteria = {
		.checks = &plan->checks,
		.any_leak = plan->error_exit,
	};

	log_unused_rules(sieve);
	summary__add(line, p, &criteria);
	return criteria__fail(&criteria, p);
}

int verdict__status(const struct plan *plan)
{
	return plan->error_exit ? plan->error_exit : STATUS_FAILED;
}

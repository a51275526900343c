/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/verdict.h"

#include "profile/suppression_filter.h"
#include "report/summary.h"
#include "util/log.h"

#define STATUS_FAILED 3

/* Rules that the user wrote and may want to remove. */
static void log_unused_rules(const struct suppression_filter *filter)
{
	for (size_t i = 0; filter && i < suppression_filter__count(filter); i++) {
		const struct suppress_rule *rule = suppression_filter__rule(filter, i);

		if (!suppression_filter__is_builtin(filter, i) &&
		    !suppression_filter__has_matched(filter, i))
			log__debug("%s: %s matched nothing", rule->source, rule->pattern);
	}
}

bool verdict__of(const struct plan *plan, const struct profile *p,
		 const struct suppression_filter *filter, struct strbuf *line)
{
	const struct criteria criteria = {
		.checks = &plan->checks,
		.any_leak = plan->error_exit,
	};

	log_unused_rules(filter);
	summary__add(line, p, &criteria);
	return summary__has_failed(&criteria, p);
}

int verdict__status(const struct plan *plan)
{
	return plan->error_exit ? plan->error_exit : STATUS_FAILED;
}

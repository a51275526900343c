/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/verdict.h"

#include "profile/suppression_filter.h"
#include "report/summary.h"
#include "util/log.h"

#define STATUS_FAILED 3
#define STATUS_UNJUDGED 4

/* Logs rules that the user wrote and may want to remove. */
static void log_unused_rules(const struct suppression_filter *filter)
{
	for (size_t i = 0; filter && i < suppression_filter__count(filter); i++) {
		const struct suppress_rule *rule = suppression_filter__rule(filter, i);

		if (!suppression_filter__is_builtin(filter, i) &&
		    !suppression_filter__has_matched(filter, i))
			log__debug("%s: %s matched nothing", rule->source, rule->pattern);
	}
}

enum run_outcome verdict__of(const struct plan *plan, const struct profile *p,
			     const struct suppression_filter *filter, struct strbuf *line)
{
	const struct criteria criteria = {
		.checks = &plan->checks,
		.any_leak = plan->error_exit,
		.allow_unjudged = plan->allow_unjudged,
	};

	log_unused_rules(filter);
	summary__add(line, p, &criteria);
	return summary__outcome(&criteria, p);
}

int verdict__status(const struct plan *plan, enum run_outcome outcome, int own)
{
	if (outcome == OUTCOME_FAILED)
		return plan->error_exit ? plan->error_exit : STATUS_FAILED;
	if (outcome == OUTCOME_UNJUDGED && !own)
		return STATUS_UNJUDGED;
	return own;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run/verdict.h"

#include "profile/compare.h"
#include "profile/suppression_filter.h"
#include "report/difference.h"
#include "report/summary.h"
#include "util/escape.h"
#include "util/log.h"
#include "util/plural.h"
#include "util/strbuf.h"

#define STATUS_FAILED 3
#define STATUS_UNJUDGED 4
#define UNUSED_NAMED 3 /* suppressions that a line names */

/* Names rules that the user wrote and may want to remove or correct: the first ones, or with
 * --verbose all. */
static void log_unused_rules(const struct suppression_filter *filter)
{
	struct strbuf names = { 0 };
	size_t unused = 0;

	for (size_t i = 0; filter && i < suppression_filter__count(filter); i++) {
		const struct suppress_rule *rule = suppression_filter__rule(filter, i);

		if (suppression_filter__is_builtin(filter, i) ||
		    suppression_filter__has_matched(filter, i))
			continue;
		log__debug("%s: %s matched nothing", rule->source, rule->pattern);
		if (unused++ < UNUSED_NAMED) {
			strbuf__adds(&names, unused > 1 ? ", " : "");
			escape__plain(&names, rule->source);
			strbuf__adds(&names, " (");
			escape__plain(&names, rule->pattern);
			strbuf__addc(&names, ')');
		}
	}
	if (unused > UNUSED_NAMED)
		strbuf__addf(&names, " and %zu more (-v names all)", unused - UNUSED_NAMED);
	if (unused && !names.error)
		log__info("%zu suppression%s matched nothing: %s", unused, plural(unused),
			  names.data);
	strbuf__free(&names);
}

static struct criteria criteria_of(const struct plan *plan)
{
	return (struct criteria){
		.checks = &plan->checks,
		.any_leak = plan->error_exit,
		.allow_unjudged = plan->allow_unjudged,
	};
}

enum run_outcome verdict__of(const struct plan *plan, const struct profile *p,
			     const struct suppression_filter *filter, struct strbuf *line)
{
	const struct criteria criteria = criteria_of(plan);

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

int verdict__compare(const struct plan *plan, const struct comparison *c)
{
	const struct criteria criteria = criteria_of(plan);
	struct strbuf line = { 0 };

	if (!plan->checks.n && !plan->error_exit)
		return 0;
	difference__add_summary(&line, c);
	summary__add_outcome(&line, &c->verdict, &criteria);
	if (!line.error)
		log__info("%s", line.data);
	strbuf__free(&line);
	return verdict__status(plan, summary__outcome(&criteria, &c->verdict), 0);
}

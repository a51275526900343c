/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/diff.h"

#include <errno.h>
#include <string.h>

#include "record/replay.h"
#include "report/difference.h"
#include "run/output.h"
#include "run/reporting.h"
#include "run/verdict.h"
#include "util/log.h"

static int print_difference(const struct plan *plan, const struct difference_input *in)
{
	struct reporting r = { .plan = plan };
	int err = reporting__open(&r);

	if (err)
		return err;
	err = plan->format->difference(in, &r.style, output__stream(r.output));
	err = reporting__commit(&r, err);
	reporting__close(&r);
	return err;
}

int diff__run(const struct plan *given, const char *before, const char *after)
{
	struct plan plan = *given;
	struct replay *old = NULL, *new = NULL;
	const struct profile *p = NULL, *q = NULL;
	struct comparison c;
	int status = 1;

	plan.rules = NULL;
	plan.interval_s = 0;
	if (!plan.format->difference) {
		log__error("cannot print a difference as %s; use -f text or json",
			   plan.format->name);
		return 1;
	}
	old = replay__open(&plan, before);
	p = old ? replay__profile(old) : NULL;
	new = p ? replay__open(&plan, after) : NULL;
	q = new ? replay__profile(new) : NULL;
	if (q && compare__profiles(p, q, &c)) {
		log__error("cannot compare: %s", strerror(ENOMEM));
	} else if (q) {
		status = print_difference(
			     &plan, &(struct difference_input){ &c, before, after, plan.query.top })
			     ? 1
			     : verdict__compare(&plan, &c);
		compare__free(&c);
	}
	replay__free(old);
	replay__free(new);
	return status;
}

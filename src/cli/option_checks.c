/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handles the options that say what is not a leak, and what is a failure. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/option_row.h"
#include "cli/options.h"
#include "profile/suppressions.h"
#include "profile/wrappers.h"
#include "util/file.h"
#include "util/log.h"
#include "util/parse.h"

/* Reads a file of rules; NULL: rejected. */
static char *read_rules(const struct option_row *r, const char *path, size_t *len)
{
	char reason[128], *text = file__read(path, len);

	if (!text) {
		snprintf(reason, sizeof(reason), "cannot be read (%s)", strerror(errno));
		option__refuse_value(r, path, reason);
	}
	return text;
}

static int refuse_line(const struct option_row *r, const char *path, size_t line, const char *why,
		       const char *hint)
{
	char reason[128];

	snprintf(reason, sizeof(reason), "line %zu %s", line, why);
	return option__refuse_value_try(r, path, reason, hint);
}

int option__suppressions(struct options *o, const struct option_row *r, const char *value)
{
	size_t len, line;
	char *text = read_rules(r, value, &len);
	const char *why;
	int err;

	if (!text)
		return -EINVAL;
	if (!o->plan.rules)
		o->plan.rules = suppressions__new();
	err = o->plan.rules ? suppressions__add_text(o->plan.rules, text, len, value, &line, &why)
			    : -ENOMEM;
	free(text);
	if (err == -EINVAL)
		return refuse_line(r, value, line, why, "lines such as leak:^session_new$");
	return err ? option__refuse_memory(r) : 0;
}

int option__wrappers(struct options *o, const struct option_row *r, const char *value)
{
	size_t len, line;
	char *text = read_rules(r, value, &len);
	const char *why;
	int err;

	if (!text)
		return -EINVAL;
	if (!o->plan.wrappers)
		o->plan.wrappers = wrappers__new();
	err = o->plan.wrappers ? wrappers__add_text(o->plan.wrappers, text, len, &line, &why)
			       : -ENOMEM;
	free(text);
	if (err == -EINVAL)
		return refuse_line(r, value, line, why, "lines such as wrapper:^my_alloc$");
	return err ? option__refuse_memory(r) : 0;
}

int option__fail_on(struct options *o, const struct option_row *r, const char *value)
{
	char why[128] = "";
	int err = conditions__add(&o->plan.checks, value, why, sizeof(why));

	if (err == -ENOMEM)
		return option__refuse_memory(r);
	return err ? option__refuse_value(r, value, why) : 0;
}

int option__exit_code(struct options *o, const struct option_row *r, const char *value)
{
	uint64_t n;

	if (parse__u64(value, &n) || !n || n > 255)
		return option__refuse_invalid(r, "exit status (1 to 255)", value);
	o->plan.error_exit = (int)n;
	return 0;
}

/* Rules from files precede the built-in ones, so that they are named for what both match. */
int option__add_default_rules(struct options *o)
{
	if (!o->plan.rules)
		o->plan.rules = suppressions__new();
	if (o->plan.rules && (!o->plan.default_rules || !suppressions__add_builtin(o->plan.rules)))
		return 0;
	log__error("out of memory");
	return -ENOMEM;
}

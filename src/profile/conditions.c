/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/conditions.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"
#include "util/array.h"
#include "util/parse.h"
#include "util/strbuf.h"

/* ---- metrics ---- */

static uint64_t leak_bytes(const struct profile *p)
{
	return p->leak.live_bytes;
}

static uint64_t leak_count(const struct profile *p)
{
	return p->leak.groups;
}

/* Rounded up: a leak of less than a byte a second is above 0. */
static uint64_t leak_rate(const struct profile *p)
{
	double rate = p->leak.rate_bps;
	uint64_t whole = rate > 0 && rate < 1e18 ? (uint64_t)rate : 0;

	if (rate >= 1e18)
		return UINT64_MAX;
	return whole + ((double)whole < rate);
}

static uint64_t growing_bytes(const struct profile *p)
{
	return p->growing.live_bytes;
}

static uint64_t live_bytes(const struct profile *p)
{
	return p->live_bytes - p->suppressed_live_bytes;
}

static uint64_t live_blocks(const struct profile *p)
{
	return p->live_blocks - p->suppressed_live_blocks;
}

static uint64_t growth_bytes(const struct profile *p)
{
	int64_t bytes = p->since_mark_bytes - p->suppressed_since_mark;

	return bytes > 0 ? (uint64_t)bytes : 0;
}

/* `rests_on`: the condition can only be ruled out where none of these reasons holds. */
static const struct {
	const char *name;
	uint64_t (*value)(const struct profile *p);
	unsigned int rests_on;
} metrics[] = {
	/* Bytes held by call stacks with verdict leak, the number of leaks, and bytes a second. */
	{ "leak", leak_bytes, UINT_MAX },
	{ "leaks", leak_count, UINT_MAX },
	{ "leak-rate", leak_rate, UINT_MAX },
	{ "growing", growing_bytes, UINT_MAX }, /* held by call stacks with verdict growing */
	{ "live", live_bytes, UNJUDGED_BLIND },
	{ "blocks", live_blocks, UNJUDGED_BLIND },
	/* Bytes held more than at the mark, or than at the start. */
	{ "growth", growth_bytes, UNJUDGED_BLIND },
	{ "lost", profile__lost, UNJUDGED_NOTHING }, /* events, call stacks and blocks */
};

bool conditions__is_met(const struct condition *c, const struct profile *p)
{
	uint64_t value = metrics[c->metric].value(p);

	return c->or_equal ? value >= c->limit : value > c->limit;
}

bool conditions__is_ruled_out(const struct condition *c, const struct profile *p)
{
	return !conditions__is_met(c, p) && !(p->judged.reasons & metrics[c->metric].rests_on);
}

/* ---- parsing ---- */

static void remove_blanks(char *s)
{
	char *to = s;

	for (; *s; s++)
		if (*s != ' ' && *s != '\t')
			*to++ = *s;
	*to = '\0';
}

static int refuse_condition(char *why, size_t cap, const char *what)
{
	snprintf(why, cap, "%s", what);
	return -EINVAL;
}

static int find_metric(const char *name, size_t len, struct condition *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
		if (strlen(metrics[i].name) == len && !strncmp(metrics[i].name, name, len)) {
			c->metric = (uint8_t)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int refuse_metric(char *why, size_t cap)
{
	struct strbuf names = { 0 };
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		strbuf__addf(&names, "%s%s",
			     i + 1 == ARRAY_SIZE(metrics) ? " or "
			     : i			  ? ", "
							  : "must begin with ",
			     metrics[i].name);
	err = names.error ? names.error : refuse_condition(why, cap, names.data);
	strbuf__free(&names);
	return err;
}

static int parse_condition(const char *text, struct condition *c, char *why, size_t cap)
{
	size_t len = strcspn(text, "<>=!");
	const char *value = text + len + 1;

	if (text[len] != '>')
		return refuse_condition(why, cap,
					text[len] ? "must compare with > or >="
						  : "needs a comparison, such as >0");
	if (find_metric(text, len, c))
		return refuse_metric(why, cap);
	c->or_equal = *value == '=';
	value += c->or_equal;
	if (parse__size(value, &c->limit))
		return refuse_condition(why, cap, "needs a whole number (suffixes k, m, g)");
	return 0;
}

static int add_condition(struct conditions *c, const char *text, char *why, size_t cap)
{
	struct condition check = { 0 };
	int err;

	err = parse_condition(text, &check, why, cap);
	if (err)
		return err;
	if (array__grow(&c->items, &c->cap, c->n + 1, sizeof(*c->items)))
		return -ENOMEM;
	check.text = strdup(text);
	if (!check.text)
		return -ENOMEM;
	c->items[c->n++] = check;
	return 0;
}

int conditions__add(struct conditions *c, const char *list, char *why, size_t cap)
{
	char *copy = strdup(list), *rest = copy, *text;
	int err = copy ? 0 : -ENOMEM;

	if (copy)
		remove_blanks(copy);
	while (!err && (text = strsep(&rest, ",")))
		err = add_condition(c, text, why, cap);
	free(copy);
	return err;
}

void conditions__release(struct conditions *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->items[i].text);
	free(c->items);
	*c = (struct conditions){ 0 };
}

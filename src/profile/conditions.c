#include "profile/conditions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"
#include "util/array.h"
#include "util/parse.h"

/* ---- what can be compared ---- */

static uint64_t leak_bytes(const struct profile *p)
{
	return p->leak.live_bytes;
}

static uint64_t leak_sites(const struct profile *p)
{
	return p->leak.sites;
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

static uint64_t lost_count(const struct profile *p)
{
	return p->lost_events + p->lost_stacks + p->lost_table;
}

static const struct {
	const char *name, *meaning;
	uint64_t (*value)(const struct profile *p);
} metrics[] = {
	{ "leak", "bytes held by call stacks with verdict leak", leak_bytes },
	{ "leaks", "the number of these call stacks", leak_sites },
	{ "leak-rate", "bytes a second that they leak", leak_rate },
	{ "growing", "bytes held by call stacks with verdict growing", growing_bytes },
	{ "live", "bytes held", live_bytes },
	{ "blocks", "blocks held", live_blocks },
	{ "growth", "bytes held more than at the mark, or than at the start", growth_bytes },
	{ "lost", "events, call stacks and blocks that were lost", lost_count },
};

const char *conditions__metric(size_t i, const char **meaning)
{
	if (i >= ARRAY_SIZE(metrics))
		return NULL;
	*meaning = metrics[i].meaning;
	return metrics[i].name;
}

bool conditions__is_met(const struct condition *c, const struct profile *p)
{
	uint64_t value = metrics[c->metric].value(p);

	return c->or_equal ? value >= c->limit : value > c->limit;
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

static int parse_condition(const char *text, struct condition *c, char *why, size_t cap)
{
	size_t len = strcspn(text, "<>=!");
	const char *value = text + len + 1;

	if (text[len] != '>')
		return refuse_condition(why, cap,
					text[len] ? "compares with none of > and >="
						  : "lacks a comparison such as >0");
	if (find_metric(text, len, c))
		return refuse_condition(why, cap,
					"compares none of leak, leaks, leak-rate, growing, "
					"live, blocks, growth and lost");
	c->or_equal = *value == '=';
	value += c->or_equal;
	if (parse__size(value, &c->limit))
		return refuse_condition(why, cap, "compares with no number (suffixes k, m, g)");
	return 0;
}

static int add_condition(struct conditions *c, const char *text, char *why, size_t cap)
{
	struct condition check = { 0 }, *items;
	int err;

	err = parse_condition(text, &check, why, cap);
	if (err)
		return err;
	items = reallocarray(c->items, c->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	c->items = items;
	check.text = strdup(text);
	if (!check.text)
		return -ENOMEM;
	items[c->n++] = check;
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

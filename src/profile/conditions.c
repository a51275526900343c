#include "profile/conditions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"
#include "util/util.h"

/* ---- what can be compared ---- */

static uint64_t leak(const struct profile *p)
{
	return p->leak.live_bytes;
}

static uint64_t leaks(const struct profile *p)
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

static uint64_t growing(const struct profile *p)
{
	return p->growing.live_bytes;
}

static uint64_t live(const struct profile *p)
{
	return p->live_bytes - p->suppressed_live_bytes;
}

static uint64_t blocks(const struct profile *p)
{
	return p->live_blocks - p->suppressed_live_blocks;
}

static uint64_t growth(const struct profile *p)
{
	int64_t bytes = p->since_mark_bytes - p->suppressed_since_mark;

	return bytes > 0 ? (uint64_t)bytes : 0;
}

static uint64_t lost(const struct profile *p)
{
	return p->lost_events + p->lost_stacks + p->lost_table;
}

static const struct {
	const char *name, *meaning;
	uint64_t (*value)(const struct profile *p);
} metrics[] = {
	{ "leak", "bytes held by call stacks with verdict leak", leak },
	{ "leaks", "the number of these call stacks", leaks },
	{ "leak-rate", "bytes a second that they leak", leak_rate },
	{ "growing", "bytes held by call stacks with verdict growing", growing },
	{ "live", "bytes held", live },
	{ "blocks", "blocks held", blocks },
	{ "growth", "bytes held more than at the mark, or than at the start", growth },
	{ "lost", "events, call stacks and blocks that were lost", lost },
};

const char *condition__metric(size_t i, const char **meaning)
{
	if (i >= ARRAY_SIZE(metrics))
		return NULL;
	*meaning = metrics[i].meaning;
	return metrics[i].name;
}

bool condition__fails(const struct condition *c, const struct profile *p)
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

static int complain(char *why, size_t cap, const char *what)
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

static int parse(const char *text, struct condition *c, char *why, size_t cap)
{
	size_t len = strcspn(text, "<>=!");
	const char *value = text + len + 1;

	if (text[len] != '>')
		return complain(why, cap,
				text[len] ? "compares with none of > and >="
					  : "lacks a comparison such as >0");
	if (find_metric(text, len, c))
		return complain(why, cap,
				"compares none of leak, leaks, leak-rate, growing, "
				"live, blocks, growth and lost");
	c->or_equal = *value == '=';
	value += c->or_equal;
	if (util__parse_size(value, &c->limit))
		return complain(why, cap, "compares with no number (suffixes k, m, g)");
	return 0;
}

static int add(struct conditions *c, const char *text, char *why, size_t cap)
{
	struct condition check = { 0 }, *items;
	int err;

	err = parse(text, &check, why, cap);
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
		err = add(c, text, why, cap);
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

/* What options are given: each type of value is checked and stored by one function. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/option_row.h"
#include "cli/options.h"
#include "util/escape.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "util/util.h"

#define SECONDS_MAX 1e9
#define UNWIND_MEMORY_MIN (8ull << 20)
#define UNWIND_MEMORY_MAX (8ull << 30)
#define RECORD_MIN (1 << 20)
#define RING_MIN (64 << 10)
#define RING_MAX (1 << 30)

/* One line: "memtrace: SUBJECT: 'VALUE' REASON; try HINT". VALUE may be NULL. */
int option__refuse(const char *subject, const char *value, const char *reason, const char *hint)
{
	struct strbuf sb = { 0 };

	if (value) {
		strbuf__addc(&sb, '\'');
		escape__plain(&sb, value);
		strbuf__adds(&sb, "' ");
	}
	log__error("%s: %s%s; try %s", subject, sb.data && !sb.error ? sb.data : "", reason, hint);
	strbuf__free(&sb);
	return -EINVAL;
}

int option__refuse_value(const struct option_row *r, const char *value, const char *reason)
{
	char subject[40], hint[128];

	snprintf(subject, sizeof(subject), "--%s", r->name);
	snprintf(hint, sizeof(hint), "--%s %s", r->name, r->example ? r->example : r->value);
	return option__refuse(subject, value, reason, hint);
}

int option__flag(struct options *o, const struct option_row *r, const char *value)
{
	(void)value;
	*(bool *)((char *)o + r->field) = r->on;
	return 0;
}

int option__string(struct options *o, const struct option_row *r, const char *value)
{
	if (!*value)
		return option__refuse_value(r, value, "is empty");
	*(const char **)((char *)o + r->field) = value;
	return 0;
}

static int parse_seconds(const struct option_row *r, const char *value, double *s)
{
	int err = util__parse_seconds(value, s);

	if (err == -EINVAL)
		return option__refuse_value(r, value, "is not a number of seconds");
	if (err || *s > SECONDS_MAX)
		return option__refuse_value(r, value, "is too long");
	if (*s < r->least_s)
		return option__refuse_value(r, value, "is too short");
	return 0;
}

int option__seconds(struct options *o, const struct option_row *r, const char *value)
{
	double s;
	int err = parse_seconds(r, value, &s);

	if (!err)
		*(double *)((char *)o + r->field) = s;
	return err;
}

int option__age(struct options *o, const struct option_row *r, const char *value)
{
	double s;
	int err = parse_seconds(r, value, &s);

	if (!err)
		o->plan.query.min_age = (uint64_t)(s * 1e9);
	return err;
}

int option__size(struct options *o, const struct option_row *r, const char *value)
{
	uint64_t *to = (uint64_t *)((char *)o + r->field), n;
	int err = util__parse_size(value, &n);

	if (err == -ERANGE)
		return option__refuse_value(r, value, "is too large");
	if (err)
		return option__refuse_value(r, value, "is not a size in bytes (suffixes k, m, g)");
	*to = n;
	return 0;
}

int option__ring(struct options *o, const struct option_row *r, const char *value)
{
	int err = option__size(o, r, value);

	if (!err && (o->plan.ring_bytes < RING_MIN || o->plan.ring_bytes > RING_MAX))
		err = option__refuse_value(r, value, "is not between 64k and 1g");
	return err;
}

int option__record_size(struct options *o, const struct option_row *r, const char *value)
{
	int err = option__size(o, r, value);

	if (!err && o->plan.record_bytes < RECORD_MIN)
		err = option__refuse_value(r, value, "is less than 1m");
	return err;
}

int option__unwind_memory(struct options *o, const struct option_row *r, const char *value)
{
	int err = option__size(o, r, value);

	if (!err && (o->plan.unwind_memory < UNWIND_MEMORY_MIN ||
		     o->plan.unwind_memory > UNWIND_MEMORY_MAX))
		err = option__refuse_value(r, value, "is not between 8m and 8g");
	return err;
}

static int parse_count(const struct option_row *r, const char *value, uint64_t least, uint64_t most,
		       uint64_t *n)
{
	int err = util__parse_u64(value, n);

	if (err == -EINVAL)
		return option__refuse_value(r, value, "is not a whole number");
	if (err || *n > most)
		return option__refuse_value(r, value, "is too large");
	return *n < least ? option__refuse_value(r, value, "is too small") : 0;
}

int option__reports(struct options *o, const struct option_row *r, const char *value)
{
	return parse_count(r, value, 1, UINT64_MAX, &o->plan.reports);
}

int option__top(struct options *o, const struct option_row *r, const char *value)
{
	uint64_t n;
	int err = parse_count(r, value, 0, UINT32_MAX, &n);

	if (err)
		return err;
	o->plan.query.top = (uint32_t)n;
	o->plan.top_given = true;
	return 0;
}

int option__depth(struct options *o, const struct option_row *r, const char *value)
{
	uint64_t n;
	int err = parse_count(r, value, 1, EVENT_MAX_FRAMES, &n);

	if (!err)
		o->plan.max_depth = (uint32_t)n;
	return err;
}

/* The index of `value` among the row's choices, "heap|map|all"; or it is refused. */
static int choose(const struct option_row *r, const char *value)
{
	const char *word = r->value;
	size_t len;

	for (int i = 0; *word; i++) {
		len = strcspn(word, "|");
		if (len == strlen(value) && !strncmp(word, value, len))
			return i;
		word += len + (word[len] != '\0');
	}
	return option__refuse_value(r, value, "is none of its values");
}

int option__sort(struct options *o, const struct option_row *r, const char *value)
{
	int i = choose(r, value);

	if (i < 0)
		return i;
	o->plan.query.sort = (enum sort_key)i; /* the words stand in the order of the enum */
	o->plan.sort_given = true;
	return 0;
}

int option__by(struct options *o, const struct option_row *r, const char *value)
{
	int i = choose(r, value);

	if (i < 0)
		return i;
	o->plan.query.by = (enum merge_by)i; /* the words stand in the order of the enum */
	return 0;
}

int option__kind(struct options *o, const struct option_row *r, const char *value)
{
	int i = choose(r, value);

	if (i < 0)
		return i;
	o->plan.query.heap = i != 1;
	o->plan.query.map = i != 0;
	return 0;
}

int option__stack(struct options *o, const struct option_row *r, const char *value)
{
	static const enum stack_mode modes[] = { STACK_DWARF, STACK_FP, STACK_OFF };
	int i = choose(r, value);

	if (i < 0)
		return i;
	o->plan.stack_mode = modes[i];
	return 0;
}

int option__attach(struct options *o, const struct option_row *r, const char *value)
{
	int i = choose(r, value);

	if (i < 0)
		return i;
	o->plan.attach = value;
	return 0;
}

int option__format(struct options *o, const struct option_row *r, const char *value)
{
	const struct report_format *f;
	struct strbuf names = { 0 };
	const char *hint;
	int err;

	(void)r;
	o->plan.format = report__find(value);
	if (o->plan.format)
		return 0;
	for (size_t i = 0; (f = report__at(i)); i++)
		strbuf__addf(&names, "%s%s", i ? "|" : "--format ", f->name);
	hint = names.error ? "--help" : names.data;
	err = option__refuse("--format", value, "is no format", hint);
	strbuf__free(&names);
	return err;
}

int option__probe(struct options *o, const struct option_row *r, const char *value)
{
	char why[256] = "";
	int err = probe_specs__add(&o->plan.probes, value, why, sizeof(why));

	if (err == -ENOMEM) {
		log__error("--probe: out of memory");
		return err;
	}
	return err ? option__refuse_value(r, value, why) : 0;
}

/* ---- targets ---- */

static int add_pid(struct options *o, uint32_t pid)
{
	uint32_t *more;

	for (size_t i = 0; i < o->plan.npids; i++) {
		if (o->plan.pids[i] == pid)
			return 0;
	}
	more = reallocarray(o->plan.pids, o->plan.npids + 1, sizeof(*more));
	if (!more) {
		log__error("--pid: out of memory");
		return -ENOMEM;
	}
	o->plan.pids = more;
	o->plan.pids[o->plan.npids++] = pid;
	return 0;
}

static int take_pid(struct options *o, const struct option_row *r, const char *value)
{
	uint64_t pid;

	if (util__parse_u64(value, &pid) || !pid || pid > INT_MAX)
		return option__refuse_value(r, value, "is no process id");
	if (pid == (uint64_t)getpid())
		return option__refuse_value(r, value, "is memtrace itself, which cannot be traced");
	return add_pid(o, (uint32_t)pid);
}

int option__pids(struct options *o, const struct option_row *r, const char *value)
{
	char *list = strdup(value), *item, *comma;
	int err = list ? 0 : -ENOMEM;

	for (item = list; item && !err; item = comma ? comma + 1 : NULL) {
		comma = strchr(item, ',');
		if (comma)
			*comma = '\0';
		err = take_pid(o, r, item);
	}
	free(list);
	return err;
}

static int add_name(const struct option_row *r, const char ***names, size_t *n, const char *value)
{
	const char **more;

	if (!*value)
		return option__refuse_value(r, value, "is no name");
	more = reallocarray(*names, *n + 1, sizeof(*more));
	if (!more) {
		log__error("--%s: out of memory", r->name);
		return -ENOMEM;
	}
	*names = more;
	more[(*n)++] = value;
	return 0;
}

int option__container(struct options *o, const struct option_row *r, const char *value)
{
	return add_name(r, &o->plan.containers, &o->plan.ncontainers, value);
}

int option__cgroup(struct options *o, const struct option_row *r, const char *value)
{
	return add_name(r, &o->plan.cgroups, &o->plan.ncgroups, value);
}

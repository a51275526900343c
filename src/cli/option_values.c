/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes the values of options: one function checks and stores each type of value. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/option_row.h"
#include "cli/options.h"
#include "cli/process_name.h"
#include "profile/names.h"
#include "profile/languages.h"
#include "util/array.h"
#include "util/escape.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"

#define SECONDS_MAX 1e9
#define NAMED_SHOWN 20 /* processes that a name may mean */

unsigned int option__verbs(const struct option_row *r)
{
	return r->of ? r->of : OF_TRACE;
}

const char *option__word(const struct option_row *r, size_t i, size_t *len)
{
	const struct report_format *f = r->type == VALUE_FORMAT ? report__at(i) : NULL;
	const char *word = r->value && strchr(r->value, '|') ? r->value : NULL;

	if (r->type == VALUE_FORMAT)
		word = f ? f->name : NULL;
	for (; word && r->type != VALUE_FORMAT && i; i--) {
		word = strchr(word, '|');
		word = word ? word + 1 : NULL;
	}
	*len = word ? strcspn(word, "|") : 0;
	return word;
}

/* ---- refusals ---- */

int option__refuse(const char *what, const char *value, const char *hint)
{
	struct strbuf sb = { 0 };

	if (value) {
		strbuf__adds(&sb, ": '");
		escape__plain(&sb, value);
		strbuf__addc(&sb, '\'');
	}
	log__error("%s%s; try %s", what, sb.data && !sb.error ? sb.data : "", hint);
	strbuf__free(&sb);
	return -EINVAL;
}

static void suggest(const struct option_row *r, char *hint, size_t cap)
{
	snprintf(hint, cap, "--%s %s", r->name, r->example ? r->example : r->value);
}

int option__refuse_value_try(const struct option_row *r, const char *value, const char *reason,
			     const char *hint)
{
	struct strbuf sb = { 0 };
	int err;

	strbuf__addf(&sb, "--%s: '", r->name);
	escape__plain(&sb, value);
	strbuf__addf(&sb, "' %s", reason);
	err = option__refuse(sb.error ? r->name : sb.data, NULL, hint);
	strbuf__free(&sb);
	return err;
}

int option__refuse_value(const struct option_row *r, const char *value, const char *reason)
{
	char hint[128];

	suggest(r, hint, sizeof(hint));
	return option__refuse_value_try(r, value, reason, hint);
}

int option__refuse_invalid(const struct option_row *r, const char *what, const char *value)
{
	char text[128], hint[128];

	suggest(r, hint, sizeof(hint));
	snprintf(text, sizeof(text), "--%s: invalid %s", r->name, what);
	return option__refuse(text, value, hint);
}

int option__refuse_memory(const struct option_row *r)
{
	log__error("--%s: out of memory", r->name);
	return -ENOMEM;
}

/* ---- values ---- */

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
	int err = parse__seconds(value, s);

	if (err == -EINVAL)
		return option__refuse_invalid(r, "number of seconds", value);
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

/* Prints a size as it would be written on the command line: "64k". */
static const char *spell_size(char *buf, size_t cap, uint64_t n)
{
	static const char *const suffixes[] = { "", "k", "m", "g" };
	size_t i = 0;

	for (; n && n % 1024 == 0 && i + 1 < ARRAY_SIZE(suffixes); i++)
		n /= 1024;
	snprintf(buf, cap, "%llu%s", (unsigned long long)n, suffixes[i]);
	return buf;
}

int option__size(struct options *o, const struct option_row *r, const char *value)
{
	uint64_t n;
	int err = parse__size(value, &n);
	char reason[96], least[32], most[32];

	if (err && err != -ERANGE)
		return option__refuse_invalid(r, "size (suffixes k, m, g)", value);
	if (err || n > r->most || n < r->least) {
		spell_size(least, sizeof(least), r->least);
		spell_size(most, sizeof(most), r->most);
		if (r->most != UINT64_MAX)
			snprintf(reason, sizeof(reason), "is not between %s and %s", least, most);
		else if (err)
			snprintf(reason, sizeof(reason), "is too large");
		else
			snprintf(reason, sizeof(reason), "is less than %s", least);
		return option__refuse_value(r, value, reason);
	}
	*(uint64_t *)((char *)o + r->field) = n;
	return 0;
}

static int parse_count(const struct option_row *r, const char *value, uint64_t least, uint64_t most,
		       uint64_t *n)
{
	int err = parse__u64(value, n);

	if (err == -EINVAL)
		return option__refuse_invalid(r, "number", value);
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

/* Returns 0 if `value` is one of the row's words; otherwise rejects it. */
static int check_word(const struct option_row *r, const char *value)
{
	const char *word;
	size_t len;

	for (size_t i = 0; (word = option__word(r, i, &len)); i++) {
		if (len == strlen(value) && !strncmp(word, value, len))
			return 0;
	}
	return option__refuse_invalid(r, "value", value);
}

int option__sort(struct options *o, const struct option_row *r, const char *value)
{
	int err = check_word(r, value);

	for (int key = 0; !err && key < SORT_KEYS; key++) {
		if (!strcmp(profile_names__sort((enum sort_key)key), value))
			o->plan.query.sort = (enum sort_key)key;
	}
	o->plan.sort_given = true;
	return err;
}

int option__by(struct options *o, const struct option_row *r, const char *value)
{
	int err = check_word(r, value);

	for (int key = 0; !err && key < MERGE_KEYS; key++) {
		if (!strcmp(profile_names__by((enum merge_by)key), value))
			o->plan.query.by = (enum merge_by)key;
	}
	return err;
}

int option__kind(struct options *o, const struct option_row *r, const char *value)
{
	int err = check_word(r, value);

	if (err)
		return err;
	o->plan.query.heap = strcmp(value, "map") != 0;
	o->plan.query.map = strcmp(value, "heap") != 0;
	return 0;
}

int option__stack(struct options *o, const struct option_row *r, const char *value)
{
	int err = check_word(r, value);

	for (int mode = 0; !err && mode < STACK_MODES; mode++) {
		if (!strcmp(profile_names__stack_mode((enum stack_mode)mode), value))
			o->plan.stack_mode = (enum stack_mode)mode;
	}
	return err;
}

int option__attach(struct options *o, const struct option_row *r, const char *value)
{
	int err = check_word(r, value);

	if (!err)
		o->plan.attach = value;
	return err;
}

int option__format(struct options *o, const struct option_row *r, const char *value)
{
	const struct report_format *f = report__find(value);
	struct strbuf hint = { 0 };
	const char *word;
	size_t len;
	int err;

	if (f) {
		o->plan.format = f;
		return 0;
	}
	for (size_t i = 0; (word = option__word(r, i, &len)); i++) {
		strbuf__adds(&hint, i ? "|" : "--format ");
		strbuf__add(&hint, word, len);
	}
	err = option__refuse("--format: unknown format", value, hint.error ? "--help" : hint.data);
	strbuf__free(&hint);
	return err;
}

int option__probe(struct options *o, const struct option_row *r, const char *value)
{
	char why[256] = "";
	int err = probe_specs__add(&o->plan.probes, value, why, sizeof(why));

	if (err == -ENOMEM)
		return option__refuse_memory(r);
	return err ? option__refuse_value(r, value, why) : 0;
}

int option__runtime(struct options *o, const struct option_row *r, const char *value)
{
	const struct language *runtime = languages__preset(value);
	size_t first = o->plan.probes.n;
	char why[256] = "";
	int err;

	if (!runtime)
		return check_word(r, value);
	for (size_t i = 0; i < first; i++) {
		const char *preset = o->plan.probes.specs[i].preset;

		if (preset && !strcmp(preset, runtime->name))
			return 0;
	}
	err = probe_specs__add(&o->plan.probes, runtime->probes, why, sizeof(why));
	if (err == -ENOMEM)
		return option__refuse_memory(r);
	for (size_t i = first; !err && i < o->plan.probes.n; i++)
		o->plan.probes.specs[i].preset = runtime->name;
	return err ? option__refuse_value(r, value, why) : 0;
}

/* ---- targets ---- */

static int add_pid(struct options *o, const struct option_row *r, uint32_t pid)
{
	uint32_t *more;

	for (size_t i = 0; i < o->plan.npids; i++) {
		if (o->plan.pids[i] == pid)
			return 0;
	}
	more = reallocarray(o->plan.pids, o->plan.npids + 1, sizeof(*more));
	if (!more)
		return option__refuse_memory(r);
	o->plan.pids = more;
	o->plan.pids[o->plan.npids++] = pid;
	return 0;
}

static int take_number(struct options *o, const struct option_row *r, const char *value)
{
	uint64_t pid;

	if (parse__u64(value, &pid) || !pid || pid > INT_MAX)
		return option__refuse_invalid(r, "process ID", value);
	if (pid == (uint64_t)getpid())
		return option__refuse_value(r, value, "is memtrace itself, which cannot be traced");
	return add_pid(o, r, (uint32_t)pid);
}

/* Lists the processes that a name may mean. */
static int refuse_ambiguous(const struct option_row *r, const char *name,
			    const struct named_processes *found)
{
	size_t shown = found->n < NAMED_SHOWN ? found->n : NAMED_SHOWN;
	struct strbuf sb = { 0 };
	char reason[64];
	int err;

	snprintf(reason, sizeof(reason), "is the name of %zu processes", found->n);
	err = option__refuse_value_try(r, name, reason, "--pid with the ID of one of them:");
	for (size_t i = 0; i < shown; i++) {
		strbuf__reset(&sb);
		process_name__describe(&sb, &found->list[i]);
		log__error("%s", sb.data && !sb.error ? sb.data : "");
	}
	if (shown < found->n)
		log__error("… and %zu more", found->n - shown);
	strbuf__free(&sb);
	return err;
}

static int take_name(struct options *o, const struct option_row *r, const char *name)
{
	struct named_processes found;
	int err = process_name__find(name, &found);

	if (err == -ENOMEM)
		err = option__refuse_memory(r);
	else if (err)
		log__error("--pid: cannot list the processes: /proc: %s", strerror(-err));
	else if (!found.n)
		err = option__refuse_value_try(
		    r, name, "is neither a process ID nor the name of a running program",
		    "ps -e, which lists both");
	else if (found.n > 1)
		err = refuse_ambiguous(r, name, &found);
	else
		err = add_pid(o, r, found.list[0].pid);
	process_name__free(&found);
	return err;
}

/* No option and no number can be meant as a name. */
static bool may_be_name(const char *value)
{
	return *value && *value != '-' && value[strspn(value, "0123456789")];
}

static int take_pid(struct options *o, const struct option_row *r, const char *value)
{
	return may_be_name(value) ? take_name(o, r, value) : take_number(o, r, value);
}

int option__pids(struct options *o, const struct option_row *r, const char *value)
{
	char *list = strdup(value), *item, *comma;
	int err = list ? 0 : option__refuse_memory(r);

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
		return option__refuse_value(r, value, "is empty");
	more = reallocarray(*names, *n + 1, sizeof(*more));
	if (!more)
		return option__refuse_memory(r);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Derives getopt_long's table from the rows. getopt_long rather than argp, because a wrong command
 * line gets one line in our own words, and argp prints its usage as well.
 */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/option_row.h"
#include "util/parse.h"

#define KEY(row) ((row)->letter ? (row)->letter : 256 - (int)(option_rows - (row)))
#define ROWS_MAX 128

/* The rows in the form that getopt_long wants. */
struct getopt_tables {
	struct option longs[ROWS_MAX + 1];
	char shorts[2 * ROWS_MAX + 3];
};

static void fill_tables(struct getopt_tables *t)
{
	struct option *l = t->longs;
	char *s = t->shorts;

	memset(t, 0, sizeof(*t));
	/* '-': other arguments are returned in order, as option 1; so whatever is left at the end
	 * follows "--". ':': a missing value is distinguished from an unknown option. */
	*s++ = '-';
	*s++ = ':';
	for (size_t i = 0; i < option_row_count && i < ROWS_MAX; i++) {
		const struct option_row *r = &option_rows[i];

		if (!r->name)
			continue;
		*l++ = (struct option){ r->name, r->value ? required_argument : no_argument, NULL,
					KEY(r) };
		if (!r->letter)
			continue;
		*s++ = r->letter;
		if (r->value)
			*s++ = ':';
	}
}

static const struct option_row *find_row(int key)
{
	for (size_t i = 0; i < option_row_count; i++) {
		if (option_rows[i].name && KEY(&option_rows[i]) == key)
			return &option_rows[i];
	}
	return NULL;
}

/* Takes an argument that belongs to no option: a recording, if the verb takes one. */
static int take_argument(struct options *o, const char *arg)
{
	const struct verb_row *v = &option_verbs[o->verb];
	char hint[64];
	uint64_t pid;

	if (o->nfiles < v->files) {
		o->files[o->nfiles++] = arg;
		return 0;
	}
	if (v->files)
		return option__refuse("too many arguments", arg, "memtrace --help");
	if (!parse__u64(arg, &pid))
		snprintf(hint, sizeof(hint), "-p %llu", (unsigned long long)pid);
	else
		snprintf(hint, sizeof(hint), "-- before the command to start");
	return option__refuse("unexpected argument", arg, hint);
}

/* Long options may be abbreviated, unless several match. */
static bool is_ambiguous(const char *arg)
{
	size_t len = strcspn(arg, "="), n = 0;

	for (size_t i = 0; i < option_row_count; i++)
		n += option_rows[i].name && len > 2 &&
		     !strncmp(option_rows[i].name, arg + 2, len - 2);
	return n > 1;
}

/* Rejects what getopt_long cannot take: `c` is ':' or '?'. */
static int refuse_option(int c, char **argv)
{
	const struct option_row *r = find_row(optopt);
	char what[80], hint[128], letter[3] = { '-', (char)optopt, '\0' };

	if (!r && optopt)
		return option__refuse("unknown option", letter, "memtrace --help");
	if (!r)
		return option__refuse(is_ambiguous(argv[optind - 1]) ? "ambiguous option"
								     : "unknown option",
				      argv[optind - 1], "memtrace --help");
	snprintf(what, sizeof(what), "--%s %s", r->name,
		 c == ':' ? "needs a value" : "takes no value");
	snprintf(hint, sizeof(hint), "--%s%s%s", r->name, c == ':' ? " " : "",
		 c != ':'     ? ""
		 : r->example ? r->example
			      : r->value);
	return option__refuse(what, NULL, hint);
}

static int take_option(struct options *o, const struct option_row *r, const char *value)
{
	char what[80], hint[40];
	const char *verb = option_verbs[o->verb].name;

	if (option__verbs(r) & OF(o->verb))
		return r->take(o, r, value);
	snprintf(what, sizeof(what), "--%s cannot be used with %s", r->name,
		 verb ? verb : "memtrace");
	snprintf(hint, sizeof(hint), "memtrace %s without it", verb ? verb : "");
	return option__refuse(what, NULL, hint);
}

/* The first argument may be a verb. */
static void take_verb(struct options *o, int *argc, char ***argv)
{
	for (int v = 0; *argc > 1 && v < VERBS; v++) {
		const struct verb_row *row = &option_verbs[v];

		if (!row->name || strcmp((*argv)[1], row->name) != 0)
			continue;
		o->verb = (enum verb)v;
		if (row->files)
			o->plan.interval_s = 0;
		++*argv;
		--*argc;
		return;
	}
}

static int parse_arguments(struct options *o, int argc, char **argv)
{
	const char *last = NULL; /* the last argument that was an option's value */
	struct getopt_tables t;
	int c, err = 0;

	fill_tables(&t);
	optind = 0; /* makes glibc start over */
	opterr = 0;
	while (!err && (c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		if (c == ':' || c == '?')
			return refuse_option(c, argv);
		if (c == 1)
			err = take_argument(o, optarg);
		else
			err = take_option(o, find_row(c), optarg);
		last = c == 1 ? NULL : optarg;
	}
	if (err)
		return err;
	if (option_verbs[o->verb].files) {
		while (!err && optind < argc) /* after "--": names that look like options */
			err = take_argument(o, argv[optind++]);
		return err;
	}
	if (optind < argc)
		o->plan.command = argv + optind;
	else if (argc > 1 && !strcmp(argv[argc - 1], "--") && argv[argc - 1] != last)
		return option__refuse("-- needs a COMMAND after it", NULL, "memtrace -- COMMAND");
	return 0;
}

static int check_files(const struct options *o)
{
	if (o->nfiles == option_verbs[o->verb].files)
		return 0;
	if (o->verb == VERB_DIFF)
		return option__refuse("diff needs two recordings", NULL,
				      "memtrace diff before.mt after.mt");
	return option__refuse("report needs a recording", NULL, "memtrace report run.mt");
}

/* Checks the output of record, which is the recording. */
static int check_record(struct options *o)
{
	struct plan *p = &o->plan;

	if (o->verb != VERB_RECORD)
		return 0;
	if (!p->output)
		return option__refuse("record needs an output file", NULL, "-o run.mt");
	p->record = p->output;
	p->output = NULL;
	p->record_only = true;
	return 0;
}

static int check_targets(const struct plan *p)
{
	bool groups = p->ncontainers || p->ncgroups;

	if (!p->npids && !p->command && !groups && !p->all)
		return option__refuse(
		    "no target given", NULL,
		    "memtrace -p PID, memtrace -c CONTAINER, or memtrace -- COMMAND");
	if (p->wait && !groups)
		return option__refuse("--wait needs a container or cgroup", NULL,
				      "-c NAME or -g DIRECTORY");
	if (!p->children && (groups || p->all))
		return option__refuse("--no-children cannot be combined with -c, -g or -a", NULL,
				      "-p PID");
	if (p->user && !p->command)
		return option__refuse("--user needs a COMMAND", NULL, "-- COMMAND at the end");
	if (p->probes.n && !p->query.heap)
		return option__refuse("--probe cannot be combined with --kind map", NULL,
				      "--kind heap");
	return 0;
}

/* Checks options against each other. */
static int check_plan(struct options *o)
{
	struct plan *p = &o->plan;
	int err = 0;

	p->full_stacks |= o->verbose;
	if (p->min_size > p->max_size)
		return option__refuse("--min-size is above --max-size", NULL,
				      "a smaller --min-size");
	if (option_verbs[o->verb].files)
		return check_files(o);
	err = check_targets(p);
	if (!err)
		err = check_record(o);
	p->no_miss |= p->wait;
	return err;
}

int options__parse(struct options *o, int argc, char **argv)
{
	struct plan *p = &o->plan;
	int err;

	*o = (struct options){ .plan = plan__default() };
	take_verb(o, &argc, &argv);
	err = parse_arguments(o, argc, argv);
	if (!err)
		err = check_plan(o);
	if (!err)
		err = option__add_default_rules(o);
	if (!p->sort_given)
		p->query.sort = p->since_mark ? SORT_MARK : SORT_LEAK;
	if (err)
		options__free(o);
	return err > 0 ? 1 : err ? -EINVAL : 0;
}

void options__free(struct options *o)
{
	plan__release(&o->plan);
}

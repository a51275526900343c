/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of options: how each is written, what it means, and the function that takes its value.
 * The parser, --help, the OPTIONS of the manual page and the shell completions are made from it. A
 * new option is a row in option_rows.c and, if it fills a new member of the plan, that member
 * (run/plan.h) and its default (run/plan.c).
 */
#ifndef MEMTRACE_CLI_OPTION_ROW_H
#define MEMTRACE_CLI_OPTION_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"

/* The verbs that have an option, as bits; 0 in a row: those that trace. */
#define OF(verb) (1u << (verb))
#define OF_TRACE (OF(VERB_TRACE) | OF(VERB_RECORD))
#define OF_REPORTS (OF(VERB_TRACE) | OF(VERB_REPORT))
#define OF_ALL (OF_TRACE | OF(VERB_REPORT) | OF(VERB_DIFF))

struct verb_row {
	const char *name; /* NULL: tracing, which has no verb */
	const char *usage, *help;
	size_t files; /* recordings that it takes */
};

/* What shells offer for a value that is not from a list. */
enum value_type {
	VALUE_OTHER, /* nothing: a number, say */
	VALUE_FILE,
	VALUE_FOLDER,
	VALUE_PID,
	VALUE_USER,
	VALUE_FORMAT, /* a report format */
};

/*
 * `help` is for one line of --help; `detail` is for the manual page and defaults to `help`. In a
 * detail, `text` in backquotes is literal (bold), <text> is a placeholder (italic), and a newline
 * begins a paragraph.
 */
struct option_row {
	const char *heading; /* starts a group; apart from it only `help` and `detail` are used */
	char letter;	     /* 0: none */
	const char *name;    /* long name; NULL: no option, only shown, by `value` */
	const char *value;   /* placeholder, or "heap|map|all" for a choice; NULL: takes no value */
	enum value_type type;
	const char *help; /* NULL: hidden */
	const char *detail;
	const char *example; /* a good value, for error lines */
	/* Returns 0, 1 if the job is done and the run is over, or a negative errno after printing a
	 * line. */
	int (*take)(struct options *o, const struct option_row *r, const char *value);
	unsigned int of; /* OF_* */
	/* For rows that only fill a member of struct options. */
	size_t field; /* its offset */
	bool on;      /* the value of a flag */
	double least_s;
	uint64_t least, most; /* bytes */
};

extern const struct verb_row option_verbs[VERBS];
extern const struct option_row option_rows[];
extern const size_t option_row_count;

unsigned int option__verbs(const struct option_row *r); /* OF_* */
/* Returns the i-th word of a row's choice, or of the report formats, with its length; NULL: no
 * more. */
const char *option__word(const struct option_row *r, size_t i, size_t *len);

/* The functions that a row may name to take its value. Each prints one line if it rejects the
 * value. */
int option__flag(struct options *o, const struct option_row *r, const char *value);
int option__string(struct options *o, const struct option_row *r, const char *value);
int option__seconds(struct options *o, const struct option_row *r, const char *value);
int option__age(struct options *o, const struct option_row *r, const char *value);
int option__size(struct options *o, const struct option_row *r, const char *value);
int option__reports(struct options *o, const struct option_row *r, const char *value);
int option__top(struct options *o, const struct option_row *r, const char *value);
int option__depth(struct options *o, const struct option_row *r, const char *value);
int option__sort(struct options *o, const struct option_row *r, const char *value);
int option__by(struct options *o, const struct option_row *r, const char *value);
int option__kind(struct options *o, const struct option_row *r, const char *value);
int option__stack(struct options *o, const struct option_row *r, const char *value);
int option__attach(struct options *o, const struct option_row *r, const char *value);
int option__format(struct options *o, const struct option_row *r, const char *value);
int option__runtime(struct options *o, const struct option_row *r, const char *value);
int option__probe(struct options *o, const struct option_row *r, const char *value);
int option__container(struct options *o, const struct option_row *r, const char *value);
int option__cgroup(struct options *o, const struct option_row *r, const char *value);
int option__pids(struct options *o, const struct option_row *r, const char *value);
int option__suppressions(struct options *o, const struct option_row *r, const char *value);
int option__wrappers(struct options *o, const struct option_row *r, const char *value);
int option__fail_on(struct options *o, const struct option_row *r, const char *value);
int option__exit_code(struct options *o, const struct option_row *r, const char *value);
int option__version(struct options *o, const struct option_row *r, const char *value);
int option__help(struct options *o, const struct option_row *r, const char *value);
int option__generate(struct options *o, const struct option_row *r, const char *value);

/* To be called after all options are taken. */
int option__add_default_rules(struct options *o);

/* Prints "memtrace: WHAT: 'VALUE'; try HINT", or without VALUE if that is NULL. Returns -EINVAL. */
int option__refuse(const char *what, const char *value, const char *hint);
/* Prints "memtrace: --NAME: 'VALUE' REASON; try --NAME EXAMPLE". Returns -EINVAL. */
int option__refuse_value(const struct option_row *r, const char *value, const char *reason);
int option__refuse_value_try(const struct option_row *r, const char *value, const char *reason,
			     const char *hint);
/* Prints "memtrace: --NAME: invalid WHAT: 'VALUE'; try --NAME EXAMPLE". Returns -EINVAL. */
int option__refuse_invalid(const struct option_row *r, const char *what, const char *value);
/* Prints that memory ran out. Returns -ENOMEM. */
int option__refuse_memory(const struct option_row *r);

#endif

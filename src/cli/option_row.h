/* A row of the table of options: how it is written, what it means, who takes its value. */
#ifndef MEMTRACE_CLI_OPTION_ROW_H
#define MEMTRACE_CLI_OPTION_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct options;

/* The verbs that know an option, as bits; 0: those that trace. */
#define OF(verb) (1u << (verb))
#define OF_TRACE (OF(VERB_TRACE) | OF(VERB_RECORD))
#define OF_REPORTS (OF(VERB_TRACE) | OF(VERB_REPORT))
#define OF_ALL (OF_TRACE | OF(VERB_REPORT) | OF(VERB_DIFF))

struct verb_row {
	const char *name; /* NULL: none is written */
	const char *usage, *help;
	size_t files; /* recordings that it takes */
};

struct option_row {
	const char *heading; /* starts a group of the help text; the rest is unused */
	char letter;	     /* 0: none */
	const char *name;    /* long name; NULL: only shown, by `value` */
	const char *value;   /* what stands for the value in the help text; NULL: takes none */
	const char *help;
	const char *example; /* a good value, for error lines */
	/* 0, 1 where all was said and the run is over, or a negative errno, a line printed. */
	int (*take)(struct options *o, const struct option_row *r, const char *value);
	unsigned int of; /* OF_* */
	size_t field;	 /* for those that fill a member of struct options */
	bool on;
	double least_s;
};

/* What a row's `take` may be. Each prints one line where it refuses. */
int option__flag(struct options *o, const struct option_row *r, const char *value);
int option__string(struct options *o, const struct option_row *r, const char *value);
int option__seconds(struct options *o, const struct option_row *r, const char *value);
int option__age(struct options *o, const struct option_row *r, const char *value);
int option__size(struct options *o, const struct option_row *r, const char *value);
int option__ring(struct options *o, const struct option_row *r, const char *value);
int option__unwind_memory(struct options *o, const struct option_row *r, const char *value);
int option__reports(struct options *o, const struct option_row *r, const char *value);
int option__top(struct options *o, const struct option_row *r, const char *value);
int option__record_size(struct options *o, const struct option_row *r, const char *value);
int option__depth(struct options *o, const struct option_row *r, const char *value);
int option__sort(struct options *o, const struct option_row *r, const char *value);
int option__by(struct options *o, const struct option_row *r, const char *value);
int option__kind(struct options *o, const struct option_row *r, const char *value);
int option__stack(struct options *o, const struct option_row *r, const char *value);
int option__attach(struct options *o, const struct option_row *r, const char *value);
int option__format(struct options *o, const struct option_row *r, const char *value);
int option__probe(struct options *o, const struct option_row *r, const char *value);
int option__container(struct options *o, const struct option_row *r, const char *value);
int option__cgroup(struct options *o, const struct option_row *r, const char *value);
int option__pids(struct options *o, const struct option_row *r, const char *value);
int option__suppressions(struct options *o, const struct option_row *r, const char *value);
int option__fail_on(struct options *o, const struct option_row *r, const char *value);
int option__exit_code(struct options *o, const struct option_row *r, const char *value);

/* Once all options were taken. */
int option__add_default_rules(struct options *o);

/* Prints "memtrace: SUBJECT: 'VALUE' REASON; try HINT", where VALUE may be NULL, and returns
 * -EINVAL. */
int option__refuse(const char *subject, const char *value, const char *reason, const char *hint);
int option__refuse_value(const struct option_row *r, const char *value, const char *reason);

/* --help, in 80 columns. 0 or a negative errno. */
int help__print(const struct verb_row *verbs, size_t nverbs, const struct option_row *rows,
		size_t n, FILE *out);

#endif

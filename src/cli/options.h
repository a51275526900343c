/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns the command line into a plan, or prints one line that says what is wrong with it.
 */
#ifndef MEMTRACE_CLI_OPTIONS_H
#define MEMTRACE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "run/plan.h"

/* The job, named by the first argument; tracing has no verb. */
enum verb { VERB_TRACE, VERB_RECORD, VERB_REPORT, VERB_DIFF, VERBS };

#define FILES_MAX 2

struct options {
	enum verb verb;
	const char *files[FILES_MAX]; /* the recordings to report or to compare */
	size_t nfiles;
	bool verbose;
	struct plan plan; /* its strings, and the command, point into argv */
};

/* Returns 0 to continue, 1 when the job is done (--help, --version), or -EINVAL: an error line was
 * printed, and there is nothing to free. */
int options__parse(struct options *o, int argc, char **argv);
void options__free(struct options *o);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Report formats: one row each in report.c. A renderer takes a profile and a stream, and escapes
 * foreign names. Streaming formats print one report after the other; documents hold one profile,
 * the last. To add a format: a row there, a declaration in internal.h, and a file.
 */
#ifndef MEMTRACE_REPORT_REPORT_H
#define MEMTRACE_REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "profile/profile.h"

struct difference_input;

struct report_style {
	bool color; /* for a terminal, unless NO_COLOR is set */
	int width;  /* columns; 0: unlimited */
	int height; /* lines of the terminal; 0: none */
	bool full;  /* text: every call stack with all its frames */
};

struct report_format {
	const char *name;
	const char *help;
	bool document; /* only the final profile, with all sites unless --top was given */
	bool binary;   /* not for a terminal */
	bool together; /* shows the parts of a leak together: see profile_input */
	/* Called before the first report; may be NULL. These return 0 or a negative errno. */
	int (*begin)(const struct profile_run *run, uint64_t wall_ns, const struct report_style *st,
		     FILE *out);
	int (*report)(const struct profile *p, const struct report_style *st, FILE *out);
	/* A comparison of two profiles (difference.h); NULL: this format cannot show one. */
	int (*difference)(const struct difference_input *in, const struct report_style *st,
			  FILE *out);
};

const struct report_format *report__find(const char *name); /* NULL: none */
const struct report_format *report__at(size_t i);	    /* NULL past the end */

#endif

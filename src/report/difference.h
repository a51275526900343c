/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints a comparison of two profiles: for the rows of formats that can (report.h). */
#ifndef MEMTRACE_REPORT_DIFFERENCE_H
#define MEMTRACE_REPORT_DIFFERENCE_H

#include <stdint.h>
#include <stdio.h>

#include "profile/compare.h"
#include "report/report.h"

struct difference_input {
	const struct comparison *c;
	const char *before_name, *after_name; /* names of the files */
	uint32_t top;			      /* call stacks; 0: all */
};

/* 0 or a negative errno. */
int difference__text(const struct difference_input *in, const struct report_style *st, FILE *out);
int difference__json(const struct difference_input *in, const struct report_style *st, FILE *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints a comparison of two profiles: for the rows of formats that can (report.h). */
#ifndef MEMTRACE_REPORT_DIFFERENCE_H
#define MEMTRACE_REPORT_DIFFERENCE_H

#include <stdint.h>
#include <stdio.h>

#include "profile/compare.h"
#include "report/report.h"
#include "util/strbuf.h"

struct difference_input {
	const struct comparison *c;
	const char *before_name, *after_name; /* names of the files */
	uint32_t top;			      /* call stacks; 0: all */
};

/* Adds "1 leak is new or faster (+1.2 MiB, +3.0 MiB/h more); change +1.3 MiB", and why either side
 * is not judged. */
void difference__add_summary(struct strbuf *sb, const struct comparison *c);

/* 0 or a negative errno. */
int difference__text(const struct difference_input *in, const struct report_style *st, FILE *out);
int difference__json(const struct difference_input *in, const struct report_style *st, FILE *out);

#endif

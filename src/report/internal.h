/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The renderers that the table in report.c refers to, and the few functions that they share. */
#ifndef MEMTRACE_REPORT_INTERNAL_H
#define MEMTRACE_REPORT_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report/report.h"
#include "util/strbuf.h"

#define JSON_SCHEMA 1 /* of all that is printed as JSON */

int text__report(const struct profile *p, const struct report_style *st, FILE *out);
int json_lines__begin(const struct profile_run *run, uint64_t wall_ns,
		      const struct report_style *st, FILE *out);
struct json;
void json_lines__frame(struct json *w, const struct profile *p, const struct profile_frame *f);
/* Whether a report is a verdict, and on how much. */
void json_lines__judged(struct json *w, const struct profile *p);
int json_lines__report(const struct profile *p, const struct report_style *st, FILE *out);
int folded__report(const struct profile *p, const struct report_style *st, FILE *out);
int pprof__report(const struct profile *p, const struct report_style *st, FILE *out);

/* Write and flush, so that a report is written, or has failed, when its renderer returns. 0 or a
 * negative errno. */
int report__write(FILE *out, const void *data, size_t len);
int report__flush(FILE *out);

#endif

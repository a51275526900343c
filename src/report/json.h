/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes JSON as a stream, without a document in memory. A key is plain ASCII, chosen by the
 * caller, and NULL inside an array. Any value can be written: strings are escaped (NULL is null),
 * and a number that JSON cannot represent (infinite, NaN) becomes 0. The first error is kept for
 * json__line.
 */
#ifndef MEMTRACE_REPORT_JSON_H
#define MEMTRACE_REPORT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "util/strbuf.h"

struct json { /* start with { .out = stream } */
	FILE *out;
	struct strbuf scratch;
	bool comma; /* the next value needs a comma */
	int error;
};

void json__open(struct json *w, const char *key, char bracket); /* '{' or '[' */
void json__close(struct json *w, char bracket);			/* '}' or ']' */
void json__string(struct json *w, const char *key, const char *s);
void json__u64(struct json *w, const char *key, uint64_t n);
void json__i64(struct json *w, const char *key, int64_t n);
void json__double(struct json *w, const char *key, double d); /* up to 6 decimals: "10.0" */
void json__bool(struct json *w, const char *key, bool b);
void json__address(struct json *w, const char *key, uint64_t a); /* "0x7f…" */
/* ISO 8601, UTC, milliseconds. */
void json__time(struct json *w, const char *key, uint64_t wall_ns);
/* Ends the line and frees the writer. 0 or a negative errno. */
int json__line(struct json *w);

#endif

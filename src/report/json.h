/*
 * Writes JSON as a stream, without a document in memory. `key` is the writer's own, plain ASCII,
 * and NULL inside an array. Values are written whatever they hold: strings are escaped (NULL is
 * null), a number that JSON cannot say (infinite, not a number) is 0. Errors are remembered for
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
	bool comma; /* a value came before at this level */
	int error;
};

void json__open(struct json *w, const char *key, char bracket); /* '{' or '[' */
void json__close(struct json *w, char bracket);			/* '}' or ']' */
void json__string(struct json *w, const char *key, const char *s);
void json__u64(struct json *w, const char *key, uint64_t n);
void json__i64(struct json *w, const char *key, int64_t n);
void json__double(struct json *w, const char *key, double d); /* 6 decimals at most: "10.0" */
void json__bool(struct json *w, const char *key, bool b);
void json__address(struct json *w, const char *key, uint64_t a); /* "0x7f…" */
/* ISO 8601, UTC, milliseconds. */
void json__time(struct json *w, const char *key, uint64_t wall_ns);
/* Ends the line and the writer. 0 or a negative errno. */
int json__line(struct json *w);

#endif

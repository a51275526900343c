/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes protocol buffers (wire types 0 and 2) and gzip, as far as profile.proto needs them. A
 * field with its default value (0, "") is left out, as in proto3. Errors stay in the string buffer.
 */
#ifndef MEMTRACE_REPORT_PROTO_H
#define MEMTRACE_REPORT_PROTO_H

#include <stdint.h>
#include <stdio.h>

#include "util/strbuf.h"

void proto__varint(struct strbuf *sb, unsigned int field, uint64_t value);
/* Not left out if empty: an element of a repeated field. */
void proto__bytes(struct strbuf *sb, unsigned int field, const void *data, size_t len);
/* A repeated number, packed. */
void proto__packed(struct strbuf *sb, unsigned int field, const uint64_t *values, size_t n);
/* Adds `message` as a field and empties it for the next one. */
void proto__message(struct strbuf *sb, unsigned int field, struct strbuf *message);

/* Compresses and writes `data` as one gzip member without name or time. 0 or a negative errno. */
int proto__gzip(const void *data, size_t len, FILE *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes foreign names harmless. Names that come from a traced program (of functions, files,
 * threads) may contain any byte; each output format has its own way to show them.
 */
#ifndef MEMTRACE_UTIL_ESCAPE_H
#define MEMTRACE_UTIL_ESCAPE_H

#include "util/strbuf.h"

/* Escapes for terminals and folded stacks: control bytes, DEL, C1 controls, bidirectional overrides
 * and malformed UTF-8 become \xNN; backslashes and well-formed UTF-8 stay. */
void escape__plain(struct strbuf *sb, const char *s);

/* Writes a JSON string with its quotes: always valid UTF-8 on one line; malformed bytes become
 * U+FFFD, and what escape__plain would escape becomes \uNNNN. NULL gives null. */
void escape__json(struct strbuf *sb, const char *s);

#endif

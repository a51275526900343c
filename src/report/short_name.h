/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shortens C++ names, which may run over pages, so that a person can read them. */
#ifndef MEMTRACE_REPORT_SHORT_NAME_H
#define MEMTRACE_REPORT_SHORT_NAME_H

#include <stddef.h>

#include "util/strbuf.h"

/*
 * Adds the name as it is if it has at most `most` bytes. A longer one goes without the type that it
 * returns, then with "<…>" for its outermost template arguments, then with "(…)" for its
 * parameters, until it is short enough. Names with unmatched brackets are left as they are. Does
 * not escape.
 */
void short_name__add(struct strbuf *sb, const char *name, size_t most);

#endif

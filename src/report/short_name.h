/* C++ names, which may run over pages, told so that a person can read them. */
#ifndef MEMTRACE_REPORT_SHORT_NAME_H
#define MEMTRACE_REPORT_SHORT_NAME_H

#include <stddef.h>

#include "util/strbuf.h"

/*
 * Adds the name as it is if it is at most `most` bytes long; else with "<…>" for its outermost
 * template arguments; and where that is too long still, with "(…)" for its parameters. Names whose
 * brackets do not match are left as they are. Does not escape.
 */
void short_name__add(struct strbuf *sb, const char *name, size_t most);

#endif

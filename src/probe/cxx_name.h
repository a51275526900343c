/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of functions as users write them and as demanglers print them, compared as text. */
#ifndef MEMTRACE_PROBE_CXX_NAME_H
#define MEMTRACE_PROBE_CXX_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a demangled name is the one that the user wrote, with or without its parameters; spaces
 * do not matter. */
bool cxx_name__matches(const char *demangled, const char *written);

/* The function's own name, without scopes, template arguments and parameters: every mangled name of
 * the function contains it. NULL where there is no such part (an operator), or for want of memory.
 * The caller frees it. */
char *cxx_name__own_part(const char *written);

#endif

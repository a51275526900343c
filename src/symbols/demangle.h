/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Demangles C++ (Itanium ABI) and Rust (legacy and v0) symbols. */
#ifndef MEMTRACE_SYMBOLS_DEMANGLE_H
#define MEMTRACE_SYMBOLS_DEMANGLE_H

#include <stdbool.h>

/* The maximum length of a result with its terminator; a longer name is cut and ends in "...". */
#define DEMANGLE_MAX 4096

/*
 * Demangles "_ZN3foo3barEi" as "foo::bar(int)"; a name that is not mangled is copied. The caller
 * frees it. NULL: no memory.
 *
 * For any name, 2 MiB of stack are enough, and the result is bounded; a name takes less than a
 * second, or stays as it is, as far as is known of libiberty. Where that is not enough, the process
 * that reads foreign names is ended (names_client.h).
 */
char *demangle__name(const char *name);

/* Returns whether a name looks mangled; some mangled names do not. */
bool demangle__is_mangled(const char *name);

#endif

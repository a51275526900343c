/* Names as programmers write them, from C++ (Itanium ABI) and Rust (legacy and v0) symbols. */
#ifndef MEMTRACE_SYMBOLS_DEMANGLE_H
#define MEMTRACE_SYMBOLS_DEMANGLE_H

#include <stdbool.h>

/* No name comes out longer than this, terminator included; a longer one ends in "...". */
#define DEMANGLE_MAX 4096

/* "_ZN3foo3barEi" gives "foo::bar(int)"; what is no mangled name is copied. The caller frees it.
 * NULL: no memory. Time, memory and stack are bounded whatever the name. */
char *demangle__name(const char *name);

/* Whether a name looks mangled; most that do are. */
bool demangle__is_mangled(const char *name);

#endif

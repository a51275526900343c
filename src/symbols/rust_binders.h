/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds what a demangler of Rust names (v0) would take very long for. */
#ifndef MEMTRACE_SYMBOLS_RUST_BINDERS_H
#define MEMTRACE_SYMBOLS_RUST_BINDERS_H

#include <stdbool.h>

/*
 * Returns whether a name binds so many lifetimes somewhere that it cannot be a compiler's. A
 * binder, `for<'a, 'b>`, is mangled as a number, and libiberty counts up to it, even in parts that
 * it does not print: "G9999999999_" takes it centuries. False for what is no Rust name. Takes time
 * linear in the length of the name.
 */
bool rust_binders__are_absurd(const char *name);

#endif

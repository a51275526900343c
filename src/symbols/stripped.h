/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the functions of a stripped file, whose names the file itself no longer has, in a separate
 * debug file or .gnu_debugdata.
 */
#ifndef MEMTRACE_SYMBOLS_STRIPPED_H
#define MEMTRACE_SYMBOLS_STRIPPED_H

struct elf;
struct elf_function;
struct module;
struct stripped;

/* `e` is the module's file, which must stay open. Returns NULL if nothing is found, or if out of
 * memory. */
struct stripped *stripped__open(struct module *mod, struct elf *e);
void stripped__close(struct stripped *s);

/* Like elf__functions, with offsets in the module's file; names are valid until stripped__close. */
int stripped__functions(struct stripped *s, int (*fn)(void *ctx, const struct elf_function *f),
			void *ctx);

#endif

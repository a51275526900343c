/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds functions by address in ELF symbol tables. */
#ifndef MEMTRACE_SYMBOLS_SYMTAB_H
#define MEMTRACE_SYMBOLS_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf;
struct symtab;

struct symtab *symtab__new(void);    /* NULL and errno */
void symtab__free(struct symtab *t); /* takes NULL */
/* Adds the functions of an open file, which must stay open as long as the table lives. debug: the
 * file holds the symbols of another file's code. 0 or -ENOMEM. */
int symtab__add(struct symtab *t, struct elf *e, bool debug);
/* Call it after the last file and before the first search. 0 or -ENOMEM. */
int symtab__finish(struct symtab *t);

/* The name, still mangled, of the function at an address; NULL: none. *exact is false for the
 * nearest function below, of unknown size. */
const char *symtab__find(const struct symtab *t, uint64_t vaddr, bool *exact);
size_t symtab__memory(const struct symtab *t);

#endif

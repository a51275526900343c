/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A string interner: strings stored once each and numbered in the order in which they came; number
 * 0 is always "". A string keeps its place in memory until the table is freed, so two of its
 * strings are equal if and only if their pointers are. Failure to grow is remembered, so that a
 * builder may check once, at its end.
 */
#ifndef MEMTRACE_UTIL_STRTAB_H
#define MEMTRACE_UTIL_STRTAB_H

#include <stddef.h>
#include <stdint.h>

struct strtab;

struct strtab *strtab__new(void);		       /* NULL and errno */
void strtab__free(struct strtab *t);		       /* takes NULL */
uint32_t strtab__add(struct strtab *t, const char *s); /* its number; 0 where there is no memory */
const char *strtab__get(const struct strtab *t, uint32_t i); /* "" for a number not in use */
/* Adds and gets. NULL for NULL, and where there is no memory. */
const char *strtab__copy(struct strtab *t, const char *s);
uint32_t strtab__count(const struct strtab *t);
size_t strtab__memory(const struct strtab *t); /* bytes it holds */
int strtab__error(const struct strtab *t);     /* 0, or -ENOMEM once anything was not stored */

#endif

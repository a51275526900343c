/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A string interner: stores each string once and numbers strings in the order of their arrival;
 * number 0 is always "". A string keeps its place in memory until the table is freed, so two of its
 * strings are equal if and only if their pointers are. Failure to grow is kept, so that a builder
 * may check once, at its end.
 */
#ifndef MEMTRACE_UTIL_STRTAB_H
#define MEMTRACE_UTIL_STRTAB_H

#include <stddef.h>
#include <stdint.h>

struct strtab;

struct strtab *strtab__new(void);		       /* NULL on failure, errno set */
void strtab__free(struct strtab *t);		       /* takes NULL */
uint32_t strtab__add(struct strtab *t, const char *s); /* returns its number; 0 if out of memory */
const char *strtab__get(const struct strtab *t, uint32_t i); /* "" for an unused number */
/* Adds a string and gets the copy. NULL for NULL, or if out of memory. */
const char *strtab__copy(struct strtab *t, const char *s);
uint32_t strtab__count(const struct strtab *t);
size_t strtab__memory(const struct strtab *t); /* bytes it holds */
int strtab__error(const struct strtab *t);     /* 0, or -ENOMEM once anything was not stored */

#endif

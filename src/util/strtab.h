/*
 * Strings stored once each and numbered in the order they came; number 0 is always "". A string
 * keeps its place in memory until the table is freed. Failure to grow is remembered, and
 * everything added from then on is "", so that a builder checks once, at its end.
 */
#ifndef MEMTRACE_UTIL_STRTAB_H
#define MEMTRACE_UTIL_STRTAB_H

#include <stddef.h>
#include <stdint.h>

struct strtab;

struct strtab *strtab__new(void); /* NULL and errno */
void strtab__free(struct strtab *t);
uint32_t strtab__add(struct strtab *t, const char *s);	     /* its number */
const char *strtab__get(const struct strtab *t, uint32_t i); /* "" for a number not in use */
const char *strtab__copy(struct strtab *t, const char *s);   /* add and get; NULL gives NULL */
uint32_t strtab__count(const struct strtab *t);
int strtab__error(const struct strtab *t); /* 0 or -ENOMEM */

#endif

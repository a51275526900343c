/* A set of strings, each kept once: a pointer that it gave out stays valid as long as the set. */
#ifndef MEMTRACE_UTIL_TEXTS_H
#define MEMTRACE_UTIL_TEXTS_H

#include <stddef.h>

struct texts;

struct texts *texts__new(void);	   /* NULL and errno */
void texts__free(struct texts *t); /* takes NULL */
/* The set's own copy. NULL for NULL, and where there is no memory. */
const char *texts__keep(struct texts *t, const char *s);
size_t texts__memory(const struct texts *t);

#endif

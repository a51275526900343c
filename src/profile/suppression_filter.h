/*
 * Which call stacks a report leaves out: looks named stacks up in the rules of suppress.h, once
 * each, because naming a stack is dear and rules are many.
 */
#ifndef MEMTRACE_SIEVE_H
#define MEMTRACE_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/suppressions.h"

struct named_frame;
struct sieve;

enum { SIEVE_PASSED = -1, SIEVE_NEW = -2 };

/* `rules` stay the caller's, and outlive it unchanged. NULL and errno. */
struct sieve *sieve__new(const struct suppress *rules);
void sieve__free(struct sieve *s);	/* takes NULL */

/* What is remembered of a stack: the number of a rule, SIEVE_PASSED or SIEVE_NEW. */
int sieve__known(const struct sieve *s, uint64_t stack);
/* The rule that keeps a stack out, or SIEVE_PASSED; remembered from then on. Where there is no
 * memory, it passes. */
int sieve__look(struct sieve *s, uint64_t stack, const struct named_frame *frames, size_t n);

size_t sieve__count(const struct sieve *s);
const struct suppress_rule *sieve__rule(const struct sieve *s, size_t i);
bool sieve__is_builtin(const struct sieve *s, size_t i);
/* Whether any stack so far was kept out by a rule. */
bool sieve__has_matched(const struct sieve *s, size_t i);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real files behind a process's mappings of code, as the tracer lists them: an answer to the
 * question of symbols/mappings.h for identities. One for each thread that asks.
 */
#ifndef MEMTRACE_SESSION_IDENTITIES_H
#define MEMTRACE_SESSION_IDENTITIES_H

#include <stddef.h>
#include <stdint.h>

struct identities;
struct identity;
struct tracer;
struct tracer_ops;

/* Both must outlive it. NULL and errno. */
struct identities *session_identities__new(const struct tracer_ops *trace, struct tracer *tracer);
void session_identities__free(struct identities *is); /* takes NULL */

/* struct identifier's function; the context is the struct identities. */
int session_identities__of(void *identities, uint32_t pid, const struct identity **ids, size_t *n);

#endif

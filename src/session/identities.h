/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the real files behind a process's mapped code, which the tracer lists: the identifier that
 * symbols/mappings.h calls. Each thread that uses it needs its own.
 */
#ifndef MEMTRACE_SESSION_IDENTITIES_H
#define MEMTRACE_SESSION_IDENTITIES_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

struct identities;
struct identity;
struct tracer;
struct tracer_ops;

/*
 * Both must outlive it. read_fuse: files that a program serves (FUSE) are read too. Otherwise they
 * are not, because a server that does not answer stops any reader for ever, and any user may run
 * one. Returns NULL and sets errno on failure.
 */
struct identities *session_identities__new(const struct tracer_ops *trace, struct tracer *tracer,
					   bool read_fuse);
void session_identities__free(struct identities *is); /* takes NULL */

/* The function of struct identifier; its context is the struct identities. */
int session_identities__of(void *identities, uint32_t pid, const struct identity **ids, size_t *n);

#endif

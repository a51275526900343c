/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of language runtimes: where their small objects are, that no probe sees; how to see
 * them; and what makes them name the code that they compile at run time.
 *
 * A new runtime is a row in languages.c.
 */
#ifndef MEMTRACE_PROFILE_LANGUAGES_H
#define MEMTRACE_PROFILE_LANGUAGES_H

#include <stddef.h>
#include <stdint.h>

#include "util/strbuf.h"

#define LANGUAGES_MOST 16

struct language {
	const char *name;
	const char *files; /* patterns for names of programs and libraries, separated by blanks */
	/* Objects that are not seen, and what shows them; NULL: there are none. */
	const char *unseen;   /* a clause */
	const char *variable; /* in the environment: the user has decided what allocates */
	const char *setting;  /* of it */
	const char *probes;   /* as for --probe */
	const char *api;      /* what the names of these functions begin with */
	/* What makes it name compiled code: the beginning of a clause, in which PID stands for the
	 * process; NULL: it compiles none. */
	const char *naming;
	const char *renewing; /* of names that it writes only when it is told to; NULL: it writes
			       * them as it compiles */
};

/* The i-th row; NULL: no more. */
const struct language *languages__get(size_t i);
size_t languages__row(const struct language *r);
/* Finds the row for a program or library by its path; NULL: none. */
const struct language *languages__of_file(const char *path);
/* Finds the row for a running program that has objects where no probe sees them; NULL: none. */
const struct language *languages__hiding(const char *exe, uint32_t pid);
/* Finds the row with probes of that name; NULL: none. */
const struct language *languages__preset(const char *name);
/* Adds a clause with a process in the place of PID. */
void languages__add_clause(struct strbuf *sb, const char *clause, uint32_t pid);

#endif

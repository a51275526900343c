/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds running processes by name: the name that the kernel shows (comm) or the file name of the
 * executable. memtrace itself, kernel threads and zombies are left out.
 */
#ifndef MEMTRACE_CLI_PROCESS_NAME_H
#define MEMTRACE_CLI_PROCESS_NAME_H

#include <stddef.h>
#include <stdint.h>

#include "util/strbuf.h"

struct named_process {
	uint32_t pid, uid;
	char
	    *command; /* its arguments, as they are, separated by blanks; its comm if it has none */
};

struct named_processes {
	struct named_process *list; /* ascending by pid */
	size_t n;
};

/* Finds every process of that name. Returns 0 or a negative errno; `out` must be freed then, too.
 * The kernel cuts a comm off after 15 bytes: one that was cut matches a longer name that stands in
 * its command line. */
int process_name__find(const char *name, struct named_processes *out);
void process_name__free(struct named_processes *p);

/* Adds "4242  root      nginx: master process", escaped and of limited length. */
void process_name__describe(struct strbuf *sb, const struct named_process *p);

#endif

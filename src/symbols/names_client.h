/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has foreign files read by a process without privilege (names_server.h), and bounds what that may
 * cost: a question that is not answered in time, or that ends the process, costs names, and the
 * process is started again. A file that did that twice is not asked about any more.
 *
 * One thread at a time may call these functions.
 */
#ifndef MEMTRACE_SYMBOLS_NAMES_CLIENT_H
#define MEMTRACE_SYMBOLS_NAMES_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "symbols/code_names.h"

struct names_client;

struct names_client_opts {
	/* Called with the process's ID before it runs any code but a system call; may be NULL. */
	void (*started)(void *ctx, pid_t pid);
	void *ctx;
	/* What the process does with its end of the socket, for tests; it returns the exit status.
	 * NULL: it executes this program again, whose main() calls names_server__run. */
	int (*serve)(int fd);
	unsigned int deadline_ms; /* of a question; 0: NAMES_DEADLINE_MS */
};

#define NAMES_DEADLINE_MS 15000
/* What failures may cost a report; then it goes without the names that it still lacks. */
#define NAMES_PATIENCE_MS 5000
#define NAMES_FAILURES_MAX 2 /* of a file */

/* Returns NULL and sets errno on failure. */
struct names_client *names_client__new(const struct names_client_opts *opts);
void names_client__free(struct names_client *c); /* ends the process; takes NULL */
/* Starts the process now, not with the first question. Failing is reported by the first
 * question. */
void names_client__start(struct names_client *c);
void names_client__new_report(struct names_client *c); /* renews the patience */

struct names_file {
	uint32_t number; /* of no other file */
	int fd;
	const char *path;		   /* as its process sees it; may be NULL */
	const struct debug_places *places; /* NULL: it has no separate debug files */
	bool changed;			   /* what the process has read must be read again */
	unsigned int failures;
	bool lost; /* an offset was given up */
};

typedef void (*names_found_fn)(void *ctx, uint64_t offset, const struct code_frame *frames, int n);

/*
 * Asks what is at offsets of a file, and calls fn for each that is answered, or that will not be;
 * that one with n = 0. *unsettled becomes true if more may be found later. Returns 0 or a negative
 * errno: -ENOTRECOVERABLE if the file is not asked about any more, -EAGAIN if failures have cost
 * this report too much, else the reason why there is no process.
 */
int names_client__look_up(struct names_client *c, struct names_file *f, const uint64_t *offsets,
			  size_t n, names_found_fn fn, void *ctx, bool *unsettled);

struct names_stats {
	uint64_t lost;	   /* offsets without an answer */
	uint64_t failures; /* times that the process failed: ended, hung, or answered nonsense */
	uint64_t files;	   /* not asked about any more */
	const char *why;   /* the last failure; NULL: none. Valid until the next call */
	uint64_t loaded;   /* bytes that the process holds, as it says */
	pid_t pid;	   /* 0: it does not run */
};
void names_client__stats(const struct names_client *c, struct names_stats *out);

#endif

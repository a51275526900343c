/*
 * Asks debuginfod servers for debug files by build ID. The only user of libdebuginfod, which is
 * loaded when somebody wishes to ask and not needed otherwise.
 *
 * Nobody waits long: a thread of its own asks, and who opens a file waits for it no longer than the
 * patience of this report lasts, and no more at all once it ran out, until an answer comes. What
 * came late is there for the next report. What a server does not have, or not within a minute, is
 * not asked for again. One thread at a time may call.
 */
#ifndef MEMTRACE_SYMBOLS_DEBUGINFOD_H
#define MEMTRACE_SYMBOLS_DEBUGINFOD_H

#include <stddef.h>
#include <stdint.h>

struct debuginfod;

/* Servers are those of $DEBUGINFOD_URLS or, because sudo drops it, of /etc/debuginfod/. `patience`:
 * seconds for each report. NULL and errno: ELIBACC where there is no library, EDESTADDRREQ where no
 * server is named. */
struct debuginfod *debuginfod__new(double patience);
void debuginfod__free(struct debuginfod *d); /* takes NULL */

/* A descriptor for the caller, who must check that the file is what was asked for; -ENOENT: no
 * server has it; -EAGAIN: no answer yet. */
int debuginfod__open(struct debuginfod *d, const uint8_t *id, size_t len);
void debuginfod__new_report(struct debuginfod *d); /* renews the patience */

struct debuginfod_stats {
	size_t asked, found, failed; /* build IDs; the others are waited for */
};
void debuginfod__stats(struct debuginfod *d, struct debuginfod_stats *out);

#endif

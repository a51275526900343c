/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fetches debug files by build ID from debuginfod servers. Loads libdebuginfod when it is first
 * needed, and does not depend on it otherwise.
 *
 * No caller waits long: queries run in a thread of their own, and opening a file waits for its
 * answer only until the patience of the current report is used up, and then not at all until the
 * next answer arrives. A late answer serves the next report. A file that no server has, or that
 * does not arrive within a minute, is not requested again. Only one thread at a time may call these
 * functions.
 */
#ifndef MEMTRACE_SYMBOLS_DEBUGINFOD_H
#define MEMTRACE_SYMBOLS_DEBUGINFOD_H

#include <stddef.h>
#include <stdint.h>

struct debuginfod;

/*
 * Uses the servers in $DEBUGINFOD_URLS or, because sudo drops it, in /etc/debuginfod/. `patience`:
 * seconds for each report. Returns NULL and sets errno on failure: ELIBACC if the library is
 * missing, EDESTADDRREQ if no server is configured.
 */
struct debuginfod *debuginfod__new(double patience);
void debuginfod__free(struct debuginfod *d); /* takes NULL */

/* Returns a descriptor for the caller, who must check that the file is the requested one; -ENOENT:
 * no server has it; -EAGAIN: no answer yet. */
int debuginfod__open(struct debuginfod *d, const uint8_t *id, size_t len);
void debuginfod__new_report(struct debuginfod *d); /* resets the patience */

struct debuginfod_stats {
	size_t asked, found, failed; /* build IDs; the others are pending */
};
void debuginfod__stats(struct debuginfod *d, struct debuginfod_stats *out);

#endif

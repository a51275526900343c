/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One look at everything there is: processes first, then each runtime's files. Each runtime's row
 * (runtimes.h) is given the scan, and reports what it sees.
 */
#ifndef MEMTRACE_CONTAINER_SCAN_H
#define MEMTRACE_CONTAINER_SCAN_H

#include <stdbool.h>
#include <sys/types.h>

#include "container/registry.h"
#include "container/runtime_files.h"

struct scan;

/* Updates the registry. `root`: where all files are, "/" but in tests. 0 or -ENOMEM. */
int scan__run(struct registry *r, const char *root);

/* ---- for the rows ---- */

const char *scan__root(const struct scan *scan);
/* Reports a container. A NULL or empty id is ignored. */
void scan__sight(struct scan *scan, const struct sighting *s);
/* Whether the name of a long id is known already: most descriptions never change. */
bool scan__knows_name(const struct scan *scan, const char *id);
/* Opens a directory; NULL where it cannot be read, or where this scan was already. */
DIR *scan__visit(struct scan *scan, const char *root, const char *path);

/* The row's daemons, in the order of their pids: the next after `pid`; start with 0. 0: no more. */
pid_t scan__next_daemon(const struct scan *scan, pid_t pid);
/* The root directory of a daemon, where the paths lie that it was given. What is sighted from here
 * on comes from its files, whose process ids count only if the daemon numbers processes as we do.
 */
void scan__enter_daemon(struct scan *scan, pid_t pid, char root[PATH_BYTES]);

#endif

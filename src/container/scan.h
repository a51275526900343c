/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks once at everything: processes first, then each runtime's files. Each runtime's row
 * (runtimes.h) gets the scan, and reports what it sees.
 */
#ifndef MEMTRACE_CONTAINER_SCAN_H
#define MEMTRACE_CONTAINER_SCAN_H

#include <stdbool.h>
#include <sys/types.h>

#include "container/registry.h"
#include "container/runtime_files.h"

struct scan;

/* Updates the registry. `root`: where all files are, "/" except in tests. Returns 0 or -ENOMEM. */
int scan__run(struct registry *r, const char *root);

/* ---- for the rows ---- */

const char *scan__root(const struct scan *scan);
/* Reports a container. A NULL or empty id is ignored. */
void scan__sight(struct scan *scan, const struct sighting *s);
/* Returns whether the name of a long id is already known: most descriptions never change. */
bool scan__knows_name(const struct scan *scan, const char *id);
/* Opens a directory; NULL if it cannot be read, or this scan has already visited it. */
DIR *scan__visit(struct scan *scan, const char *root, const char *path);

/* Returns the row's next daemon after `pid`, in the order of process IDs; start with 0. 0: no
 * more. */
pid_t scan__next_daemon(const struct scan *scan, pid_t pid);
/* Enters a daemon: gives its root directory, to which its paths refer. Later sightings come from
 * its files, whose process IDs count only if the daemon numbers processes as we do. */
void scan__enter_daemon(struct scan *scan, pid_t pid, char root[PATH_BYTES]);

#endif

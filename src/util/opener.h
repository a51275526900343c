/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens paths that lead through file systems of others. The server of a FUSE file system may never
 * answer a lookup, and the thread that asked can only be killed. So each path is looked up by a
 * thread of its own, which is left behind if it takes too long; the end of this process ends it.
 */
#ifndef MEMTRACE_UTIL_OPENER_H
#define MEMTRACE_UTIL_OPENER_H

/*
 * Looks up `path` as if `root` were the root directory, without magic links, and opens it with
 * `flags`, which should have O_PATH: to open a device or a FIFO has effects. Returns a descriptor
 * or a negative errno: -EREMOTE if it is on a FUSE file system, -ETIMEDOUT if nothing answered
 * within a second, or too many threads are waiting already. Any thread may call it.
 */
int opener__open(int root, const char *path, int flags);

#endif

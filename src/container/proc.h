/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what processes show about containers: their cgroups, their PID namespaces, and how a
 * runtime's daemon was started. `root` is the directory that /proc is in: "/" except in tests.
 */
#ifndef MEMTRACE_CONTAINER_PROC_H
#define MEMTRACE_CONTAINER_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "container/runtime_files.h"

/* A process's PID namespaces, counted from the outermost that we see. */
struct nesting {
	uint64_t inode;	 /* of the innermost */
	uint32_t level;	 /* 0: that of our /proc */
	pid_t innermost; /* the process's ID there */
};

/* Calls `see` with every process, the text of its cgroup file, which may be cut up, and its comm.
 */
void container_proc__each(const char *root,
			  void (*see)(void *ctx, pid_t pid, char *cgroups, const char *comm),
			  void *ctx);

char *container_proc__cgroups(const char *root, pid_t pid); /* the caller frees; NULL: no such
							     * process */
int container_proc__nesting(const char *root, pid_t pid, struct nesting *out); /* 0 or -ESRCH */
int container_proc__open_pidns(const char *root, pid_t pid); /* -1: no such process */
/* Returns whether it is in the namespace, or in one below it. */
bool container_proc__in_pidns(const char *root, pid_t pid, uint64_t inode);

/* Its root directory, through which its files are reached. */
void container_proc__root(const char *root, pid_t pid, char out[PATH_BYTES]);
/* Its working directory, as it sees it. */
bool container_proc__directory(const char *root, pid_t pid, char out[PATH_BYTES]);
/* Finds an argument "--name VALUE" or "--name=VALUE". False: none, or it does not fit. */
bool container_proc__argument(const char *root, pid_t pid, const char *name, char out[PATH_BYTES]);
/* Finds a variable of its environment; false likewise. */
bool container_proc__variable(const char *root, pid_t pid, const char *name, char out[PATH_BYTES]);

#endif

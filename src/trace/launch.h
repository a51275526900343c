/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting the command that is to be traced, and holding it until its probes are in: between exec
 * and its first instruction, and again when the dynamic loader has mapped its libraries. It is held
 * by ptrace, seized, because the kernel lets go of it by itself should this process be killed. Once
 * released, nothing but the probes sets it apart from a command that was not traced.
 *
 * All calls come from the thread that made it: ptrace belongs to a thread.
 */
#ifndef MEMTRACE_TRACE_LAUNCH_H
#define MEMTRACE_TRACE_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

struct launch;

/*
 * Forks a child that waits to exec argv; it keeps this process's standard streams, process group,
 * working directory and environment. user: whom it runs as, with that user's groups and HOME, USER,
 * LOGNAME and SHELL; NULL: as this process. mask: the signals that it blocks. files: its limit of
 * open files; NULL: ours. NULL and errno; ENOENT with `user`: no such user.
 */
struct launch *launch__new(char **argv, const char *user, const sigset_t *mask,
			   const struct rlimit *files);
void launch__free(
    struct launch *l); /* a command that is still held is ended: it was never let go */

pid_t launch__pid(const struct launch *l);

/* Lets it exec, and returns when it stands before the new program's first instruction. 0, or the
 * negative errno of its exec. */
int launch__exec(struct launch *l);

/* Lets it run until the signal that the BPF side sends when the dynamic loader changed its list of
 * libraries. 1: it stands there; 0: it ended, or ran out of the loader's hands; or a negative
 * errno. */
int launch__run_to_libraries(struct launch *l);

/* Lets it go for good. */
int launch__release(struct launch *l);

/* Its wait status, once it is known. */
bool launch__ended(struct launch *l, int *status); /* does not wait */

#endif

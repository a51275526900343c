/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts the command that is to be traced, and holds it until its probes are attached: between exec
 * and its first instruction, and again when the dynamic loader has mapped its libraries. It is held
 * by ptrace (seized), because the kernel releases it should this process be killed. Once released,
 * only the probes set it apart from a command that is not traced.
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
 * working directory and environment. user: the user to run it as, with that user's groups, HOME,
 * USER, LOGNAME and SHELL; NULL: as this process. mask: the signals to block. files: its limit of
 * open files; NULL: ours. Returns NULL and sets errno on failure; ENOENT with `user`: no such user.
 */
struct launch *launch__new(char **argv, const char *user, const sigset_t *mask,
			   const struct rlimit *files);
void launch__free(struct launch *l); /* kills a command that is still held: it was never released */

pid_t launch__pid(const struct launch *l);

/* Lets it exec, and returns when it is stopped before the new program's first instruction. Returns
 * 0, or exec's negative errno. */
int launch__exec(struct launch *l);

/*
 * Lets it run until the signal that the BPF side sends when the dynamic loader changed its list of
 * libraries. Returns 1 when it is stopped there, 0 if it ended or is no longer traced by ptrace, or
 * a negative errno.
 */
int launch__run_to_libraries(struct launch *l);

/* Releases it. */
int launch__release(struct launch *l);

/* Reads its wait status, once it is known. */
bool launch__ended(struct launch *l, int *status); /* does not wait */

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Closes links so that no breakpoint is left, whenever this process is killed. The kernel removes
 * the breakpoints of a link when its last descriptor is closed, and gives up where the closing
 * thread has been killed ("failed to unregister, leaking uprobe"). On a process's way out it does
 * not. So a child process holds the descriptors while they are closed here, and ends then.
 */
#ifndef MEMTRACE_TRACE_PARTING_H
#define MEMTRACE_TRACE_PARTING_H

#include <sys/types.h>

struct parting {
	pid_t child; /* -1: there is none; descriptors are closed as usual */
	int go;
};

/* To be called before descriptors are closed, and after that, which waits until the breakpoints are
 * removed. Any thread may call them. */
struct parting parting__begin(void);
void parting__end(struct parting *p);

#endif

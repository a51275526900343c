/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives up, for ever, what a process that reads foreign bytes does not need: its user, its
 * capabilities, new privileges, and all system calls but those that it takes to read the files and
 * the socket that it was given, and to have memory. Any other call ends it.
 */
#ifndef MEMTRACE_SYMBOLS_SANDBOX_H
#define MEMTRACE_SYMBOLS_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

struct sandbox_limits {
	uint64_t memory; /* bytes of address space; 0: no limit */
	uint32_t files;	 /* open at a time */
};

/* Confines this process, which must have one thread. It ends with the thread that started it.
 * Returns 0 or a negative errno; then it may be confined in part, and should end. */
int sandbox__enter(const struct sandbox_limits *limits);

/* Allows the process some seconds of CPU time from now on; then it ends. */
void sandbox__renew_cpu(unsigned int seconds);

#endif

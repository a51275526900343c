/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads files of /proc/PID. /proc/PID/status has lines "Name:\tvalue"; a field is given by its name
 * without the colon.
 */
#ifndef MEMTRACE_UTIL_PROC_H
#define MEMTRACE_UTIL_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most numbers that NSpid may have: the kernel nests PID namespaces 32 deep, below the
 * first. */
#define PROC_NSPID_MAX 33

/* Finds a field's value in the text of a status file, and its length up to the end of the line.
 * NULL: there is no such field. */
const char *proc__status_field(const char *status, const char *name, size_t *len);

/*
 * Reads the numbers of a field such as "Uid" or "NSpid". Returns how many there are, of which the
 * first `max` are put into `out`; 0 if there is no such field. Stops at the first word that is not
 * a number.
 */
size_t proc__status_numbers(const char *status, const char *name, uint64_t *out, size_t max);

uint32_t proc__parent(uint32_t pid);	     /* 0 if the process has ended, or has none */
uint64_t proc__resident_bytes(uint32_t pid); /* 0 if the process has ended */

/* What this process itself has in memory, without pages of files: RssAnon. 0: unknown. */
uint64_t proc__own_memory(void);

/* Whether the process runs a 32-bit program (ELFCLASS32); false if that cannot be read. */
bool proc__is_32bit(uint32_t pid);
/* The same by its auxiliary vector, as /proc/PID/auxv has it. */
bool proc__auxv_is_32bit(const void *auxv, size_t len);

struct proc_memory {
	/* Bytes that are in no file, resident or swapped out, without the main thread's stack; 0:
	 * unknown. */
	uint64_t anonymous;
	uint32_t threads;
};

struct proc_memory proc__memory(uint32_t pid);

/* Nanoseconds since the process was started (since its fork: an exec does not count); 0: unknown.
 */
uint64_t proc__age(uint32_t pid);

/* Returns whether the process is stopped: by a signal, by job control, or by a tracer that is not a
 * thread of this process. */
bool proc__is_stopped(uint32_t pid);

/* Returns the ID of the process that keeps it stopped by ptrace, and is not this one; 0: none. */
uint32_t proc__debugger(uint32_t pid);

/* Returns whether the process was started with this environment variable, or whether that cannot be
 * read. */
bool proc__has_variable(uint32_t pid, const char *name);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names process: reads foreign files, by descriptors that memtrace passes to it, and says what
 * their code is called. It is confined before it reads anything (sandbox.h), and ends with
 * memtrace.
 */
#ifndef MEMTRACE_SYMBOLS_NAMES_SERVER_H
#define MEMTRACE_SYMBOLS_NAMES_SERVER_H

#include <stdbool.h>

/* The hidden argument that makes memtrace the names process, on descriptor NAMES_SERVER_FD. */
#define NAMES_SERVER_ARGUMENT "--names-process"
#define NAMES_SERVER_FD 3

/* Serves until the other side closes the socket. Returns the exit status. */
int names_server__run(int fd);

/* Likewise, without being confined: for tests. */
int names_server__serve(int fd);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line at a time to standard error, prefixed "memtrace: ". Only the joints at the edge, the
 * session and the door may use it. errno is kept.
 */
#ifndef MEMTRACE_UTIL_LOG_H
#define MEMTRACE_UTIL_LOG_H

#include <stdbool.h>

void log__verbose(bool on);
void log__error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log__warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log__info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log__debug(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* with --verbose */

#endif

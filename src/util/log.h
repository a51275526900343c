/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes one line at a time to standard error, prefixed "memtrace: ". Only the outermost folders
 * use it (see scripts/check-layers). errno is preserved.
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

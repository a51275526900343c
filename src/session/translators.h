/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recognizes programs that translate the code of another program and execute the result: valgrind,
 * qemu-user, DynamoRIO, Pin, box64. They read a probe's breakpoint as an instruction of the
 * program, which ends it.
 */
#ifndef MEMTRACE_SESSION_TRANSLATORS_H
#define MEMTRACE_SESSION_TRANSLATORS_H

#include <stdint.h>

/* What the process's code is translated by; NULL: nothing that is known, or no such process. */
const char *translators__of(uint32_t pid);
/* The same by the path of its executable and the text of its maps file; either may be NULL. */
const char *translators__named(const char *exe, const char *maps);

#endif

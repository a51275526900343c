/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the text of --help, made from the table of options. */
#ifndef MEMTRACE_CLI_HELP_H
#define MEMTRACE_CLI_HELP_H

#include <stdio.h>

/* In 80 columns. Returns 0 or a negative errno. */
int help__print(FILE *out);

#endif

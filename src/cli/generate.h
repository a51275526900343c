/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generates what `make` derives from the table of options by the hidden option --generate:
 * completions for three shells, and the OPTIONS section of the manual page.
 */
#ifndef MEMTRACE_CLI_GENERATE_H
#define MEMTRACE_CLI_GENERATE_H

struct strbuf;

/* Each adds a whole file, or a whole section; errors are the buffer's. */
void generate__man(struct strbuf *sb);
void generate__bash(struct strbuf *sb);
void generate__zsh(struct strbuf *sb);
void generate__fish(struct strbuf *sb);

#endif

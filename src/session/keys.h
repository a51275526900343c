/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads keys pressed in the terminal where memtrace runs in the foreground, one by one and without
 * echo. Closing them restores the terminal.
 */
#ifndef MEMTRACE_SESSION_KEYS_H
#define MEMTRACE_SESSION_KEYS_H

struct keys;

/* Returns NULL, which is no error, where standard input and error are not a terminal, or memtrace
 * is not in its foreground. */
struct keys *session_keys__open(void);
void session_keys__close(struct keys *k);	  /* takes NULL */
void session_keys__restore(const struct keys *k); /* as closing does, from any thread */
int session_keys__fd(const struct keys *k);	  /* to be polled; -1 for NULL */
/* Returns the next key; 0: none now; -1: there will be no more, as in the background. */
int session_keys__next(struct keys *k);

#endif

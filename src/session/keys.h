/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys pressed in the terminal that memtrace runs in the foreground of, one by one and without
 * echo. The terminal is as it was once they are closed.
 */
#ifndef MEMTRACE_SESSION_KEYS_H
#define MEMTRACE_SESSION_KEYS_H

struct keys;

/* NULL where standard input and error are no terminal, or somebody else's at the moment; no error.
 */
struct keys *session_keys__open(void);
void session_keys__close(struct keys *k);   /* takes NULL */
int session_keys__fd(const struct keys *k); /* to be polled; -1 for NULL */
/* The next key; 0: there is none now; -1: there will be none any more, as in the background. */
int session_keys__next(struct keys *k);

#endif

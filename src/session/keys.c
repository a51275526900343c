/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/keys.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

struct keys {
	struct termios before;
};

/* A background process must neither read nor change the terminal. */
static bool is_ours(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

struct keys *session_keys__open(void)
{
	struct termios now;
	struct keys *k;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO) || !is_ours())
		return NULL;
	k = malloc(sizeof(*k));
	if (!k || tcgetattr(STDIN_FILENO, &k->before))
		goto fail;
	now = k->before;
	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	now.c_cc[VMIN] = 0;
	now.c_cc[VTIME] = 0;
	if (!tcsetattr(STDIN_FILENO, TCSANOW, &now))
		return k;
fail:
	free(k);
	return NULL;
}

void session_keys__restore(const struct keys *k)
{
	if (k && is_ours())
		tcsetattr(STDIN_FILENO, TCSANOW, &k->before);
}

void session_keys__close(struct keys *k)
{
	session_keys__restore(k);
	free(k);
}

int session_keys__fd(const struct keys *k)
{
	return k ? STDIN_FILENO : -1;
}

int session_keys__next(struct keys *k)
{
	unsigned char key;
	ssize_t n;

	(void)k;
	if (!is_ours())
		return -1;
	n = read(STDIN_FILENO, &key, 1);
	if (n == 1)
		return key;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

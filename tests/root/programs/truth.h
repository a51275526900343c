/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program under test knows its own answer: how many blocks and bytes each of its functions left.
 * It writes them as one line of JSON to the file $TRUTH. If $GO is set, the path of a FIFO, it
 * starts when a test opens that for writing, and ends when the test closes it. Nothing here
 * allocates.
 */
#ifndef TRUTH_H
#define TRUTH_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keep.h"

#define ANY (-1L) /* any number of bytes */

static char truth_text[1 << 16];
static size_t truth_len;
static int truth_go = -1;

static void truth_begin(void)
{
	const char *go = getenv("GO"), *path = getenv("TRUTH");
	char ready[512];

	if (!go || !path)
		return;
	snprintf(ready, sizeof(ready), "%s.ready", path);
	close(open(ready, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	truth_go = open(go, O_RDONLY | O_CLOEXEC);
}

/* What `func` left. api: its name in reports; several are separated by "|", "*" is any. */
static void truth(const char *func, const char *api, long blocks, long bytes)
{
	size_t room = sizeof(truth_text) - truth_len;
	int n = snprintf(truth_text + truth_len, room,
			 "%s{\"func\":\"%s\",\"api\":\"%s\",\"blocks\":%ld,\"bytes\":%ld}",
			 truth_len ? "," : "", func, api, blocks, bytes);

	if (n > 0 && (size_t)n < room)
		truth_len += n;
	else
		abort();
}

static void truth_write(int fd, const char *s, size_t len)
{
	if (write(fd, s, len) != (ssize_t)len)
		abort();
}

static void truth_publish(void)
{
	const char *path = getenv("TRUTH");
	char temporary[512];
	int fd;

	if (!path)
		return;
	snprintf(temporary, sizeof(temporary), "%s.part", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		abort();
	truth_write(fd, "{\"sites\":[", 10);
	truth_write(fd, truth_text, truth_len);
	truth_write(fd, "]}\n", 3);
	close(fd);
	if (rename(temporary, path))
		abort();
}

static void truth_end(void)
{
	char c;

	truth_publish();
	while (truth_go >= 0 && read(truth_go, &c, 1) != 0)
		; /* EINTR: a signal that the test sent */
}

#endif

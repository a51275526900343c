/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/opener.h"

/* Takes over `handle`, a descriptor opened with O_PATH, or a negative errno. */
static int open_handle(int handle, struct stat *st)
{
	char self[32];
	int fd;

	if (handle < 0)
		return handle;
	if (fstat(handle, st) != 0) {
		fd = -errno;
	} else if (!S_ISREG(st->st_mode)) {
		fd = -EACCES;
	} else {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", handle);
		fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd < 0)
			fd = -errno;
	}
	close(handle);
	return fd;
}

int file__open_regular(const char *path, int flags, struct stat *st)
{
	int handle = open(path, O_PATH | O_CLOEXEC | flags);

	return open_handle(handle < 0 ? -errno : handle, st);
}

int file__open_regular_at(int root, const char *path, int flags, struct stat *st)
{
	return open_handle(opener__open(root, path, O_PATH | flags), st);
}

int file__open_regular_in(const char *root, const char *path, int flags, struct stat *st)
{
	int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0)
		return -errno;
	fd = file__open_regular_at(dir, path, flags, st);
	close(dir);
	return fd;
}

int file__open_directory_in(const char *root, const char *path)
{
	int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0)
		return -errno;
	fd = opener__open(dir, path, O_RDONLY | O_DIRECTORY);
	close(dir);
	return fd;
}

char *file__read_end(int fd, uint64_t size, size_t max, size_t *len)
{
	uint64_t start = size > max ? size - max : 0;
	size_t want = (size_t)(size - start), n = 0;
	char *buf = malloc(want + 1);
	ssize_t got;

	if (!buf)
		return NULL;
	while (n < want) {
		got = pread(fd, buf + n, want - n, (off_t)(start + n));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(buf);
			return NULL;
		}
		if (got == 0)
			break;
		n += (size_t)got;
	}
	buf[n] = '\0';
	*len = n;
	return buf;
}

char *file__read(const char *path, size_t *len)
{
	size_t cap = 4096, n = 0;
	char *buf = NULL, *bigger;
	ssize_t got;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	/* Files in /proc state no size. */
	for (;;) {
		if (!buf || n + 1 == cap) {
			cap *= 2;
			bigger = realloc(buf, cap);
			if (!bigger)
				goto fail;
			buf = bigger;
		}
		got = read(fd, buf + n, cap - n - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			goto fail;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	buf[n] = '\0';
	if (len)
		*len = n;
	return buf;
fail:
	err = errno;
	close(fd);
	free(buf);
	errno = err;
	return NULL;
}

#include "ground/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int file__open_regular(const char *path, int flags, struct stat *st)
{
	int handle = open(path, O_PATH | O_CLOEXEC | flags), fd;
	char self[32];

	if (handle < 0)
		return -errno;
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

char *file__read_at_most(int fd, size_t max, size_t *len)
{
	size_t n = 0, cap = 0;
	char *buf = NULL;

	for (;;) {
		ssize_t got;

		if (n == cap) {
			size_t grown = cap ? cap * 2 : 16384;
			char *bigger;

			cap = grown < max ? grown : max;
			bigger = realloc(buf, cap + 1);
			if (!bigger)
				goto fail;
			buf = bigger;
		}
		got = pread(fd, buf + n, cap - n, (off_t)n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			goto fail;
		n += (size_t)got;
		if (got == 0 || n == max)
			break;
	}
	buf[n] = '\0';
	*len = n;
	return buf;
fail:
	free(buf);
	return NULL;
}

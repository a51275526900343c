/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/output.h"

struct output {
	FILE *stream;
	char *path;	      /* NULL: standard output */
	char *temporary;      /* in the same directory; NULL if path is not a regular file */
	pthread_mutex_t lock; /* keeps `temporary` while another thread abandons the output */
};

/* A device or a pipe is written directly: only a file can be put in place when it is complete. */
static int open_special(struct output *o)
{
	int fd = open(o->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

static int open_temporary(struct output *o)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	if (asprintf(&o->temporary, "%s.XXXXXX", o->path) < 0) {
		o->temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(o->temporary, O_CLOEXEC);
	if (fd < 0) {
		int err = -errno;

		free(o->temporary);
		o->temporary = NULL;
		return err;
	}
	if (fchmod(fd, 0666 & ~mask)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

struct output *output__open(const char *path)
{
	struct output *o = calloc(1, sizeof(*o));
	struct stat st;
	int fd;

	if (!o)
		return NULL;
	pthread_mutex_init(&o->lock, NULL);
	if (!path) {
		o->stream = stdout;
		return o;
	}
	o->path = strdup(path);
	if (!o->path) {
		fd = -ENOMEM;
		goto out;
	}
	fd = !stat(path, &st) && !S_ISREG(st.st_mode)
		 ? (S_ISDIR(st.st_mode) ? -EISDIR : open_special(o))
		 : open_temporary(o);
	if (fd >= 0 && !(o->stream = fdopen(fd, "we"))) {
		close(fd);
		fd = -ENOMEM;
	}
out:
	if (fd < 0) {
		output__free(o);
		errno = -fd;
		return NULL;
	}
	return o;
}

FILE *output__stream(struct output *o)
{
	return o->stream;
}

int output__flush(struct output *o)
{
	errno = 0;
	if (fflush(o->stream) || ferror(o->stream))
		return errno ? -errno : -EIO;
	return 0;
}

int output__commit(struct output *o)
{
	int err = output__flush(o);

	if (err || !o->temporary)
		return err;
	if (fsync(fileno(o->stream)))
		return -errno;
	pthread_mutex_lock(&o->lock);
	err = rename(o->temporary, o->path) ? -errno : 0;
	if (!err) {
		free(o->temporary);
		o->temporary = NULL;
	}
	pthread_mutex_unlock(&o->lock);
	return err;
}

void output__abandon(struct output *o)
{
	if (!o || pthread_mutex_trylock(&o->lock))
		return;
	if (o->temporary)
		unlink(o->temporary);
}

void output__free(struct output *o)
{
	if (!o)
		return;
	if (o->stream && o->stream != stdout)
		fclose(o->stream);
	if (o->temporary)
		unlink(o->temporary);
	free(o->temporary);
	free(o->path);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

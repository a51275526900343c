/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct file {
	int fd; /* -1: none */
	uint64_t bytes;
};

struct record_files {
	char *path, *next_path;
	uint64_t limit;
	struct file now, next;
	bool next_usable; /* the second file has all of its state */
	uint64_t switches;
	struct chunk_packer *packer;
};

static int write_all(struct file *f, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len) {
		n = write(f->fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
		f->bytes += (uint64_t)n;
	}
	return 0;
}

static int create_file(struct file *f, const char *path)
{
	uint8_t head[RECORDING_HEAD];

	f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (f->fd < 0)
		return -errno;
	f->bytes = 0;
	chunk__file_head(head);
	return write_all(f, head, sizeof(head));
}

struct record_files *record_files__open(const char *path, uint64_t limit)
{
	struct record_files *f = calloc(1, sizeof(*f));
	int err = -ENOMEM;

	if (!f)
		return NULL;
	f->now.fd = f->next.fd = -1;
	f->limit = limit;
	f->path = strdup(path);
	f->packer = chunk__new_packer();
	if (!f->path || asprintf(&f->next_path, "%s.next", path) < 0)
		f->next_path = NULL;
	if (f->packer && f->next_path)
		err = create_file(&f->now, path);
	if (!err)
		return f;
	record_files__free(f);
	errno = -err;
	return NULL;
}

static void remove_next(struct record_files *f)
{
	if (f->next.fd < 0)
		return;
	close(f->next.fd);
	unlink(f->next_path);
	f->next.fd = -1;
	f->next_usable = false;
}

void record_files__free(struct record_files *f)
{
	if (!f)
		return;
	remove_next(f);
	if (f->now.fd >= 0)
		close(f->now.fd);
	chunk__free_packer(f->packer);
	free(f->next_path);
	free(f->path);
	free(f);
}

/* ---- the second file ---- */

bool record_files__wants_next(const struct record_files *f)
{
	return f->limit && f->next.fd < 0 && f->now.bytes >= f->limit / 2;
}

int record_files__begin_next(struct record_files *f)
{
	int err = create_file(&f->next, f->next_path);

	f->next_usable = false;
	if (err)
		remove_next(f);
	return err;
}

int record_files__finish_next(struct record_files *f)
{
	if (f->next.fd < 0)
		return 0;
	if (f->next.bytes > f->limit / 2) {
		remove_next(f);
		return -E2BIG;
	}
	f->next_usable = true;
	return 0;
}

static int switch_files(struct record_files *f)
{
	if (rename(f->next_path, f->path))
		return -errno;
	close(f->now.fd);
	f->now = f->next;
	f->next.fd = -1;
	f->next_usable = false;
	f->switches++;
	return 0;
}

/* ---- chunks ---- */

int record_files__write(struct record_files *f, enum chunk_type type, const void *bytes, size_t n,
			bool plain)
{
	const uint8_t *chunk;
	size_t len;
	int err = chunk__pack(f->packer, type, bytes, n, plain, &chunk, &len);

	if (!err && f->next_usable && f->now.bytes + len > f->limit)
		err = switch_files(f);
	if (!err)
		err = write_all(&f->now, chunk, len);
	if (!err && f->next.fd >= 0)
		err = write_all(&f->next, chunk, len);
	return err;
}

int record_files__write_next(struct record_files *f, enum chunk_type type, const void *bytes,
			     size_t n)
{
	const uint8_t *chunk;
	size_t len;
	int err;

	if (f->next.fd < 0)
		return 0;
	err = chunk__pack(f->packer, type, bytes, n, false, &chunk, &len);
	return err ? err : write_all(&f->next, chunk, len);
}

int record_files__end(struct record_files *f, const void *bytes, size_t n)
{
	int err;

	remove_next(f);
	err = record_files__write(f, CHUNK_END, bytes, n, false);
	if (close(f->now.fd) && !err)
		err = -errno;
	f->now.fd = -1;
	return err;
}

uint64_t record_files__bytes(const struct record_files *f)
{
	return f->now.bytes;
}

uint64_t record_files__switches(const struct record_files *f)
{
	return f->switches;
}

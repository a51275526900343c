/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A root is identified by its mount and its inode. Both numbers may be reused once the mount is
 * gone. But a root that is compared is open, and so keeps its mount; one that was closed is no
 * longer compared.
 */
#include "symbols/roots.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/array.h"
#include "util/file.h"

struct root {
	int fd; /* -1: closed */
	uint64_t mount, ino;
	dev_t dev;
	uint64_t used; /* when it was last used, in steps of the clock */
	char *prefix;  /* the root's path as its link in /proc shows it to us; "" for "/" */
};

struct roots {
	pthread_mutex_t lock;
	struct root *at;
	size_t n, cap, max;
	size_t open, closed;
	uint64_t clock;
};

/* ---- one root ---- */

static void close_root(struct root *root)
{
	if (root->fd >= 0)
		close(root->fd);
	root->fd = -1;
	free(root->prefix);
	root->prefix = NULL;
}

static int open_root(struct root *root, const char *link)
{
	char prefix[PATH_MAX];
	struct statx st;
	ssize_t len;

	*root = (struct root){ .fd = open(link, O_PATH | O_DIRECTORY | O_CLOEXEC) };
	if (root->fd < 0)
		return -errno;
	if (statx(root->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO | STATX_MNT_ID,
		  &st) != 0) {
		int err = -errno;

		close_root(root);
		return err;
	}
	root->mount = st.stx_mask & STATX_MNT_ID ? st.stx_mnt_id : 0;
	root->ino = st.stx_ino;
	root->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	len = readlink(link, prefix, sizeof(prefix) - 1);
	prefix[len > 1 && prefix[0] == '/' ? len : 0] = '\0';
	root->prefix = strdup(prefix);
	if (root->prefix)
		return 0;
	close_root(root);
	return -ENOMEM;
}

static bool same_root(const struct root *a, const struct root *b)
{
	return a->mount == b->mount && a->dev == b->dev && a->ino == b->ino;
}

/* ---- all of them ---- */

static int64_t keep_root(struct roots *r, struct root *root)
{
	if (array__grow(&r->at, &r->cap, r->n + 1, sizeof(*r->at)))
		return -ENOMEM;
	root->used = ++r->clock;
	r->at[r->n] = *root;
	r->open++;
	return (int64_t)r->n++;
}

static void close_least_used(struct roots *r)
{
	struct root *oldest = NULL;

	if (r->open <= r->max)
		return;
	for (size_t i = ROOT_OWN + 1; i < r->n; i++)
		if (r->at[i].fd >= 0 && (!oldest || r->at[i].used < oldest->used))
			oldest = &r->at[i];
	if (!oldest)
		return;
	close_root(oldest);
	r->open--;
	r->closed++;
}

struct roots *roots__new(size_t max)
{
	struct roots *r = calloc(1, sizeof(*r));
	struct root own;
	int64_t id;
	int err;

	if (!r)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	r->max = max;
	err = open_root(&own, "/");
	if (!err) {
		id = keep_root(r, &own);
		if (id == ROOT_OWN)
			return r;
		close_root(&own);
		err = (int)id;
	}
	roots__free(r);
	errno = -err;
	return NULL;
}

void roots__free(struct roots *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		close_root(&r->at[i]);
	free(r->at);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

int64_t roots__add(struct roots *r, pid_t pid)
{
	struct root root;
	char link[32];
	int64_t id = -1;
	int err;

	snprintf(link, sizeof(link), "/proc/%d/root", pid);
	err = open_root(&root, link);
	if (err)
		return err;
	pthread_mutex_lock(&r->lock);
	/* The latest first: a process's files are added together. */
	for (size_t i = r->n; id < 0 && i-- > 0;)
		if (r->at[i].fd >= 0 && same_root(&r->at[i], &root))
			id = (int64_t)i;
	if (id >= 0) {
		r->at[id].used = ++r->clock;
		close_root(&root);
	} else {
		close_least_used(r);
		id = keep_root(r, &root);
		if (id < 0)
			close_root(&root);
	}
	pthread_mutex_unlock(&r->lock);
	return id;
}

int roots__open(struct roots *r, int64_t root, const char *path, struct stat *st)
{
	int dir = -1, fd;

	if (root < 0)
		return -ENOENT;
	/* A duplicate, because a lookup may take long, and the root may be closed meanwhile. */
	pthread_mutex_lock(&r->lock);
	errno = ESTALE;
	if ((size_t)root < r->n && r->at[root].fd >= 0) {
		r->at[root].used = ++r->clock;
		dir = fcntl(r->at[root].fd, F_DUPFD_CLOEXEC, 0);
	}
	fd = -errno;
	pthread_mutex_unlock(&r->lock);
	if (dir < 0)
		return fd;
	fd = file__open_regular_at(dir, path, 0, st);
	close(dir);
	return fd;
}

const char *roots__inside(struct roots *r, int64_t root, const char *path)
{
	size_t len = 0;

	pthread_mutex_lock(&r->lock);
	if (root >= 0 && (size_t)root < r->n && r->at[root].prefix) {
		const char *prefix = r->at[root].prefix;

		len = strlen(prefix);
		if (strncmp(path, prefix, len) || path[len] != '/')
			len = 0;
	}
	pthread_mutex_unlock(&r->lock);
	return path + len;
}

void roots__stats(struct roots *r, struct roots_stats *out)
{
	pthread_mutex_lock(&r->lock);
	*out = (struct roots_stats){ .open = r->open, .closed = r->closed };
	pthread_mutex_unlock(&r->lock);
}

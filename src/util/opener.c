/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 1
#define WAITING_MAX 8 /* threads that are left behind, at most */

/* Shared by the caller and the thread; the last of the two frees it. */
struct lookup {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done, abandoned;
	int result;
	int root, flags;
	char path[];
};

static int waiting; /* threads that were left behind */

static void free_lookup(struct lookup *l)
{
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	close(l->root);
	free(l);
}

static int look_up(const struct lookup *l)
{
	struct open_how how = {
		.flags = (unsigned int)(O_CLOEXEC | l->flags),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, l->root, l->path, &how, sizeof(how));
	struct statfs st;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &st) == 0 && st.f_type != FUSE_SUPER_MAGIC)
		return fd;
	close(fd);
	return -EREMOTE;
}

static void *run(void *lookup)
{
	struct lookup *l = lookup;
	int result = look_up(l);
	bool abandoned;

	pthread_mutex_lock(&l->lock);
	l->result = result;
	l->done = true;
	abandoned = l->abandoned;
	pthread_cond_signal(&l->changed);
	pthread_mutex_unlock(&l->lock);
	if (abandoned) {
		if (result >= 0)
			close(result);
		free_lookup(l);
		__atomic_sub_fetch(&waiting, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static struct lookup *new_lookup(int root, const char *path, int flags)
{
	size_t len = strlen(path) + 1;
	struct lookup *l = calloc(1, sizeof(*l) + len);
	pthread_condattr_t attr;

	if (!l)
		return NULL;
	l->flags = flags;
	l->root = fcntl(root, F_DUPFD_CLOEXEC, 0);
	memcpy(l->path, path, len);
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->changed, &attr);
	pthread_condattr_destroy(&attr);
	return l;
}

/* No signal is for these threads. */
static int start_thread(struct lookup *l)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, run, l);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static int await(struct lookup *l)
{
	struct timespec until;
	int result = -ETIMEDOUT;
	bool done;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&l->lock);
	while (!l->done && pthread_cond_timedwait(&l->changed, &l->lock, &until) == 0)
		;
	done = l->done;
	if (done)
		result = l->result;
	else
		__atomic_add_fetch(&waiting, 1, __ATOMIC_RELAXED);
	l->abandoned = !done;
	pthread_mutex_unlock(&l->lock);
	if (done)
		free_lookup(l);
	return result;
}

int opener__open(int root, const char *path, int flags)
{
	struct lookup *l;
	int err;

	if (__atomic_load_n(&waiting, __ATOMIC_RELAXED) >= WAITING_MAX)
		return -ETIMEDOUT;
	l = new_lookup(root, path, flags);
	if (!l)
		return -ENOMEM;
	err = l->root < 0 ? -EBADF : start_thread(l);
	if (err) {
		free_lookup(l);
		return err;
	}
	return await(l);
}

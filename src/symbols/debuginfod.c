/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queries wait in a list for the thread that sends them, one after the other; an answer is a path
 * in the library's cache. The library is interrupted through its progress function, which it calls
 * at least every second while it waits for the network; a name resolver that hangs may still block
 * the thread, but no other.
 */
#include "symbols/debuginfod.h"

#include <dlfcn.h>
#include <elfutils/debuginfod.h>
#include <errno.h>
#include <glob.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/file.h"
#include "util/strbuf.h"

#define ID_BYTES 64
#define URL_FILES "/etc/debuginfod/*.urls"
#define QUERY_NS (60 * 1000000000ull)
#define FILE_MAX (1l << 30) /* more DWARF than would be read */
#define END_S 2		    /* how long to wait for the thread to end */

enum query_state { WAITING, ASKED, FOUND, FAILED };

struct query {
	struct query *next;
	enum query_state state;
	uint8_t id[ID_BYTES];
	size_t len;
	char *path; /* FOUND */
};

/* The library's functions that are used here. */
struct client {
	debuginfod_client *(*begin)(void);
	void (*set_progressfn)(debuginfod_client *, debuginfod_progressfn_t);
	int (*find)(debuginfod_client *, const unsigned char *, int, char **);
	void (*end)(debuginfod_client *);
};

struct debuginfod {
	struct client client;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	struct query *first, **last;
	bool stop;
	uint64_t give_up;	 /* ns: when the current query counts as failed */
	uint64_t patience, left; /* ns, of each report and of the current one */
	bool impatient;		 /* `left` was used up, and nothing was answered since */
};

/* ---- the thread that sends queries ---- */

/* The object that this thread belongs to: the library's callback has no argument of ours. */
static _Thread_local struct debuginfod *asking;

static int should_stop(debuginfod_client *handle, long done, long size)
{
	bool stop;

	(void)handle;
	(void)done;
	pthread_mutex_lock(&asking->lock);
	stop = asking->stop || clock__now_ns() >= asking->give_up || size > FILE_MAX;
	pthread_mutex_unlock(&asking->lock);
	return stop;
}

static struct query *next_waiting(struct debuginfod *d)
{
	struct query *q = d->first;

	while (q && q->state != WAITING)
		q = q->next;
	return q;
}

/* Called with the lock held, which is released meanwhile. */
static void send_query(struct debuginfod *d, debuginfod_client *handle, struct query *q)
{
	char *path = NULL;
	int fd = -1;

	q->state = ASKED;
	d->give_up = clock__now_ns() + QUERY_NS;
	pthread_mutex_unlock(&d->lock);
	if (handle)
		fd = d->client.find(handle, q->id, (int)q->len, &path);
	if (fd >= 0)
		close(fd);
	pthread_mutex_lock(&d->lock);
	q->state = fd >= 0 && path ? FOUND : FAILED;
	q->path = path;
	if (clock__now_ns() < d->give_up)
		d->impatient = false;
	pthread_cond_broadcast(&d->changed);
}

static void *send_queries(void *arg)
{
	struct debuginfod *d = arg;
	debuginfod_client *handle = d->client.begin();

	asking = d;
	if (handle)
		d->client.set_progressfn(handle, should_stop);
	pthread_mutex_lock(&d->lock);
	while (!d->stop) {
		struct query *q = next_waiting(d);

		if (!q)
			pthread_cond_wait(&d->changed, &d->lock);
		else
			send_query(d, handle, q);
	}
	pthread_mutex_unlock(&d->lock);
	if (handle)
		d->client.end(handle);
	return NULL;
}

/* ---- creation and destruction ---- */

/* The library is never unloaded: its dependencies (libcurl and the TLS libraries below it) keep
 * memory and threads of their own, which dlclose would orphan. */
static int load_library(struct client *c)
{
	void *library = dlopen(DEBUGINFOD_SONAME, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return -ELIBACC;
	*(void **)&c->begin = dlsym(library, "debuginfod_begin");
	*(void **)&c->set_progressfn = dlsym(library, "debuginfod_set_progressfn");
	*(void **)&c->find = dlsym(library, "debuginfod_find_debuginfo");
	*(void **)&c->end = dlsym(library, "debuginfod_end");
	return c->begin && c->set_progressfn && c->find && c->end ? 0 : -ELIBACC;
}

/* Appends the server lists that a login shell puts into the environment, and sudo removes. */
static void append_configured_urls(struct strbuf *urls)
{
	glob_t files;

	if (glob(URL_FILES, 0, NULL, &files) == 0) {
		for (size_t i = 0; i < files.gl_pathc; i++) {
			char *text = file__read(files.gl_pathv[i], NULL);

			strbuf__addf(urls, "%s ", text ? text : "");
			free(text);
		}
		globfree(&files);
	}
	for (size_t i = 0; i < urls->len; i++)
		if (urls->data[i] == '\n')
			urls->data[i] = ' ';
}

static int configure_servers(void)
{
	const char *given = getenv(DEBUGINFOD_URLS_ENV_VAR);
	struct strbuf urls = { 0 };
	int err = 0;

	if (given && given[strspn(given, " ")])
		return 0;
	append_configured_urls(&urls);
	if (!urls.data || !urls.data[strspn(urls.data, " ")])
		err = -EDESTADDRREQ;
	else if (setenv(DEBUGINFOD_URLS_ENV_VAR, urls.data, 1))
		err = -errno;
	strbuf__free(&urls);
	return err;
}

static void destroy_client(struct debuginfod *d)
{
	struct query *q, *next;

	for (q = d->first; q; q = next) {
		next = q->next;
		free(q->path);
		free(q);
	}
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

struct debuginfod *debuginfod__new(double patience)
{
	struct debuginfod *d = calloc(1, sizeof(*d));
	pthread_condattr_t attr;
	int err;

	if (!d)
		return NULL;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->changed, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&d->lock, NULL);
	d->last = &d->first;
	d->patience = d->left = (uint64_t)(patience * 1e9);
	err = load_library(&d->client);
	if (!err)
		err = configure_servers();
	if (!err)
		err = -pthread_create(&d->thread, NULL, send_queries, d);
	if (!err)
		return d;
	destroy_client(d);
	errno = -err;
	return NULL;
}

/* A thread that does not end is left alone, with everything it uses. */
void debuginfod__free(struct debuginfod *d)
{
	struct timespec until;

	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += END_S;
	if (pthread_clockjoin_np(d->thread, NULL, CLOCK_MONOTONIC, &until) == 0)
		destroy_client(d);
}

/* ---- opening a file ---- */

static struct query *query_for(struct debuginfod *d, const uint8_t *id, size_t len)
{
	struct query *q = d->first;

	while (q && (q->len != len || memcmp(q->id, id, len)))
		q = q->next;
	if (q)
		return q;
	q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	memcpy(q->id, id, len);
	q->len = len;
	*d->last = q;
	d->last = &q->next;
	pthread_cond_broadcast(&d->changed);
	return q;
}

static bool is_pending(const struct query *q)
{
	return q->state == WAITING || q->state == ASKED;
}

static void wait_for_answer(struct debuginfod *d, const struct query *q)
{
	uint64_t began = clock__now_ns(), until = began + d->left, now;
	struct timespec at = {
		.tv_sec = (time_t)(until / 1000000000),
		.tv_nsec = (long)(until % 1000000000),
	};
	int err = 0;

	while (is_pending(q) && !err)
		err = pthread_cond_timedwait(&d->changed, &d->lock, &at);
	now = clock__now_ns();
	d->left = now < until ? until - now : 0;
	d->impatient = is_pending(q);
}

int debuginfod__open(struct debuginfod *d, const uint8_t *id, size_t len)
{
	struct query *q;
	struct stat st;
	int fd;

	if (!len || len > ID_BYTES)
		return -ENOENT;
	pthread_mutex_lock(&d->lock);
	q = query_for(d, id, len);
	if (q && is_pending(q) && d->left && !d->impatient)
		wait_for_answer(d, q);
	if (!q)
		fd = -ENOMEM;
	else if (is_pending(q))
		fd = -EAGAIN;
	else
		fd = q->state == FOUND ? file__open_regular(q->path, 0, &st) : -ENOENT;
	pthread_mutex_unlock(&d->lock);
	return fd;
}

void debuginfod__new_report(struct debuginfod *d)
{
	pthread_mutex_lock(&d->lock);
	d->left = d->patience;
	pthread_mutex_unlock(&d->lock);
}

void debuginfod__stats(struct debuginfod *d, struct debuginfod_stats *out)
{
	*out = (struct debuginfod_stats){ 0 };
	pthread_mutex_lock(&d->lock);
	for (const struct query *q = d->first; q; q = q->next) {
		out->asked++;
		out->found += q->state == FOUND;
		out->failed += q->state == FAILED;
	}
	pthread_mutex_unlock(&d->lock);
}

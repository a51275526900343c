/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/detacher.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "trace/internal.h"

#define THREADS 4 /* those that wait at the same time wait for the same thing */
#define WAITING_MAX 256

enum state { FREE, WAITS, GOES };

struct detacher {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct {
		struct attachment a;
		enum state state;
	} at[WAITING_MAX];
	unsigned int used;
	pthread_t threads[THREADS];
	unsigned int nthreads;
	bool stop;
};

/* The entry in a state; WAITING_MAX: none. */
static unsigned int find_state(const struct detacher *d, enum state state)
{
	unsigned int i = 0;

	while (i < WAITING_MAX && d->at[i].state != state)
		i++;
	return i;
}

static void *remove_probes(void *arg)
{
	struct detacher *d = arg;
	unsigned int i;

	pthread_mutex_lock(&d->lock);
	for (;;) {
		i = find_state(d, WAITS);
		if (i == WAITING_MAX && d->stop)
			break;
		if (i == WAITING_MAX) {
			pthread_cond_wait(&d->changed, &d->lock);
			continue;
		}
		d->at[i].state = GOES;
		pthread_mutex_unlock(&d->lock);
		links__close(&d->at[i].a.links);
		pthread_mutex_lock(&d->lock);
		trace_attach__destroy(&d->at[i].a);
		d->at[i].state = FREE;
		d->used--;
		pthread_cond_broadcast(&d->changed);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

struct detacher *detacher__new(void)
{
	struct detacher *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	return d;
}

void detacher__free(struct detacher *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	for (unsigned int i = 0; i < d->nthreads; i++)
		pthread_join(d->threads[i], NULL);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* One more thread for one more entry, up to all of them. */
static bool has_thread(struct detacher *d)
{
	if (d->nthreads < THREADS && d->nthreads <= d->used &&
	    !pthread_create(&d->threads[d->nthreads], NULL, remove_probes, d))
		d->nthreads++;
	return d->nthreads;
}

void detacher__add(struct detacher *d, const struct attachment *a)
{
	struct attachment own = *a;
	unsigned int i = WAITING_MAX;

	if (d) {
		pthread_mutex_lock(&d->lock);
		if (has_thread(d))
			i = find_state(d, FREE);
		if (i < WAITING_MAX) {
			d->at[i].a = own;
			d->at[i].state = WAITS;
			d->used++;
			pthread_cond_broadcast(&d->changed);
		}
		pthread_mutex_unlock(&d->lock);
	}
	if (i == WAITING_MAX)
		trace_attach__destroy(&own);
}

static bool concerns(const struct attachment *a, uint32_t module, pid_t pid)
{
	return a->module == module && (a->pid == pid || !a->pid || !pid);
}

static bool is_left(const struct detacher *d, uint32_t module, pid_t pid)
{
	for (unsigned int i = 0; d->used && i < WAITING_MAX; i++)
		if (d->at[i].state != FREE && concerns(&d->at[i].a, module, pid))
			return true;
	return false;
}

void detacher__await(struct detacher *d, uint32_t module, pid_t pid)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	while (is_left(d, module, pid))
		pthread_cond_wait(&d->changed, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

void detacher__flush(struct detacher *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	while (d->used)
		pthread_cond_wait(&d->changed, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

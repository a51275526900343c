/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/collector_lock.h"

void collector_lock__init(struct collector_lock *l)
{
	pthread_mutex_init(&l->lock, NULL);
	pthread_mutex_init(&l->turn, NULL);
	atomic_init(&l->wanted, false);
}

void collector_lock__destroy(struct collector_lock *l)
{
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->turn);
}

void collector_lock__take(struct collector_lock *l)
{
	pthread_mutex_lock(&l->turn);
	atomic_store(&l->wanted, true);
	pthread_mutex_lock(&l->lock);
	atomic_store(&l->wanted, false);
	pthread_mutex_unlock(&l->turn);
}

void collector_lock__release(struct collector_lock *l)
{
	pthread_mutex_unlock(&l->lock);
}

void collector_lock__begin_records(struct collector_lock *l)
{
	pthread_mutex_lock(&l->lock);
}

void collector_lock__end_records(struct collector_lock *l)
{
	pthread_mutex_unlock(&l->lock);
}

void collector_lock__yield(struct collector_lock *l)
{
	if (!atomic_load_explicit(&l->wanted, memory_order_relaxed))
		return;
	pthread_mutex_unlock(&l->lock);
	/* Held by the thread that waits, until it has the lock. */
	pthread_mutex_lock(&l->turn);
	pthread_mutex_unlock(&l->turn);
	pthread_mutex_lock(&l->lock);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guards the collector. The ring buffer's consumer holds the lock while there are records, and
 * releases it as soon as another thread wants it: with a plain mutex, a busy consumer would take it
 * again before the others wake up.
 */
#ifndef MEMTRACE_SESSION_COLLECTOR_LOCK_H
#define MEMTRACE_SESSION_COLLECTOR_LOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct collector_lock {
	pthread_mutex_t lock;
	pthread_mutex_t turn; /* held by the next thread */
	atomic_bool wanted;
};

void collector_lock__init(struct collector_lock *l);
void collector_lock__destroy(struct collector_lock *l);

/* For all threads but the consumer. */
void collector_lock__take(struct collector_lock *l);
void collector_lock__release(struct collector_lock *l);

/* For the consumer: before and after its records, and between records. */
void collector_lock__begin_records(struct collector_lock *l);
void collector_lock__end_records(struct collector_lock *l);
void collector_lock__yield(struct collector_lock *l);

#endif

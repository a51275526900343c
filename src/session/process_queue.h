/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries process events from the consumer of the ring buffer to the main thread, which attaches.
 * Bounded: an event that finds no room is counted, and the caller has to end its hold.
 */
#ifndef MEMTRACE_SESSION_PROCESS_QUEUE_H
#define MEMTRACE_SESSION_PROCESS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCESS_QUEUE_MAX 65536 /* events that may wait */

struct process_event {
	uint8_t type;	 /* EVENT_FORK, _EXEC, _EXIT, _FILES, _CODE, _ENTER, _CANDIDATE or
			  * _TRANSLATED */
	uint32_t pid;	 /* for a fork, the child's */
	uint32_t parent; /* for a fork */
	uint64_t time;	 /* ns, CLOCK_MONOTONIC */
	uint64_t hold;	 /* to be ended once the event is handled; 0: none */
	/* Its mappings need not be read: a later event of the process does that, or it ended. */
	bool superseded;
	/* Its program was over before anything looked at its mappings. */
	bool missed;
};

struct process_queue;

struct process_queue *process_queue__new(void); /* returns NULL and sets errno on failure */
void process_queue__free(struct process_queue *q);

int process_queue__fd(const struct process_queue *q); /* readable when events wait */

/* Any thread may call this and the next two. Returns false where there is no room or no memory; the
 * event was counted. */
bool process_queue__push(struct process_queue *q, const struct process_event *ev);
uint64_t process_queue__dropped(struct process_queue *q);
/* Takes all waiting events, which the caller frees, and marks those that are superseded. Returns
 * NULL if there are none. */
struct process_event *process_queue__take(struct process_queue *q, size_t *n);

#endif

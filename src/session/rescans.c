/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/rescans.h"

#include <errno.h>
#include <stdlib.h>

#include "util/array.h"
#include "util/hashmap.h"
#include "util/pace.h"

#define SWEEP_AT 4096 /* entries: those of processes whose end was lost are dropped then */

struct rescan {
	uint64_t began; /* of the last look */
	struct pace pace;
	bool waits; /* is in rescans.waiting */
};

struct rescans {
	struct hashmap *by_pid;
	uint32_t *waiting;
	size_t n, cap;
	size_t sweep_at;
};

struct rescans *rescans__new(void)
{
	struct rescans *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return NULL;
	rs->sweep_at = SWEEP_AT;
	rs->by_pid = hashmap__new();
	if (rs->by_pid)
		return rs;
	free(rs);
	errno = ENOMEM;
	return NULL;
}

void rescans__free(struct rescans *rs)
{
	struct rescan *r;
	size_t pos = 0;

	if (!rs)
		return;
	while ((r = hashmap__next_ptr(rs->by_pid, &pos, NULL)))
		free(r);
	hashmap__free(rs->by_pid);
	free(rs->waiting);
	free(rs);
}

bool rescans__covers(const struct rescans *rs, uint32_t pid, uint64_t event)
{
	const struct rescan *r = hashmap__get_ptr(rs->by_pid, pid);

	return r && r->began > event;
}

/* Without memory, it is looked at now. */
bool rescans__may(struct rescans *rs, uint32_t pid, uint64_t now)
{
	struct rescan *r = hashmap__get_ptr(rs->by_pid, pid);

	if (!r || pace__next(&r->pace) <= now)
		return true;
	if (!r->waits) {
		if (array__grow(&rs->waiting, &rs->cap, rs->n + 1, sizeof(*rs->waiting)))
			return true;
		rs->waiting[rs->n++] = pid;
		r->waits = true;
	}
	return false;
}

static void stop_waiting(struct rescans *rs, uint32_t pid, struct rescan *r)
{
	size_t i = 0;

	if (!r->waits)
		return;
	while (rs->waiting[i] != pid)
		i++;
	rs->waiting[i] = rs->waiting[--rs->n];
	r->waits = false;
}

/* Drops what no longer postpones anything. */
static void sweep(struct rescans *rs, uint64_t now)
{
	uint32_t *pids = malloc(hashmap__count(rs->by_pid) * sizeof(*pids));
	struct rescan *r;
	size_t pos = 0, n = 0;
	uint64_t pid;

	while (pids && (r = hashmap__next_ptr(rs->by_pid, &pos, &pid)))
		if (!r->waits && r->pace.paid < now)
			pids[n++] = (uint32_t)pid;
	while (n)
		rescans__forget(rs, pids[--n]);
	free(pids);
	rs->sweep_at = 2 * hashmap__count(rs->by_pid) + SWEEP_AT;
}

void rescans__took(struct rescans *rs, uint32_t pid, uint64_t began, uint64_t ended)
{
	struct rescan *r = hashmap__get_ptr(rs->by_pid, pid);

	if (!r) {
		if (hashmap__count(rs->by_pid) >= rs->sweep_at)
			sweep(rs, ended);
		r = calloc(1, sizeof(*r));
		if (!r || hashmap__set_ptr(rs->by_pid, pid, r)) {
			free(r);
			return;
		}
	}
	r->began = began;
	pace__took(&r->pace, began, ended);
	stop_waiting(rs, pid, r);
}

void rescans__forget(struct rescans *rs, uint32_t pid)
{
	struct rescan *r = hashmap__remove_ptr(rs->by_pid, pid);

	if (r)
		stop_waiting(rs, pid, r);
	free(r);
}

uint32_t rescans__due(struct rescans *rs, uint64_t now)
{
	for (size_t i = 0; i < rs->n; i++) {
		uint32_t pid = rs->waiting[i];
		struct rescan *r = hashmap__get_ptr(rs->by_pid, pid);

		if (pace__next(&r->pace) > now)
			continue;
		stop_waiting(rs, pid, r);
		return pid;
	}
	return 0;
}

uint64_t rescans__next(const struct rescans *rs)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < rs->n; i++) {
		const struct rescan *r = hashmap__get_ptr(rs->by_pid, rs->waiting[i]);
		uint64_t at = pace__next(&r->pace);

		next = at < next ? at : next;
	}
	return next;
}

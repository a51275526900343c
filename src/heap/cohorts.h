/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one call site had born in each part of the run, and what of it is still alive: a dozen
 * cohorts that are narrow for what was born lately and as wide as a quarter of the time for the
 * oldest. It looks at no clock: times are those that it is told, in ns since the run's start.
 */
#ifndef MEMTRACE_HEAP_COHORTS_H
#define MEMTRACE_HEAP_COHORTS_H

#include <stdbool.h>
#include <stdint.h>

#define COHORTS_MAX 12
#define COHORTS_TICKS 64 /* the time is cut into fewer ticks than that, each 2^shift ns */
#define COHORTS_LIVES 7
#define COHORTS_UNIT 20 /* about a millisecond: 32 bits last 52 days */

struct cohort {
	uint64_t alive_bytes;
	uint32_t born, alive; /* blocks; `born` stays at its largest */
	float least, most;    /* bytes that the site held, at any time of the cohort's */
};

/* An event in the present tick touches the first 64 bytes and a cohort. */
struct cohorts {
	uint64_t origin;   /* the first birth */
	uint64_t bytes;	   /* alive now */
	float least, most; /* of the last cohort, so far: see cohorts__advance */
	uint32_t longest;  /* the longest life of what died, in units of 2^COHORTS_UNIT ns */
	uint32_t last;	   /* the last birth, in such units since the origin */
	/* Deaths: [0] of what was younger than a tick, [n] of what was younger than 2^n. */
	uint32_t lives[COHORTS_LIVES];
	uint8_t shift, tick, n;		   /* tick: the present one */
	uint8_t start[COHORTS_MAX];	   /* ticks; a cohort ends where the next one starts */
	struct cohort cohort[COHORTS_MAX]; /* n of them, the oldest first */
};

struct cohorts *cohorts__new(uint64_t origin); /* NULL and errno; free() it */

/* A block that was born at `birth` came to the site at `now`, then or by a realloc elsewhere; it
 * died; a realloc took it elsewhere, as if it had never been here; or its size changed. */
void cohorts__came(struct cohorts *c, uint64_t now, uint64_t birth, uint64_t bytes);
void cohorts__died(struct cohorts *c, uint64_t now, uint64_t birth, uint64_t bytes);
void cohorts__left(struct cohorts *c, uint64_t now, uint64_t birth, uint64_t bytes);
void cohorts__resized(struct cohorts *c, uint64_t now, uint64_t birth, int64_t change);
/* One of the site's blocks became another of it. */
void cohorts__became(struct cohorts *c, uint64_t now, uint64_t birth, uint64_t bytes,
		     uint64_t new_birth, uint64_t new_bytes);

/* All that is alive dies at `now`. */
void cohorts__end(struct cohorts *c, uint64_t now);

/* Brings the present to `now`, and the last cohort's least and most up to date. Cohorts merge as
 * they grow older. Nothing depends on when or how often this is called. */
void cohorts__advance(struct cohorts *c, uint64_t now);

/* Adds the other's. Both come to the same present; where their ticks differ, cohorts go whole to
 * where their middle lies. */
void cohorts__unite(struct cohorts *c, const struct cohorts *other);

/* To and from a file (codec.h). What is read is sound in itself, or NULL with errno EINVAL or
 * ENOMEM. */
struct strbuf;
struct cursor;
void cohorts__save(const struct cohorts *c, struct strbuf *sb);
struct cohorts *cohorts__load(struct cursor *in);

#endif

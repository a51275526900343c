/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many blocks of one call site were born in each part of the run, and how many of these are
 * live: a dozen cohorts, narrow for recent births and as wide as a quarter of the time for the
 * oldest. No clock is read: times are those that the caller passes, in ns since the run's start.
 */
#ifndef MEMTRACE_HEAP_COHORTS_H
#define MEMTRACE_HEAP_COHORTS_H

#include <stdbool.h>
#include <stdint.h>

#define COHORTS_MAX 12
#define COHORTS_TICKS 64 /* the time is divided into fewer ticks, each 2^shift ns long */
#define COHORTS_LIVES 7
#define COHORTS_UNIT 20 /* about a millisecond: 32 bits last 52 days */

struct cohort {
	uint64_t alive_bytes;
	uint32_t born, alive; /* blocks; `born` stays at its largest */
	float least, most;    /* bytes that the site held during the cohort */
};

/* An event in the present tick touches the first 64 bytes and a cohort. */
struct cohorts {
	uint64_t origin;   /* the first birth */
	uint64_t bytes;	   /* alive now */
	float least, most; /* of the last cohort so far: see cohorts__advance */
	uint32_t longest; /* the longest life of a block that died, in units of 2^COHORTS_UNIT ns */
	uint32_t last;	  /* when a block last came or grew, in such units since the origin */
	/* Deaths: [0] of blocks younger than a tick, [n] of blocks younger than 2^n ticks. */
	uint32_t lives[COHORTS_LIVES];
	uint8_t shift, tick, n;		   /* tick: the present one */
	uint8_t start[COHORTS_MAX];	   /* ticks; a cohort ends where the next one starts */
	uint64_t sizes;			   /* the classes of its blocks' sizes (size_class.h) */
	struct cohort cohort[COHORTS_MAX]; /* n of them, the oldest first */
};

struct cohorts *cohorts__new(uint64_t origin); /* NULL and errno; free() it */

/* A block born at `birth` came to the site at `now`, new or by a realloc of another site's; died;
 * left by a realloc for another site, as if it had never been here; or changed its size. */
void cohorts__came(struct cohorts *c, uint64_t now, uint64_t birth, uint64_t bytes);
void cohorts__died(struct cohorts *c, uint64_t now, uint64_t birth, uint64_t bytes);
void cohorts__left(struct cohorts *c, uint64_t now, uint64_t birth, uint64_t bytes);
void cohorts__resized(struct cohorts *c, uint64_t now, uint64_t birth, int64_t change);
/* A realloc made one of the site's blocks of another. */
void cohorts__became(struct cohorts *c, uint64_t now, uint64_t birth, uint64_t bytes,
		     uint64_t new_birth, uint64_t new_bytes);

/* When a block last came or grew. */
static inline uint64_t cohorts__last(const struct cohorts *c)
{
	return c->origin + ((uint64_t)c->last << COHORTS_UNIT);
}

/* All that is alive dies at `now`. */
void cohorts__end(struct cohorts *c, uint64_t now);

/* Moves the present to `now`, and brings the last cohort's least and most up to date. Cohorts merge
 * as they grow older. Results do not depend on when or how often this is called. */
void cohorts__advance(struct cohorts *c, uint64_t now);

/* Adds the other's cohorts. Both are brought to the same present; where their ticks differ, a
 * cohort is added as a whole to the one that its middle lies in. */
void cohorts__unite(struct cohorts *c, const struct cohorts *other);

/* To and from a file (codec.h). What is loaded is consistent in itself; otherwise NULL, and errno
 * is EINVAL or ENOMEM. */
struct strbuf;
struct cursor;
void cohorts__save(const struct cohorts *c, struct strbuf *sb);
struct cohorts *cohorts__load(struct cursor *in);

#endif

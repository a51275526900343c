/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Says of a call site whether it leaks, from what it had born when and what of it still lives
 * (cohorts.h). Times are ns since the run's start. It depends on nothing but what it is given.
 */
#ifndef MEMTRACE_HEAP_JUDGE_H
#define MEMTRACE_HEAP_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "heap/cohorts.h"

enum verdict {
	VERDICT_UNKNOWN, /* too little was seen */
	VERDICT_CHURN,	 /* blocks come and go */
	VERDICT_STARTUP, /* held since the beginning, and nothing came since */
	VERDICT_PLATEAU, /* holds about as much as it did */
	VERDICT_GROWING, /* holds more and more, but not provably for good */
	VERDICT_LEAK,	 /* blocks outlive by far all that die, and more keep coming */
	VERDICTS
};

/* What keeps a site that grows from being called a leak: the first of these. */
enum doubt {
	DOUBT_NONE,  /* there is no more to it than that it holds more and more */
	DOUBT_SLOWS, /* ever fewer blocks come */
	DOUBT_OLDER, /* as many blocks are freed that are older than the tracing: the new might
			replace them */
	DOUBT_YOUNG, /* seen for less than JUDGE_LEAK_NS */
	DOUBT_FEW,   /* nothing of it ever died, and it is so little that a table might fill up */
	DOUBTS
};

/* There is no verdict on less than this: seen for so long, and so many blocks that stayed. */
#define JUDGE_LEAST_NS 4000000000ull
#define JUDGE_LEAK_NS 10000000000ull /* to call it a leak: much fills up while a program starts */
#define JUDGE_LEAST_BLOCKS 8
/* To call it a leak where nothing ever died: so many blocks, or so much in 32. Logs fill up, too.
 */
#define JUDGE_ALONE_BLOCKS 500
#define JUDGE_ALONE_BYTES 65536
#define JUDGE_ALONE_LARGE 32
#define JUDGE_LEAST_COHORTS 3

struct judge_facts {
	uint64_t now;
	uint64_t began; /* when the process was first seen */
	/* Frees of blocks that are older than the tracing, as births; NULL: there were none. What
	 * is born might just replace these. */
	const struct cohorts *older;
};

struct judgement {
	enum verdict verdict;
	enum doubt doubt;
	double rate;	  /* bytes a second that stay; 0 unless it is a leak or grows */
	double survival;  /* 0 to 1: of the blocks born long enough ago, those that live */
	uint64_t window;  /* ns that the site was seen */
	uint64_t longest; /* ns, the longest life of a block that died */
	uint64_t leaking; /* ns that the leak goes on; 0: it is none */
};

struct judgement judge__site(const struct cohorts *cohorts, const struct judge_facts *facts);
/* A site that has no cohorts, because it never had more than one block: `birth` is that one's. */
struct judgement judge__single(uint64_t birth, const struct judge_facts *facts);

/* To and from a file (codec.h). 0 or -EINVAL. */
struct strbuf;
struct cursor;
void judge__save(const struct judgement *j, struct strbuf *sb);
int judge__load(struct cursor *in, struct judgement *j);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Judges whether a call site leaks, from when its blocks were born and how many of them are still
 * live (cohorts.h). Times are ns since the run's start. The result depends on the arguments alone.
 */
#ifndef MEMTRACE_HEAP_JUDGE_H
#define MEMTRACE_HEAP_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "heap/activity.h"
#include "heap/cohorts.h"
#include "heap/older_frees.h"

enum verdict {
	VERDICT_UNKNOWN, /* too little evidence */
	VERDICT_CHURN,	 /* blocks come and go */
	VERDICT_STARTUP, /* allocated at the beginning and held; nothing came since */
	VERDICT_PLATEAU, /* holds about as much as before */
	VERDICT_GROWING, /* holds more and more, but may still give it back */
	VERDICT_LEAK,	 /* blocks outlive by far all that died, and more keep coming */
	VERDICTS
};

/* Why a growing site is not called a leak: the first of these that holds. */
enum doubt {
	DOUBT_NONE,  /* nothing but growth was found */
	DOUBT_SLOWS, /* fewer and fewer blocks come */
	DOUBT_OLDER, /* as many blocks older than the tracing are freed that may have been the
			site's, and the new ones might replace them */
	DOUBT_YOUNG, /* observed for too short a time: see JUDGE_LEAK_NS */
	DOUBT_FEW,   /* no block ever died, and a table that fills up might hold as many */
	DOUBTS
};

/* No verdict below these: the time observed, and the number of blocks that stayed. */
#define JUDGE_LEAST_NS 4000000000ull
#define JUDGE_LEAK_NS 10000000000ull /* for a leak: much fills up while a program starts */
/* Less for strong evidence in a process that had run for so long before it was first seen. */
#define JUDGE_SETTLED_LEAK_NS 6000000000ull
#define JUDGE_SETTLED_AGE_NS 20000000000ull
#define JUDGE_LEAST_BLOCKS 8
/* For a leak where no block ever died: so many blocks, or so many bytes in at least 32 of them.
 * Logs fill up, too. */
#define JUDGE_ALONE_BLOCKS 500
#define JUDGE_ALONE_BYTES 65536
#define JUDGE_ALONE_LARGE 32
#define JUDGE_LEAST_COHORTS 3

struct judge_facts {
	uint64_t now;
	uint64_t began; /* when the process was first seen */
	uint64_t age;	/* ns, how old it was then; 0: it began then, or its age is not known */
	/* Frees of blocks older than the tracing; NULL: none. The site's births might just replace
	 * these blocks. It is only brought to the present. */
	struct older_frees *older;
	/* What all of the process had to do, the site itself included; NULL: not known. */
	const struct activity *work;
};

struct judgement {
	enum verdict verdict;
	enum doubt doubt;
	double rate;	  /* bytes a second that stay; 0 unless it leaks or grows */
	double survival;  /* 0 to 1: the live fraction of the blocks born long enough ago */
	uint64_t window;  /* ns for which the site was observed */
	uint64_t longest; /* ns, the longest life of a block that died */
	uint64_t leaking; /* ns since the leak began; 0: no leak */
};

struct judgement judge__site(const struct cohorts *cohorts, const struct judge_facts *facts);
/* For a site without cohorts because it never had more than one block, born at `birth`. */
struct judgement judge__single(uint64_t birth, const struct judge_facts *facts);

/* To and from a file (codec.h). 0 or -EINVAL. */
struct strbuf;
struct cursor;
void judge__save(const struct judgement *j, struct strbuf *sb);
int judge__load(struct cursor *in, struct judgement *j);

#endif

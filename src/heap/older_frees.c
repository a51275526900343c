/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of freed addresses, each in its slot, that forgets: a block of unknown size is forgotten
 * only for another such. What is learned of a free counts at the time of the free, so that all and
 * the learned of any stretch of time can be compared.
 */
#include "heap/older_frees.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "heap/cohorts.h"
#include "heap/size_class.h"
#include "util/hash.h"

#define SLOTS_MIN 64
#define SLOTS_MAX 8192
#define SLOTS_EACH 64 /* for each free of an older block: known ones come in between */
#define UNIT 20	      /* 2^20 ns: about a millisecond */
#define SIZE_UNKNOWN SIZE_CLASSES
#define REUSES_LEAST 32 /* fewer say little of a class */
#define ALIKE_LEAST 0.5 /* so many of the reused addresses got blocks of the same class */
#define LEARNED_EACH 4	/* with fewer than one in so many, nothing can be said */
/* Of what was not learned, so many may be of the class: for each that was learned to be, and more.
 */
#define UNLEARNED_EACH 4
#define UNLEARNED_LEAST 8

struct freed {
	uint64_t addr; /* 0: empty */
	uint32_t when;
	uint32_t class;
};

struct older_frees {
	struct cohorts *all;
	struct cohorts *of_class[SIZE_CLASSES]; /* NULL: none yet */
	/* Reused addresses by the class of the known block that was freed there, and how many of
	 * them got one of the same class or the next to it. */
	uint32_t reused[SIZE_CLASSES], alike[SIZE_CLASSES];
	struct freed *freed; /* NULL in a copy */
	uint32_t slots;
	uint64_t n; /* frees that came */
};

struct older_frees *older_frees__of(struct cohorts *all)
{
	struct older_frees *o = calloc(1, sizeof(*o));

	if (o)
		o->freed = calloc(SLOTS_MIN, sizeof(*o->freed));
	if (o && all && o->freed) {
		o->all = all;
		o->slots = SLOTS_MIN;
		return o;
	}
	free(all);
	older_frees__free(o);
	errno = ENOMEM;
	return NULL;
}

struct older_frees *older_frees__new(uint64_t now)
{
	return older_frees__of(cohorts__new(now));
}

void older_frees__free(struct older_frees *o)
{
	if (!o)
		return;
	for (unsigned int i = 0; i < SIZE_CLASSES; i++)
		free(o->of_class[i]);
	free(o->all);
	free(o->freed);
	free(o);
}

const struct cohorts *older_frees__all(const struct older_frees *o)
{
	return o->all;
}

size_t older_frees__memory(const struct older_frees *o)
{
	size_t sum = sizeof(*o) + sizeof(*o->all) + o->slots * sizeof(*o->freed);

	for (unsigned int i = 0; i < SIZE_CLASSES; i++)
		sum += o->of_class[i] ? sizeof(struct cohorts) : 0;
	return sum;
}

/* ---- what comes ---- */

static struct freed *freed_slot(struct older_frees *o, uint64_t addr)
{
	return &o->freed[hash__mix(addr, 0) & (o->slots - 1)];
}

/* Without memory, it stays as it is and forgets more. */
static void more_slots(struct older_frees *o)
{
	struct freed *old = o->freed, *more = calloc(2 * (size_t)o->slots, sizeof(*more));
	uint32_t n = o->slots;

	if (!more)
		return;
	o->freed = more;
	o->slots = 2 * n;
	for (uint32_t i = 0; i < n; i++)
		if (old[i].addr)
			*freed_slot(o, old[i].addr) = old[i];
	free(old);
}

void older_frees__came(struct older_frees *o, uint64_t now, uint64_t addr)
{
	uint64_t units = now >> UNIT;

	cohorts__came(o->all, now, now, 0);
	o->n++;
	if (o->slots < SLOTS_MAX && o->n * SLOTS_EACH > o->slots)
		more_slots(o);
	*freed_slot(o, addr) = (struct freed){
		.addr = addr,
		.when = units < UINT32_MAX ? (uint32_t)units : UINT32_MAX,
		.class = SIZE_UNKNOWN,
	};
}

void older_frees__known(struct older_frees *o, uint64_t addr, uint64_t bytes)
{
	struct freed *f = freed_slot(o, addr);

	if (f->addr && f->class == SIZE_UNKNOWN)
		return;
	*f = (struct freed){ .addr = addr, .class = size_class__of(bytes) };
}

void older_frees__reused(struct older_frees *o, uint64_t now, uint64_t addr, uint64_t bytes)
{
	struct freed *f = freed_slot(o, addr);
	unsigned int class = size_class__of(bytes);

	if (f->addr != addr)
		return;
	if (f->class == SIZE_UNKNOWN) {
		if (!o->of_class[class])
			o->of_class[class] = cohorts__new(o->all->origin);
		if (o->of_class[class])
			cohorts__came(o->of_class[class], now, (uint64_t)f->when << UNIT, 0);
	} else if (o->reused[f->class] < UINT32_MAX) {
		o->reused[f->class]++;
		o->alike[f->class] += class + 1 >= f->class && class <= f->class + 1;
	}
	f->addr = 0;
}

/* ---- what it says ---- */

/* A cohort counts as a whole: rather too many than too few. */
static double since(struct cohorts *c, uint64_t now, uint64_t from)
{
	double sum = 0;

	if (!c)
		return 0;
	cohorts__advance(c, now);
	for (unsigned int i = 0; i < c->n; i++) {
		unsigned int end = i + 1u < c->n ? c->start[i + 1] : c->tick + 1u;

		if (c->origin + ((uint64_t)end << c->shift) > from)
			sum += c->cohort[i].born;
	}
	return sum;
}

/*
 * The share of reused addresses that got a block of the same class. Where too few blocks of the
 * class were reused, those of up to four times and a quarter of the size tell. 0: it is not known.
 */
static double alike(const struct older_frees *o, unsigned int class)
{
	double n = o->reused[class], same = o->alike[class];

	for (unsigned int i = class > 8 ? class - 8 : 0;
	     n < REUSES_LEAST && i <= class + 8 && i < SIZE_CLASSES; i++) {
		n += o->reused[i];
		same += o->alike[i];
	}
	return n < REUSES_LEAST ? 0 : same / n;
}

double older_frees__at_most(struct older_frees *o, uint64_t now, uint64_t from, uint64_t classes)
{
	uint64_t near = size_class__near(classes);
	double all = since(o->all, now, from), learned = 0, theirs = 0, least = 1, n;

	for (unsigned int i = 0; i < SIZE_CLASSES; i++) {
		n = since(o->of_class[i], now, from);
		learned += n;
		theirs += near >> i & 1 ? n : 0;
		if (classes >> i & 1)
			least = fmin(least, alike(o, i));
	}
	if (!classes || least < ALIKE_LEAST || learned * LEARNED_EACH < all)
		return all;
	return fmin(all, theirs / least +
			     fmin(all - learned, theirs * UNLEARNED_EACH + UNLEARNED_LEAST));
}

/* ---- several processes as one ---- */

static int add_cohorts(struct cohorts **to, const struct cohorts *from)
{
	if (!from)
		return 0;
	if (!*to) {
		*to = cohorts__new(from->origin);
		if (!*to)
			return -ENOMEM;
	}
	cohorts__unite(*to, from);
	return 0;
}

int older_frees__unite(struct older_frees *o, const struct older_frees *other)
{
	int err = add_cohorts(&o->all, other->all);

	for (unsigned int i = 0; i < SIZE_CLASSES && !err; i++) {
		err = add_cohorts(&o->of_class[i], other->of_class[i]);
		o->reused[i] += other->reused[i];
		o->alike[i] += other->alike[i];
	}
	return err;
}

struct older_frees *older_frees__copy(const struct older_frees *from)
{
	struct older_frees *o = calloc(1, sizeof(*o));

	if (o && !older_frees__unite(o, from))
		return o;
	older_frees__free(o);
	errno = ENOMEM;
	return NULL;
}

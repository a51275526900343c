/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which findings are parts of one. A program that forgets an object forgets all that belongs to it:
 * its string, its vector, the node of the map that it is in. These are call stacks of their own,
 * but one mistake. A finding is a part of another one if both are in the same process (or
 * container, or anywhere, as rows are merged), their own code is the same function (title.h), and
 *
 * - it is the same line of it, called by the same functions of the program: only what libraries do
 *   inside is different, or the compiler unrolled a loop; or
 * - as many blocks are live, within some percent: an object, and what it always has one of; or
 * - one has two, three or four times as many, and the same share of its blocks is freed; or
 * - some of the blocks of both are freed, and the share of them is the same: those objects that
 *   are forgotten, and what only some of them have.
 *
 * Or where the function of one calls that of the other, at most three calls further in, and they
 * are in step by one of the last three: an object, and what its constructor allocates.
 *
 * Two mistakes in one function of which neither holds are two; so are two functions that are called
 * by the same one.
 */
#ifndef MEMTRACE_PROFILE_GROUPS_H
#define MEMTRACE_PROFILE_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/query.h"

struct profile;
struct profile_frame;
struct profile_site;
struct groups;

struct groups *groups__new(void);    /* NULL and errno */
void groups__free(struct groups *g); /* takes NULL */

/*
 * Adds a finding, in the order of rank: to the group that it is a part of, or as the first part of
 * a new one, which it always is with `apart`. `stack` has its frames, leaf first; strings must stay
 * valid until the last one is added. Returns 1 + the group's index, or 0 if out of memory.
 */
uint32_t groups__add(struct groups *g, const struct profile_site *site,
		     const struct profile_frame *stack, size_t n, enum merge_by by, bool apart);

/* Points the profile to the groups, and adds up its findings by them. */
void groups__finish(struct groups *g, struct profile *p);

#endif

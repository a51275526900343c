/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frees of blocks that are older than the tracing, and how large these were. A healthy site may do
 * no more than replace such blocks; to say so of every site of the process, since any of the frees
 * might be of its blocks, would hide leaks.
 *
 * The size of such a block is not known. But most allocators next give its address to a request of
 * the same class of sizes, so it is learned from that. How far that holds in this process is
 * learned from blocks whose size is known. Times are ns since the run's start.
 */
#ifndef MEMTRACE_HEAP_OLDER_FREES_H
#define MEMTRACE_HEAP_OLDER_FREES_H

#include <stddef.h>
#include <stdint.h>

struct older_frees;

struct older_frees *older_frees__new(uint64_t now); /* NULL and errno */
void older_frees__free(struct older_frees *o);

/* A block older than the tracing was freed at this address; one whose size is known was; a block
 * of that size got the address. */
void older_frees__came(struct older_frees *o, uint64_t now, uint64_t addr);
void older_frees__known(struct older_frees *o, uint64_t addr, uint64_t bytes);
void older_frees__reused(struct older_frees *o, uint64_t now, uint64_t addr, uint64_t bytes);

/* How many of the frees since `from` may have been of blocks of a site that allocates sizes of
 * these classes (size_class.h): those that were learned to be, with those of which nothing was
 * learned; all, where the sizes of reused blocks say little. */
double older_frees__at_most(struct older_frees *o, uint64_t now, uint64_t from, uint64_t classes);

/* For several processes as one: a copy does not have the addresses, so that nothing can come to it.
 * NULL and errno; 0 or -ENOMEM. */
struct older_frees *older_frees__copy(const struct older_frees *o);
int older_frees__unite(struct older_frees *o, const struct older_frees *other);

size_t older_frees__memory(const struct older_frees *o); /* bytes */

/* To and from a file: how many there were, and when; nothing is learned of their sizes. */
struct cohorts;
const struct cohorts *older_frees__all(const struct older_frees *o);
struct older_frees *older_frees__of(struct cohorts *all); /* takes it over; NULL and errno */

#endif

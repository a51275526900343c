/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recognizes a call stack in a program that was built again, as with a fix. Files with the same
 * build ID in both profiles are the same, and so are places in them; in others, functions are the
 * same if they have the same name.
 */
#ifndef MEMTRACE_PROFILE_REBUILT_H
#define MEMTRACE_PROFILE_REBUILT_H

#include <stdint.h>

#include "profile/profile.h"

struct rebuilt;

/* Both profiles must outlive it. NULL and errno on failure. */
struct rebuilt *rebuilt__new(const struct profile *before, const struct profile *after);
void rebuilt__free(struct rebuilt *r);

/* Returns an ID that the call stack of either profile has in the other, too, if it is there. 0: it
 * has none, since a function in a file that only this one has is not named. */
uint64_t rebuilt__id(const struct rebuilt *r, const struct profile *of,
		     const struct profile_site *site);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a report is a verdict on its target, or why it is none. */
#ifndef MEMTRACE_PROFILE_JUDGED_H
#define MEMTRACE_PROFILE_JUDGED_H

#include "profile/profile.h"

/* Fills in p->judged; the counts of call stacks in it, the processes and the totals must be there
 * already. */
void judged__decide(struct profile *p, const struct profile_input *in);

/* Whether all processes have ended; false where there is none. */
bool judged__all_ended(const struct profile *p);
/* A target of which no allocation was seen, where others were; NULL: there is none. */
const struct profile_process *judged__silent_target(const struct profile *p);
/* What the processes grew by without a probe having seen it. */
uint64_t judged__unseen_bytes(const struct profile *p);

#endif

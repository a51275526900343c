/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes reports from a recording: feeds it to a collector as a live session would have, and makes a
 * report wherever the session made one. Needs no privileges, and nothing from the recorded machine.
 */
#ifndef MEMTRACE_RECORD_REPLAY_H
#define MEMTRACE_RECORD_REPLAY_H

#include "profile/profile.h"
#include "run/plan.h"

struct replay;

/*
 * Of the plan, only what concerns reports is used; it must outlive the replay. interval_s: the
 * recorded reports at multiples of it are printed again; 0: only the last one. Returns NULL if the
 * file cannot be used; the reason is logged.
 */
struct replay *replay__open(const struct plan *plan, const char *path);
void replay__free(struct replay *rp);

/* Prints the reports. Returns 0 or a negative errno, logged. */
int replay__report(struct replay *rp);
/* Makes the last report instead, as a profile with all of its sites, which belongs to the replay.
 * Returns NULL on failure; the reason is logged. */
struct profile *replay__profile(struct replay *rp);

/* Opens a file and prints its reports. Returns the exit status. */
int replay__run(const struct plan *plan, const char *path);

#endif

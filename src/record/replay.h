/*
 * Makes reports from a recording: feeds it to a collector as a live session would have, and makes a
 * report wherever one was made then. Needs no privilege, and nothing of the machine that it was
 * recorded on.
 */
#ifndef MEMTRACE_RECORD_REPLAY_H
#define MEMTRACE_RECORD_REPLAY_H

#include "profile/profile.h"
#include "run/plan.h"

struct replay;

/*
 * Of the plan, what concerns reports. interval_s: the recorded reports that fall on it are printed
 * again; 0: only the last one is. NULL where the file cannot be used; the reason was logged.
 */
struct replay *replay__open(const struct plan *plan, const char *path);
void replay__free(struct replay *rp);

/* Prints. 0 or a negative errno; the reason was logged. */
int replay__report(struct replay *rp);
/* The last report's facts, with all of its sites, instead. NULL; the reason was logged. It lives as
 * long as the replay. */
struct profile *replay__profile(struct replay *rp);

/* replay__report of one file, from beginning to end: the exit status. */
int replay__run(const struct plan *plan, const char *path);

#endif

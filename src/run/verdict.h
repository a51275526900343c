/* What a final report comes to: a line on standard error, and whether the run has failed. */
#ifndef MEMTRACE_VERDICT_H
#define MEMTRACE_VERDICT_H

#include <stdbool.h>

#include "facts/profile.h"
#include "run/session.h"

struct sieve;

/* True: it has failed, by what the plan says. `sieve` may be NULL. */
bool verdict__tell(const struct session_plan *plan, const struct profile *p,
		   const struct sieve *sieve);
/* The exit status of a run that has failed. */
int verdict__status(const struct session_plan *plan);

#endif

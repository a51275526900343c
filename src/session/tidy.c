/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frees what is no longer needed, while no report is being made: only the reporter keeps pointers
 * to stacks and files without a lock. */
#include <stdlib.h>

#include "session/internal.h"
#include "symbols/module.h"
#include "util/clock.h"
#include "util/format.h"
#include "util/log.h"

#define GAP_NS (TIDY_MS * 1000000ull)
#define RETRY_NS 500000000ull /* while a report is being made */
#define GIVEN_BACK_MIN 256    /* files, before it is worth looking */

static void forget_files(struct session *s)
{
	struct modules_stats st;
	size_t n = modules__count(s->modules);
	bool *used;

	modules__stats(s->modules, &st);
	/* A recording refers to its files to its end. */
	if (s->recorder || st.given_back < s->tidied_files + GIVEN_BACK_MIN)
		return;
	used = calloc(n, sizeof(*used));
	if (!used)
		return;
	s->tidied_files = st.given_back;
	collector__use_modules(s->collector, used, n);
	modules__forget(s->modules, used, n, collector__forget_module, s->collector);
	free(used);
}

static void log_limit(struct session *s)
{
	char size[32];

	if (s->limit_logged || !collector__is_limited(s->collector))
		return;
	s->limit_logged = true;
	log__warn("the memory limit of %s is reached: new call stacks and blocks are left out, and "
		  "counted (raise --memory-limit)",
		  format__size(size, sizeof(size), s->plan->memory_limit));
}

void session_tidy__tend(struct session *s)
{
	uint64_t now = clock__now_ns();

	if (now < s->tidy_at)
		return;
	s->tidy_at = now + RETRY_NS;
	pthread_mutex_lock(&s->report_lock);
	if (!s->report_busy && !s->report_due) {
		s->tidy_at = now + GAP_NS;
		collector_lock__take(&s->lock);
		collector__tidy(s->collector); /* without memory, the next time */
		forget_files(s);
		log_limit(s);
		collector_lock__release(&s->lock);
	}
	pthread_mutex_unlock(&s->report_lock);
}

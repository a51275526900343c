/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connects the holder, which stops threads, with the tracer, whose programs ask for it. */
#include <errno.h>
#include <string.h>

#include "session/internal.h"
#include "trace/holder.h"
#include "trace/tracer_ops.h"
#include "util/log.h"

static int take_holds(void *session)
{
	struct session *s = session;

	return s->trace->take_holds(s->tracer);
}

static void grant_hold(void *session, uint64_t number, bool is_held)
{
	struct session *s = session;

	s->trace->grant(s->tracer, number, is_held);
}

static void settle_catcher(void *session, unsigned int catcher, int cpu)
{
	struct session *s = session;

	s->trace->settle(s->tracer, catcher, cpu);
}

int session_holding__start(struct session *s)
{
	int err;

	s->holder = holder__new();
	err = s->holder ? s->trace->set_holder(s->tracer, holder__request, s->holder) : -errno;
	if (!err)
		err = holder__start(s->holder,
				    &(struct holder_ops){ .fd = s->trace->holds_fd(s->tracer),
							  .take = take_holds,
							  .grant = grant_hold,
							  .settled = settle_catcher,
							  .ctx = s });
	if (err)
		log__error("cannot hold threads: %s", strerror(-err));
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns the command line into a run. */
#include "cli/options.h"
#include "record/diff.h"
#include "record/replay.h"
#include "session/session.h"
#include "util/log.h"

static int carry_out(const struct options *o)
{
	switch (o->verb) {
	case VERB_REPORT:
		return replay__run(&o->plan, o->files[0]);
	case VERB_DIFF:
		return diff__run(&o->plan, o->files[0], o->files[1]);
	default:
		return session__run(&o->plan);
	}
}

int main(int argc, char **argv)
{
	struct options o;
	int status = options__parse(&o, argc, argv);

	if (status)
		return status > 0 ? 0 : 2;
	log__verbose(o.verbose);
	status = carry_out(&o);
	options__free(&o);
	return status;
}

/* From the command line to a run. */
#include <stdio.h>

#include "abi/shared.h"
#include "cli/options.h"
#include "record/differ.h"
#include "record/replay.h"
#include "session/session.h"
#include "util/log.h"

static uint32_t stack_mode(enum stack_mode mode)
{
	static const uint32_t modes[] = {
		[STACK_MODE_DWARF] = STACK_DWARF,
		[STACK_MODE_FP] = STACK_FP,
		[STACK_MODE_NONE] = STACK_OFF,
	};

	return modes[mode];
}

static int run(const struct options *o, const struct plan *plan)
{
	switch (o->verb) {
	case VERB_REPORT:
		return replay__run(plan, o->files[0]);
	case VERB_DIFF:
		return differ__run(plan, o->files[0], o->files[1]);
	default:
		return session__run(plan);
	}
}

int main(int argc, char **argv)
{
	struct options o;
	struct plan plan;
	int status = options__parse(&o, argc, argv);

	if (status)
		return status > 0 ? 0 : 2;
	log__verbose(o.verbose);
	plan = (struct plan){
		.pids = o.pids,
		.npids = o.npids,
		.containers = o.containers,
		.ncontainers = o.ncontainers,
		.cgroups = o.cgroups,
		.ncgroups = o.ncgroups,
		.all = o.all,
		.wait = o.wait,
		.no_miss = o.no_miss || o.wait,
		.command = o.command,
		.user = o.user,
		.interval_s = o.interval,
		.duration_s = o.duration,
		.reports = o.reports,
		.query = {
			.sort = o.sort,
			.top = o.top,
			.min_age = (uint64_t)(o.min_age * 1e9),
			.by = o.by,
			.heap = o.heap,
			.map = o.map,
		},
		.sort_name = o.sort_name,
		.by_name = o.by_name,
		.top_given = o.top_given,
		.since_mark = o.since_mark,
		.rules = o.rules,
		.checks = &o.checks,
		.error_exit = o.error_exit,
		.min_size = o.min_size,
		.max_size = o.max_size,
		.format = o.format,
		.output = o.output,
		.children = o.children,
		.stack_mode = stack_mode(o.stack),
		.max_depth = o.max_depth,
		.unwind_memory = o.unwind_memory,
		.explain_probes = o.explain_probes,
		.probe_throwing = o.probe_throwing,
		.probes = &o.probes,
		.debuginfod_s = o.debuginfod ? o.debuginfod_timeout : 0,
		.attach = o.attach,
		.ring_bytes = o.ring_bytes,
		.record = o.record,
		.record_bytes = o.record_bytes,
		.record_only = o.verb == VERB_RECORD,
	};
	status = run(&o, &plan);
	options__free(&o);
	return status;
}

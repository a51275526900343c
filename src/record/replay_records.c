/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes the records of a recording, each to where it was when it was recorded. */
#include "record/replay_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/module.h"
#include "symbols/symbolizer.h"
#include "util/hashmap.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/strtab.h"

/* ---- the run ---- */

static int describe_targets(struct replay *rp)
{
	const struct record_run *r = &rp->recorded;

	free(rp->targets);
	rp->targets = calloc(r->ntargets + 1, sizeof(*rp->targets));
	if (!rp->targets)
		return -ENOMEM;
	for (size_t i = 0; i < r->ntargets; i++)
		rp->targets[i] = (struct profile_process){
			.pid = r->targets[i].pid,
			.comm = r->targets[i].comm ? r->targets[i].comm : "",
			.exe = r->targets[i].exe,
			.container = r->targets[i].container,
		};
	rp->run.targets = rp->targets;
	rp->run.ntargets = r->ntargets;
	return 0;
}

static int describe_run(struct replay *rp)
{
	const struct record_run *r = &rp->recorded;

	rp->run = (struct profile_run){
		.version = r->version,
		.host = r->host,
		.kernel = r->kernel,
		.interval_s = r->interval_s * (double)replay__step(rp),
		.stack_mode = r->stack_mode,
		.sort = rp->plan.query.sort,
		.by = rp->plan.query.by,
		.top_given = rp->plan.top_given,
		.top = rp->plan.query.top,
		.since_mark = rp->plan.since_mark,
		.full_stacks = rp->plan.full_stacks,
		.launched = r->launched,
	};
	return describe_targets(rp);
}

/* Rejects options for what was not recorded, or what a state left out. */
static int check_plan(struct replay *rp)
{
	const struct plan *given = rp->given;
	const struct record_run *r = &rp->recorded;
	bool sized = given->min_size || given->max_size != UINT64_MAX;

	rp->plan.query.heap = given->query.heap && r->heap;
	rp->plan.query.map = given->query.map && r->map;
	if (!rp->plan.query.heap && !rp->plan.query.map) {
		log__error("cannot report %s of %s: it was recorded with --kind %s",
			   given->query.heap ? "blocks" : "mappings", rp->path,
			   r->heap ? "heap" : "map");
		return -ENODATA;
	}
	if (!record_reader__compacted(rp->reader))
		return 0;
	if (sized && (given->min_size != r->min_size || given->max_size != r->max_size)) {
		log__error("cannot select sizes in %s: it was compacted (--record-size)", rp->path);
		return -ENODATA;
	}
	rp->plan.min_size = r->min_size;
	rp->plan.max_size = r->max_size;
	if (given->query.min_age != r->min_age)
		log__warn("--min-age does not apply to blocks of processes that ended before the "
			  "recording was compacted");
	return 0;
}

/* The first one creates the collector; later ones add to the same run. */
static int take_run(struct replay *rp, struct cursor *c)
{
	struct record_run r;
	int err = record__take_run(c, &r);

	if (err)
		return err;
	if (rp->collector && r.start != rp->recorded.start) {
		record__free_run(&r);
		return -EINVAL;
	}
	record__free_run(&rp->recorded);
	rp->recorded = r;
	err = describe_run(rp);
	if (err || rp->collector)
		return err;
	err = check_plan(rp);
	if (err)
		return err;
	rp->collector = collector__new(&(struct collector_opts){
	    .modules = rp->modules,
	    .offline = true,
	    .min_size = rp->plan.min_size,
	    .max_size = rp->plan.max_size,
	    .min_age = rp->plan.query.min_age,
	    .by = rp->plan.query.by,
	    .memory_limit = rp->plan.memory_limit,
	    .memory_used = proc__own_memory,
	    .children = r.children,
	    .start = r.start,
	});
	rp->reports.collector = rp->collector;
	rp->reports.start = r.start;
	rp->latest = r.start;
	return rp->collector ? 0 : -ENOMEM;
}

static int take_api(struct replay *rp, struct cursor *c)
{
	struct record_api r;
	int err = record__take_api(c, &r);

	if (!err && r.row < API_ROWS)
		rp->api_names[r.row] = strtab__copy(rp->strings, r.name);
	record__free_api(&r);
	return err;
}

/* ---- what the collector learnt ---- */

static int take_process(struct replay *rp, struct cursor *c)
{
	struct record_process r;
	struct process_facts f;
	int err = record__take_process(c, &r);

	if (err)
		return err;
	f = (struct process_facts){ .pid = r.pid,
				    .first_seen = r.first_seen,
				    .age = r.age,
				    .named = r.named,
				    .exe = r.exe,
				    .container = r.container,
				    .unprobed = r.unprobed };
	memcpy(f.comm, r.comm, sizeof(f.comm));
	err = collector__set_process(rp->collector, &f);
	record__free_process(&r);
	return err;
}

static int take_module(struct replay *rp, struct cursor *c)
{
	struct record_module r;
	int err = record__take_module(c, &r);
	size_t n = modules__count(rp->modules);

	if (err)
		return err;
	if (r.id > n)
		err = -EINVAL;
	else if (r.id == n && modules__add_known(rp->modules, r.path) < 0)
		err = -ENOMEM;
	if (!err)
		module__identify_as(modules__get(rp->modules, r.id), r.elf, r.build_id,
				    r.build_id_len);
	record__free_module(&r);
	return err;
}

static int take_allocator(struct replay *rp, struct cursor *c)
{
	struct record_allocator r;
	int err = record__take_allocator(c, &r);

	return err ? err : collector__add_allocator(rp->collector, r.module, r.start, r.end);
}

static int take_stack(struct replay *rp, struct cursor *c)
{
	struct record_stack r;
	int err = record__take_stack(c, &r);

	if (err)
		return err;
	if (r.time > rp->latest)
		rp->latest = r.time;
	return collector__add_stack(rp->collector, r.time, &r.stack);
}

static int take_state(struct replay *rp, struct cursor *c)
{
	return rp->in_state ? collector__restore(rp->collector, c) : -EINVAL;
}

static int take_compacted(struct replay *rp, struct cursor *c)
{
	return record__take_compacted(c, &rp->compacted);
}

/* ---- names ---- */

static int take_code(struct replay *rp, struct cursor *c)
{
	struct symbol_frame frames[SYMBOL_FRAMES_MAX];
	struct record_code r;
	struct module *mod;
	int err = record__take_code(c, &r);

	_Static_assert(SYMBOL_FRAMES_MAX == RECORD_NAMES_MAX,
		       "both limit the calls that are inlined into one place");
	if (err)
		return err;
	for (size_t i = 0; i < r.n; i++)
		frames[i] =
		    (struct symbol_frame){ r.names[i].func, r.names[i].file, r.names[i].line,
					   r.names[i].inlined, r.names[i].exact };
	mod = modules__get(rp->modules, r.module);
	if (mod && r.offset)
		err = module__know(mod, r.offset - 1, frames, (int)r.n);
	record__free_code(&r);
	return err;
}

static int take_jit(struct replay *rp, struct cursor *c)
{
	struct record_jit r;
	int err = record__take_jit(c, &r);

	if (!err && r.pc)
		err = symbolizer__know(rp->symbolizer, r.pid, r.pc - 1, r.name);
	record__free_jit(&r);
	return err;
}

static int take_mapped(struct replay *rp, struct cursor *c)
{
	struct record_mapped r;
	int err = record__take_mapped(c, &r);

	if (!err)
		err = hashmap__set_ptr(rp->mapped, hash__mix(r.addr, r.pid),
				       strtab__copy(rp->strings, r.path));
	record__free_mapped(&r);
	return err;
}

static int take_mark(struct replay *rp, struct cursor *c)
{
	struct record_mark r;
	int err = record__take_mark(c, &r);

	return err ? err : collector__mark(rp->collector, r.now);
}

/* ---- all kinds ---- */

const struct replay_taker replay__takers[RECORD_KINDS] = {
	[RECORD_RUN] = { take_run, true },
	[RECORD_API] = { take_api, true },
	[RECORD_MODULE] = { take_module, true },
	[RECORD_PROCESS] = { take_process, false },
	[RECORD_ALLOCATOR] = { take_allocator, false },
	[RECORD_STACK] = { take_stack, false },
	[RECORD_CODE] = { take_code, false },
	[RECORD_JIT] = { take_jit, false },
	[RECORD_MAPPED] = { take_mapped, false },
	[RECORD_TICK] = { replay__take_tick, false },
	[RECORD_RSS] = { replay__take_rss, false },
	[RECORD_MARK] = { take_mark, false },
	[RECORD_STATE] = { take_state, false },
	[RECORD_COMPACTED] = { take_compacted, false },
};

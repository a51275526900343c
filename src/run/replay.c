#include "run/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ground/hashmap.h"
#include "ground/log.h"
#include "ground/texts.h"
#include "ground/util.h"
#include "joints/collector.h"
#include "joints/recording_reader.h"
#include "joints/symbolizer.h"
#include "model/api.h"
#include "model/image.h"
#include "run/reporting.h"
#include "run/verdict.h"

struct replay {
	const struct session_plan *given;
	struct session_plan plan;	/* what of it the recording has */
	const char *path;
	struct recording_reader *reader;
	struct images *images;
	struct symbolizer *symbolizer;
	struct collector *collector;	/* NULL until the recording tells of its run */
	struct reporting reports;
	struct texts *texts;
	const char *api_names[API_ROWS];
	struct hashmap *mapped;		/* paths, by process and address */

	struct record_run recorded;
	struct profile_run run;
	struct profile_process *targets;
	struct record_told told;
	struct record_compacted compacted;
	bool in_state;			/* no event came yet */
	uint64_t latest;		/* ns: of events and ticks */

	struct report_tick tick;	/* the last one */
	struct snapshot snap;		/* of it, until it is printed */
	bool pending;
	bool ended;			/* with a final report */
	bool keep;			/* the final report is not printed but kept */
	struct profile *profile;
	char notice[256];
};

static int refuse(const struct replay *rp, int err, const char *why)
{
	log__error("cannot read %s: %s", rp->path, why);
	return err;
}

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

/* To the nearest; what is none, or too much, is 0. */
static uint64_t rounded(double d)
{
	return d >= 0 && d < 1e15 ? (uint64_t)(d + 0.5) : 0;
}

/* Every how many recorded reports one is made. */
static uint64_t step(const struct replay *rp)
{
	uint64_t n = rp->recorded.interval_s > 0 ? rounded(rp->given->interval_s / rp->recorded.interval_s) : 1;

	return n ? n : 1;
}

static int describe_run(struct replay *rp)
{
	const struct record_run *r = &rp->recorded;

	rp->run = (struct profile_run){
		.version = r->version,
		.host = r->host,
		.kernel = r->kernel,
		.mode = r->mode,
		.interval_s = r->interval_s * (double)step(rp),
		.stack_mode = r->stack_mode,
		.sort = rp->plan.sort_name,
		.top_given = rp->plan.top_given,
		.top = rp->plan.query.top,
		.since_mark = rp->plan.since_mark,
	};
	return describe_targets(rp);
}

/* What was not recorded cannot be reported; what a state left out cannot either. */
static int check_plan(struct replay *rp)
{
	const struct session_plan *given = rp->given;
	const struct record_run *r = &rp->recorded;
	bool sized = given->min_size || given->max_size != UINT64_MAX;

	rp->plan.query.heap = given->query.heap && r->heap;
	rp->plan.query.map = given->query.map && r->map;
	if (!rp->plan.query.heap && !rp->plan.query.map) {
		log__error("%s has no %s: it was recorded with --kind %s", rp->path,
			   given->query.heap ? "blocks" : "mappings", r->heap ? "heap" : "map");
		return -ENODATA;
	}
	if (!recording_reader__compacted(rp->reader))
		return 0;
	if (sized && (given->min_size != r->min_size || given->max_size != r->max_size)) {
		log__error("%s cannot be asked for sizes: it was compacted (--record-size)", rp->path);
		return -ENODATA;
	}
	rp->plan.min_size = r->min_size;
	rp->plan.max_size = r->max_size;
	if (given->query.min_age != r->min_age)
		log__warn("--min-age leaves out nothing of what processes left that ended before the recording was "
			  "compacted");
	return 0;
}

/* The first brings the collector into being; later ones tell more of the same run. */
static int on_run(struct replay *rp, struct cursor *c)
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
		.images = rp->images,
		.offline = true,
		.min_size = rp->plan.min_size,
		.max_size = rp->plan.max_size,
		.min_age = rp->plan.query.min_age,
		.children = r.children,
		.start = r.start,
	});
	rp->reports.collector = rp->collector;
	rp->reports.start = r.start;
	rp->latest = r.start;
	return rp->collector ? 0 : -ENOMEM;
}

static int on_api(struct replay *rp, struct cursor *c)
{
	struct record_api r;
	int err = record__take_api(c, &r);

	if (!err && r.row < API_ROWS)
		rp->api_names[r.row] = texts__keep(rp->texts, r.name);
	if (!err)
		free(r.name);
	return err;
}

/* ---- what the collector learnt ---- */

static int on_process(struct replay *rp, struct cursor *c)
{
	struct record_process r;
	struct process_facts f;
	int err = record__take_process(c, &r);

	if (err)
		return err;
	f = (struct process_facts){ .pid = r.pid, .first_seen = r.first_seen, .named = r.named, .exe = r.exe,
				    .container = r.container };
	memcpy(f.comm, r.comm, sizeof(f.comm));
	err = collector__set_process(rp->collector, &f);
	free(r.exe);
	free(r.container);
	return err;
}

static int on_image(struct replay *rp, struct cursor *c)
{
	struct record_image r;
	int err = record__take_image(c, &r);
	size_t n = images__count(rp->images);

	if (err)
		return err;
	if (r.id > n)
		err = -EINVAL;
	else if (r.id == n && images__add_known(rp->images, r.path) < 0)
		err = -ENOMEM;
	if (!err)
		image__identify_as(images__get(rp->images, r.id), r.elf, r.build_id, r.build_id_len);
	free(r.path);
	return err;
}

static int on_allocator(struct replay *rp, struct cursor *c)
{
	struct record_allocator r;
	int err = record__take_allocator(c, &r);

	return err ? err : collector__add_allocator(rp->collector, r.image, r.start, r.end);
}

static int on_stack(struct replay *rp, struct cursor *c)
{
	struct record_stack r;
	int err = record__take_stack(c, &r);

	if (err)
		return err;
	if (r.time > rp->latest)
		rp->latest = r.time;
	return collector__add_stack(rp->collector, r.time, &r.stack);
}

static int on_state(struct replay *rp, struct cursor *c)
{
	return rp->in_state ? collector__restore(rp->collector, c) : -EINVAL;
}

static int on_compacted(struct replay *rp, struct cursor *c)
{
	return record__take_compacted(c, &rp->compacted);
}

/* ---- names ---- */

static int on_code(struct replay *rp, struct cursor *c)
{
	struct symbol_frame frames[SYMBOL_FRAMES_MAX];
	struct record_code r;
	struct image *im;
	int err = record__take_code(c, &r);

	_Static_assert(SYMBOL_FRAMES_MAX == RECORD_NAMES_MAX, "as many calls are inlined into one place");
	if (err)
		return err;
	for (size_t i = 0; i < r.n; i++)
		frames[i] = (struct symbol_frame){ r.names[i].func, r.names[i].file, r.names[i].line,
						   r.names[i].inlined, r.names[i].exact };
	im = images__get(rp->images, r.image);
	if (im && r.offset)
		err = image__know(im, r.offset - 1, frames, (int)r.n);
	record__free_code(&r);
	return err;
}

static int on_jit(struct replay *rp, struct cursor *c)
{
	struct record_jit r;
	int err = record__take_jit(c, &r);

	if (!err && r.pc)
		err = symbolizer__know(rp->symbolizer, r.pid, r.pc - 1, r.name);
	free(r.name);
	return err;
}

static int on_mapped(struct replay *rp, struct cursor *c)
{
	struct record_mapped r;
	int err = record__take_mapped(c, &r);

	if (!err)
		err = hashmap__set(rp->mapped, hashmap__mix(r.addr, r.pid),
				   (uintptr_t)texts__keep(rp->texts, r.path));
	free(r.path);
	return err;
}

static const char *mapped_file(void *ctx, uint32_t pid, uint64_t addr)
{
	uintptr_t known = 0;

	hashmap__get(((struct replay *)ctx)->mapped, hashmap__mix(addr, pid), &known);
	return (const char *)known;
}

static const struct stack *find_stack(void *ctx, uint64_t id)
{
	return stacks__get(collector__stacks(((struct replay *)ctx)->collector), id);
}

static uint64_t told_rss(void *ctx, uint32_t pid)
{
	return record__rss_of(&((const struct replay *)ctx)->told, pid);
}

/* ---- reports ---- */

static bool is_due(const struct replay *rp, const struct report_tick *tick)
{
	double elapsed = (double)(tick->now - rp->recorded.start) / 1e9;

	if (tick->final || !rp->given->interval_s || !(rp->recorded.interval_s > 0))
		return true;
	return rounded(elapsed / rp->recorded.interval_s) % step(rp) == 0;
}

static int take_snapshot(struct replay *rp)
{
	int err;

	if (rp->pending)
		snapshot__free(&rp->snap);
	err = reporting__snapshot(&rp->reports, &rp->tick, &rp->snap);
	rp->pending = !err;
	return err;
}

/* Where the report was made; what it asked the system comes later, so it waits for that. */
static int on_tick(struct replay *rp, struct cursor *c)
{
	struct record_tick r;
	int err = record__take_tick(c, &r);

	if (err || rp->ended)
		return err ? err : -EINVAL;
	if (r.now > rp->latest)
		rp->latest = r.now;
	rp->tick = (struct report_tick){ r.seq, r.final, r.now, r.wall, r.counters };
	return is_due(rp, &rp->tick) ? take_snapshot(rp) : 0;
}

static int finish_report(struct replay *rp)
{
	int err = 0;

	if (rp->keep && rp->tick.final) {
		rp->profile = reporting__make(&rp->reports, &rp->tick, &rp->snap);
		err = rp->profile ? 0 : -errno;
	} else if (!rp->keep && (rp->tick.final || rp->given->interval_s > 0)) {
		err = reporting__print(&rp->reports, &rp->tick, &rp->snap);
		rp->reports.notice = NULL;
	}
	snapshot__free(&rp->snap);
	rp->pending = false;
	rp->ended = rp->tick.final;
	return err;
}

static int on_told(struct replay *rp, struct cursor *c)
{
	struct record_told r;
	int err = record__take_told(c, &r);

	if (err)
		return err;
	free(rp->told.rss);
	rp->told = r;
	return rp->pending && r.seq == rp->tick.seq ? finish_report(rp) : 0;
}

static int on_mark(struct replay *rp, struct cursor *c)
{
	struct record_mark r;
	int err = record__take_mark(c, &r);

	return err ? err : collector__mark(rp->collector, r.now);
}

/* ---- the recording, record by record ---- */

static const struct {
	int (*take)(struct replay *rp, struct cursor *c);
	bool early;		/* may come before the run is known */
} takers[RECORD_KINDS] = {
	[RECORD_RUN] = { on_run, true },
	[RECORD_API] = { on_api, true },
	[RECORD_IMAGE] = { on_image, true },
	[RECORD_PROCESS] = { on_process, false },
	[RECORD_ALLOCATOR] = { on_allocator, false },
	[RECORD_STACK] = { on_stack, false },
	[RECORD_CODE] = { on_code, false },
	[RECORD_JIT] = { on_jit, false },
	[RECORD_MAPPED] = { on_mapped, false },
	[RECORD_TICK] = { on_tick, false },
	[RECORD_TOLD] = { on_told, false },
	[RECORD_MARK] = { on_mark, false },
	[RECORD_STATE] = { on_state, false },
	[RECORD_COMPACTED] = { on_compacted, false },
};

/* The state was taken under another --min-age: what is old enough for ours is counted anew. */
static int end_state(struct replay *rp)
{
	struct report_tick then = { .now = rp->compacted.now };
	struct snapshot snap;
	int err;

	rp->in_state = false;
	if (!rp->compacted.now || rp->plan.query.min_age == rp->recorded.min_age)
		return 0;
	err = reporting__snapshot(&rp->reports, &then, &snap);
	if (!err)
		snapshot__free(&snap);
	return err;
}

static int take_event(struct replay *rp, const struct record *r)
{
	uint64_t time = ((const struct event *)r->event)->time;
	int err = rp->in_state ? end_state(rp) : 0;

	if (r->size >= sizeof(struct event) && time > rp->latest)
		rp->latest = time;
	/* What the collector finds no room for, it counts; what it does not know, it knew not then. */
	if (!err)
		collector__event(rp->collector, (void *)r->event, r->size);
	return err;
}

static int take_record(struct replay *rp, struct record *r)
{
	if (r->kind >= RECORD_KINDS)
		return 0;	/* of a later version, which says that it can be skipped */
	if (!rp->collector && !(r->kind != RECORD_EVENT && takers[r->kind].early))
		return -EINVAL;
	return r->kind == RECORD_EVENT ? take_event(rp, r) : takers[r->kind].take(rp, &r->bytes);
}

static int read_all(struct replay *rp)
{
	struct record r;
	int more, err = 0;

	while (!err && (more = recording_reader__next(rp->reader, &r)) != 0)
		err = more < 0 ? more : take_record(rp, &r);
	if (err == -EINVAL || err == -EBADMSG)
		refuse(rp, err, "it is damaged");
	else if (err && err != -ENODATA && !rp->reports.output)
		refuse(rp, err, strerror(-err));
	return err;
}

/* Up to where a recording that was cut off goes. */
static void say_cut(struct replay *rp, uint64_t wall)
{
	time_t seconds = (time_t)(wall / 1000000000);
	struct tm tm = { 0 };
	char when[32] = "";
	char size[16];

	localtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%F %T", &tm);
	snprintf(rp->notice, sizeof(rp->notice),
		 "the recording was cut off: it is complete up to %s, %.3f s after tracing began; %s at its end "
		 "cannot be used",
		 when, (double)(rp->latest - rp->recorded.start) / 1e9,
		 util__format_size(size, sizeof(size), recording_reader__unusable(rp->reader)));
	rp->reports.notice = rp->notice;
	log__warn("%s: %s", rp->path, rp->notice);
}

/* A recording that was cut off ends with a report of all that is there. */
static int end_report(struct replay *rp)
{
	int err;

	if (!rp->collector)
		return refuse(rp, -ENODATA, "it was cut off before anything was recorded");
	if (rp->ended)
		return 0;
	rp->tick.seq++;
	rp->tick.final = true;
	rp->tick.now = rp->latest;
	rp->tick.wall = rp->recorded.wall + (rp->latest - rp->recorded.start);
	say_cut(rp, rp->tick.wall);
	err = take_snapshot(rp);
	return err ? err : finish_report(rp);
}

static int run_through(struct replay *rp)
{
	int err = read_all(rp);

	return err ? err : end_report(rp);
}

int replay__report(struct replay *rp)
{
	int err = reporting__open(&rp->reports);

	if (err)
		return err;
	if (recording_reader__compacted(rp->reader) && rp->given->interval_s > 0)
		rp->reports.notice = "the oldest reports were left out of the recording (--record-size)";
	err = run_through(rp);
	if (err == -EINVAL || err == -EBADMSG || err == -ENODATA)
		return err;
	return reporting__commit(&rp->reports, err);
}

struct profile *replay__profile(struct replay *rp)
{
	int err;

	rp->keep = true;
	rp->plan.query.top = 0;
	rp->plan.top_given = true;
	err = run_through(rp);
	if (err && err != -EINVAL && err != -EBADMSG && err != -ENODATA)
		log__error("cannot read %s: %s", rp->path, strerror(-err));
	return err ? NULL : rp->profile;
}

/* ---- beginning and end ---- */

struct replay *replay__open(const struct session_plan *plan, const char *path)
{
	struct replay *rp = calloc(1, sizeof(*rp));
	char why[256] = "out of memory";

	if (rp) {
		rp->given = plan;
		rp->plan = *plan;
		rp->path = path;
		rp->in_state = true;
		rp->images = images__new();
		rp->texts = texts__new();
		rp->mapped = hashmap__new();
		rp->symbolizer = rp->images ? symbolizer__new_offline(rp->images) : NULL;
	}
	if (rp && rp->symbolizer && rp->texts && rp->mapped)
		rp->reader = recording_reader__open(path, why, sizeof(why));
	if (!rp || !rp->reader) {
		log__error("cannot read %s: %s", path, why);
		replay__free(rp);
		return NULL;
	}
	rp->reports = (struct reporting){
		.plan = &rp->plan,
		.run = &rp->run,
		.symbolizer = rp->symbolizer,
		.images = rp->images,
		.api_names = rp->api_names,
		.stack = find_stack,
		.mapped_file = mapped_file,
		.rss = told_rss,
		.ctx = rp,
	};
	return rp;
}

void replay__free(struct replay *rp)
{
	if (!rp)
		return;
	profile__free(rp->profile);
	if (rp->pending)
		snapshot__free(&rp->snap);
	reporting__close(&rp->reports);
	recording_reader__free(rp->reader);
	symbolizer__free(rp->symbolizer);
	collector__free(rp->collector);
	images__free(rp->images);
	hashmap__free(rp->mapped);
	texts__free(rp->texts);
	record__free_run(&rp->recorded);
	free(rp->targets);
	free(rp->told.rss);
	free(rp);
}

int replay__run(const struct session_plan *plan, const char *path)
{
	struct replay *rp = replay__open(plan, path);
	int status = !rp || replay__report(rp) ? 1 : rp->reports.failed ? verdict__status(plan) : 0;

	replay__free(rp);
	return status;
}

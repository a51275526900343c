/* Making and printing reports, beside the consumption of events. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "facts/profile.h"
#include "ground/log.h"
#include "ground/util.h"
#include "joints/symbolizer.h"
#include "joints/tracer.h"
#include "model/image.h"
#include "model/space.h"
#include "run/output.h"
#include "run/session_internal.h"

static const char *const stack_modes[] = { "none", "fp", "dwarf" };

struct run_facts {		/* profile_run and what it points to */
	struct profile_run run;
	struct utsname uts;
	struct snapshot first;
};

static int describe_run(struct session *s)
{
	const struct session_plan *plan = s->plan;
	struct query q = { .sort = SORT_BYTES, .top = 1, .heap = true, .map = true, .now = s->start };
	struct profile_process *targets;
	struct run_facts *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	s->run = &f->run;
	uname(&f->uts);
	session__lock(s);
	err = collector__snapshot(s->collector, &q, &f->first);
	session__unlock(s);
	if (err)
		return err;
	targets = calloc(s->ntargets + 1, sizeof(*targets));
	if (!targets)
		return -ENOMEM;
	for (size_t i = 0; i < s->ntargets; i++) {
		targets[i].pid = s->targets[i].pid;
		targets[i].comm = "";
		for (size_t k = 0; k < f->first.nprocesses; k++)
			if (f->first.processes[k].pid == targets[i].pid) {
				targets[i].comm = f->first.processes[k].comm;
				targets[i].exe = f->first.processes[k].exe;
			}
	}
	f->run = (struct profile_run){
		.version = MEMTRACE_VERSION,
		.host = f->uts.nodename,
		.kernel = f->uts.release,
		.mode = "exact",
		.interval_s = plan->interval_s,
		.targets = targets,
		.ntargets = s->ntargets,
		.stack_mode = stack_modes[plan->stack_mode],
		.sort = plan->sort_name,
		.top_given = plan->top_given,
	};
	return 0;
}

static const struct stack *find_stack(void *ctx, uint64_t id)
{
	struct session *s = ctx;
	const struct stack *st;

	session__lock(s);
	st = stacks__get(collector__stacks(s->collector), id);
	session__unlock(s);
	return st;
}

static const struct mapping *find_mapping(struct session *s, uint32_t pid, uint64_t addr)
{
	const struct space *sp = collector__space(s->collector, pid);

	return sp ? space__find(sp, addr) : NULL;
}

static const char *mapped_file(void *ctx, uint32_t pid, uint64_t addr)
{
	struct session *s = ctx;
	const struct mapping *m;

	session__lock(s);
	m = find_mapping(s, pid, addr);
	if (!m || !m->path[0]) {	/* younger than what is known of the process */
		collector__refresh_process(s->collector, pid);
		m = find_mapping(s, pid, addr);
	}
	if (m && m->path[0])
		snprintf(s->name_buffer, sizeof(s->name_buffer), "%s", m->path);
	else
		m = NULL;
	session__unlock(s);
	return m ? s->name_buffer : NULL;
}

static const char *notice(const struct session *s, const struct snapshot *snap, bool final)
{
	if (!s->plan->query.heap || snap->allocs || snap->frees || snap->unmatched_frees)
		return NULL;
	return final ? "no allocation call was seen: the program made none, or uses an allocator of its own" :
		       "no allocation call has been seen yet: the program is idle, or uses an allocator of its own";
}

static struct profile *make(struct session *s, bool final)
{
	bool document = s->plan->format->document;
	struct query q = s->plan->query;
	struct snapshot snap;
	struct profile *p;
	int err;

	q.now = final ? s->ended : util__now_ns();
	q.commit = true;
	if (document && !s->plan->top_given)
		q.top = 0;
	if (!final)
		tracer__counters(s->tracer, &s->counters);
	session__lock(s);
	err = collector__snapshot(s->collector, &q, &snap);
	session__unlock(s);
	if (err) {
		errno = -err;
		return NULL;
	}
	symbolizer__new_report(s->symbolizer);
	p = profile__build(&(struct profile_input){
		.api_names = s->api_names,
		.run = s->run,
		.snapshot = &snap,
		.symbolizer = s->symbolizer,
		.images = s->images,
		.stack = find_stack,
		.mapped_file = mapped_file,
		.ctx = s,
		.seq = s->seq + 1,
		.final = final,
		.wall_ns = util__wall_ns(),
		.start = s->start,
		.lost_events = s->counters.lost_events + s->counters.lost_processes + s->counters.no_thread,
		.lost_stacks = snap.lost_stack_ids + s->counters.no_scratch,
		.notice = notice(s, &snap, final),
	});
	snapshot__free(&snap);
	return p;
}

static int print(struct session *s, const struct profile *p)
{
	const struct report_format *f = s->plan->format;
	FILE *out = output__stream(s->output);
	int err = 0;

	if (!s->begun && f->begin)
		err = f->begin(s->run, p->wall_ns, &s->style, out);
	s->begun = true;
	if (!err)
		err = f->report(p, &s->style, out);
	return err ? err : output__flush(s->output);
}

static int report(struct session *s, bool final)
{
	uint64_t began = util__now_ns();
	struct profile *p = make(s, final);
	int err = 0;

	if (!p)
		return -errno;
	s->seq++;
	if (final || !s->plan->format->document)
		err = print(s, p);
	profile__free(p);
	log__debug("report %u took %.0f ms; symbols take %zu KiB", s->seq, (double)(util__now_ns() - began) / 1e6,
		   (symbolizer__memory(s->symbolizer) + images__memory(s->images)) / 1024);
	files__tell(s);
	return err;
}

static void *reporter(void *arg)
{
	struct session *s = arg;

	pthread_mutex_lock(&s->report_lock);
	for (;;) {
		while (!s->report_due && !s->report_stop)
			pthread_cond_wait(&s->report_cond, &s->report_lock);
		if (!s->report_due)
			break;
		s->report_due = false;
		s->report_busy = true;
		pthread_mutex_unlock(&s->report_lock);
		int err = report(s, false);
		pthread_mutex_lock(&s->report_lock);
		s->report_busy = false;
		if (err && !s->report_error)
			s->report_error = err;
		pthread_cond_broadcast(&s->report_cond);
	}
	pthread_mutex_unlock(&s->report_lock);
	return NULL;
}

int reports__open(struct session *s)
{
	struct winsize ws;
	int fd;

	s->output = output__open(s->plan->output);
	if (!s->output) {
		log__error("cannot write %s: %s", s->plan->output, strerror(errno));
		return -errno;
	}
	fd = fileno(output__stream(s->output));
	if (s->plan->format->binary && isatty(fd)) {
		log__error("cannot print %s on a terminal: it is binary; use -o FILE", s->plan->format->name);
		return -EINVAL;
	}
	s->style.color = isatty(fd) && !(getenv("NO_COLOR") && *getenv("NO_COLOR"));
	if (isatty(fd) && !ioctl(fd, TIOCGWINSZ, &ws))
		s->style.width = ws.ws_col;
	return 0;
}

int reports__start(struct session *s)
{
	int err = describe_run(s);

	if (!err)
		err = -pthread_create(&s->reporter, NULL, reporter, s);
	s->reporting = !err;
	return err;
}

void reports__request(struct session *s)
{
	pthread_mutex_lock(&s->report_lock);
	if (!s->report_busy)
		s->report_due = true;
	pthread_cond_signal(&s->report_cond);
	pthread_mutex_unlock(&s->report_lock);
}

void reports__stop(struct session *s)
{
	if (!s->reporting)
		return;
	pthread_mutex_lock(&s->report_lock);
	s->report_stop = true;
	s->report_due = false;
	pthread_cond_signal(&s->report_cond);
	pthread_mutex_unlock(&s->report_lock);
	pthread_join(s->reporter, NULL);
	s->reporting = false;
}

int reports__final(struct session *s)
{
	int err = s->report_error;

	if (!err)
		err = report(s, true);
	if (!err)
		err = output__commit(s->output);
	if (err)
		log__error("cannot write the report%s%s: %s", s->plan->output ? " to " : "",
			   s->plan->output ? s->plan->output : "", strerror(-err));
	return err;
}

void reports__free(struct session *s)
{
	struct run_facts *f = (struct run_facts *)s->run;

	reports__stop(s);
	output__free(s->output);
	if (f) {
		free((void *)f->run.targets);
		snapshot__free(&f->first);
		free(f);
	}
}

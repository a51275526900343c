/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tracer without a kernel, for tests of the session: it logs what it is asked, fails where the
 * test says so, and hands out the records that the test's script sends. The script runs in a thread
 * of its own from the moment that tracing starts; all other threads are the session's own.
 */
#ifndef FAKE_TRACER_H
#define FAKE_TRACER_H

#include "fake_state.h"

static void *fake__run_script(void *arg)
{
	(void)arg;
	fake.script();
	return NULL;
}

static struct tracer *fake__create(const struct tracer_opts *opts, char *why, size_t cap)
{
	(void)opts;
	if (fake.create_error) {
		snprintf(why, cap, "the test says so");
		errno = -fake.create_error;
		return NULL;
	}
	fake.in_use = true;
	return &fake;
}

static void fake__free(struct tracer *t)
{
	if (t->has_thread)
		pthread_join(t->thread, NULL);
	if (t->holds_fd >= 0)
		close(t->holds_fd);
	while (t->first) {
		struct fake_record *r = t->first;

		t->first = r->next;
		free(r);
	}
	t->in_use = false;
}

static const char *fake__method(const struct tracer *t)
{
	(void)t;
	return "fake";
}

static int fake__start(struct tracer *t)
{
	if (t->start_error)
		return t->start_error;
	t->has_thread = t->script && !pthread_create(&t->thread, NULL, fake__run_script, NULL);
	return 0;
}

static void fake__detach(struct tracer *t)
{
	(void)t;
	fake__log("detach");
}

static void fake__tend(struct tracer *t)
{
	(void)t;
	fake__log("tend");
}

/* Each time one more is lost. A reporter may be slow. */
static void fake__counters(const struct tracer *t, struct counters *out)
{
	struct counters c;
	bool reporter = !pthread_equal(pthread_self(), t->main);

	pthread_mutex_lock(&fake.lock);
	c = fake.counters;
	if (t->count_ms)
		c.lost_events = ++fake.counters.lost_events;
	pthread_mutex_unlock(&fake.lock);
	fake__log(reporter ? "reporter counts" : "count");
	if (reporter && t->while_counting)
		t->while_counting();
	if (reporter)
		usleep(t->count_ms * 1000);
	*out = c;
}

static bool fake__traces(struct tracer *t, pid_t pid)
{
	(void)t;
	return fake__flags(pid) != UINT32_MAX;
}

static int fake__change_flags(struct tracer *t, pid_t pid, uint32_t set, uint32_t clear)
{
	int err = -ENOENT;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->ntraced; i++)
		if (t->traced[i].pid == (uint32_t)pid) {
			t->traced[i].flags = (t->traced[i].flags & ~clear) | set;
			err = 0;
		}
	pthread_mutex_unlock(&t->lock);
	return err;
}

static int fake__add_process(struct tracer *t, pid_t pid, uint32_t flags)
{
	pthread_mutex_lock(&t->lock);
	CHECK(t->ntraced < FAKE_PROCESSES);
	t->traced[t->ntraced].pid = (uint32_t)pid;
	t->traced[t->ntraced++].flags = flags;
	pthread_mutex_unlock(&t->lock);
	fake__log("add %d", pid);
	return 0;
}

static uint32_t fake__begin_scan(struct tracer *t, pid_t pid)
{
	fake__log("scan %d", pid);
	if (t->while_scanning)
		t->while_scanning();
	return 1;
}

static int fake__update_process(struct tracer *t, pid_t pid, const struct mappings *maps,
				uint32_t epoch)
{
	(void)t, (void)pid, (void)maps;
	CHECK_EQ(epoch, 1);
	return 0;
}

static int fake__fork_process(struct tracer *t, pid_t parent, pid_t child)
{
	if (t->while_forking)
		t->while_forking();
	fake__log("fork %d %d", parent, child);
	return 0;
}

static int fake__release_child(struct tracer *t, pid_t parent, pid_t child)
{
	(void)t;
	fake__log("release child %d %d", parent, child);
	return 0;
}

static int fake__drop_process(struct tracer *t, pid_t pid)
{
	(void)t;
	fake__log("drop %d", pid);
	return 0;
}

static void fake__bury_process(struct tracer *t, pid_t pid)
{
	(void)t;
	fake__log("bury %d", pid);
}

static int fake__attach(struct tracer *t, struct module *mod, const struct probe_file *f,
			enum attach_what what, pid_t pid, bool *fresh)
{
	char line[128];
	int before;

	if (t->while_attaching)
		t->while_attaching();
	if (t->attach_error)
		return t->attach_error;
	snprintf(line, sizeof(line), "attach %s %u %d", what == ATTACH_ALL ? "all" : "loader",
		 module__id(mod), pid);
	before = fake__count(line);
	fake__log("%s", line);
	if (before)
		return 0;
	*fresh = true;
	return what == ATTACH_ALL ? (int)f->n : 0;
}

static int fake__expect_exceptions(struct tracer *t)
{
	(void)t;
	return 0;
}

static int fake__know_file(struct tracer *t, uint64_t dev, uint64_t ino)
{
	(void)t, (void)dev, (void)ino;
	return 0;
}

static void fake__unknow_file(struct tracer *t, uint64_t dev, uint64_t ino)
{
	(void)t, (void)dev, (void)ino;
}

static int fake__release_file(struct tracer *t, uint32_t module)
{
	(void)t, (void)module;
	return 0;
}

static int fake__add_filter(struct tracer *t, const struct filter *f)
{
	(void)t;
	fake__log("filter %u", f->kind);
	return 0;
}

static void fake__await_new(struct tracer *t, bool yes)
{
	(void)t;
	fake__log("await %d", yes);
}

static void fake__exclude(struct tracer *t, unsigned int slot, pid_t pid)
{
	(void)t;
	(void)slot;
	(void)pid;
}

static int fake__controller(const char *name, uint32_t *subsys)
{
	(void)name;
	*subsys = 0;
	return 0;
}

/* Real files are not known: what /proc shows counts. */
static int fake__list(struct tracer *t, pid_t pid, tracer_list_fn fn, void *ctx)
{
	int err = 0;

	if (pid != TRACER_LIST_TARGET)
		return -EOPNOTSUPP;
	for (size_t i = 0; i < t->nrunning && !err; i++)
		err = fn(ctx, &(struct listed){ .pid = t->running[i] });
	return err;
}

static int fake__set_holder(struct tracer *t, tracer_hold_fn fn, void *ctx)
{
	t->hold = fn;
	t->hold_ctx = ctx;
	t->holds_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return t->holds_fd < 0 ? -errno : 0;
}

static int fake__holds_fd(const struct tracer *t)
{
	return t->holds_fd;
}

static int fake__take_holds(struct tracer *t)
{
	struct hold_request r;
	eventfd_t count;

	eventfd_read(t->holds_fd, &count);
	pthread_mutex_lock(&t->lock);
	r = t->request;
	t->request.number = 0;
	pthread_mutex_unlock(&t->lock);
	if (r.number)
		t->hold(t->hold_ctx, &r);
	return r.number != 0;
}

static void fake__grant(struct tracer *t, uint64_t number, bool held)
{
	(void)t;
	fake__log("grant %llu %d", (unsigned long long)number, held);
}

static void fake__settle(struct tracer *t, unsigned int catcher, int cpu)
{
	(void)t, (void)cpu;
	fake__log("settle %u", catcher);
}

static int fake__translated(struct tracer *t, pid_t pid, bool yes)
{
	(void)t;
	fake__log("translated %d %d", pid, yes);
	return 0;
}

static int fake__restore(struct tracer *t, pid_t pid)
{
	(void)t;
	fake__log("restore %d", pid);
	return 0;
}

static int fake__set_consumer(struct tracer *t, tracer_record_fn fn, void *ctx)
{
	t->consume = fn;
	t->consume_ctx = ctx;
	return t->consumer_error;
}

static int fake__wait(struct tracer *t, int timeout_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += timeout_ms * 1000000l;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&t->lock);
	if (!t->first)
		pthread_cond_timedwait(&t->changed, &t->lock, &until);
	pthread_mutex_unlock(&t->lock);
	return 0;
}

static int fake__consume(struct tracer *t)
{
	struct fake_record *r;
	int n = 0;

	for (;;) {
		pthread_mutex_lock(&t->lock);
		r = t->first;
		if (r) {
			t->first = r->next;
			if (!t->first)
				t->last = &t->first;
		}
		pthread_mutex_unlock(&t->lock);
		if (!r)
			break;
		t->consume(t->consume_ctx, r->data, r->size);
		free(r);
		n++;
	}
	pthread_mutex_lock(&t->lock);
	t->consumed += (size_t)n;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
	return n;
}

static const struct tracer_ops fake_ops = {
	.create = fake__create,
	.free = fake__free,
	.method = fake__method,
	.start = fake__start,
	.detach = fake__detach,
	.tend = fake__tend,
	.counters = fake__counters,
	.traces = fake__traces,
	.add_process = fake__add_process,
	.change_flags = fake__change_flags,
	.begin_scan = fake__begin_scan,
	.update_process = fake__update_process,
	.fork_process = fake__fork_process,
	.release_child = fake__release_child,
	.drop_process = fake__drop_process,
	.bury_process = fake__bury_process,
	.attach = fake__attach,
	.expect_exceptions = fake__expect_exceptions,
	.know_file = fake__know_file,
	.unknow_file = fake__unknow_file,
	.release_file = fake__release_file,
	.add_filter = fake__add_filter,
	.await = fake__await_new,
	.exclude = fake__exclude,
	.controller = fake__controller,
	.list = fake__list,
	.set_holder = fake__set_holder,
	.holds_fd = fake__holds_fd,
	.take_holds = fake__take_holds,
	.grant = fake__grant,
	.settle = fake__settle,
	.translated = fake__translated,
	.restore = fake__restore,
	.set_consumer = fake__set_consumer,
	.wait = fake__wait,
	.consume = fake__consume,
};

#endif

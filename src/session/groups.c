/*
 * Targets that are more than single processes: containers, cgroups, the whole host. The BPF side
 * filters; here they are found, awaited, named, and seen to end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "container/containers.h"
#include "session/internal.h"
#include "trace/tracer.h"
#include "util/escape.h"
#include "util/hashmap.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "util/util.h"

#define TEND_NS 250000000ull
#define COUNT_NS 5000000000ull /* looking at all processes takes a while where they are many */

bool session_groups__any(const struct plan *plan)
{
	return plan->ncontainers || plan->ncgroups || plan->all;
}

static int add_group(struct session *s, const struct group *g)
{
	struct group *groups = reallocarray(s->groups, s->ngroups + 1, sizeof(*groups));

	if (!groups)
		return -ENOMEM;
	s->groups = groups;
	groups[s->ngroups++] = *g;
	return 0;
}

/* ---- finding ---- */

static int complain(const char *wanted, int err, const struct container **candidates, size_t n)
{
	struct strbuf sb = { 0 }, name = { 0 };

	for (size_t i = 0; i < n; i++) {
		strbuf__adds(&sb, i ? ", " : "");
		escape__plain(&sb, candidates[i]->display);
	}
	escape__plain(&name, wanted);
	if (err == -ENOTUNIQ)
		log__error("cannot trace container %s: several are called so: %s; name one in "
			   "full, or by its id",
			   name.data, sb.data);
	else if (err == -ENOENT && n)
		log__error("cannot trace container %s: there is none; there are: %s; --wait waits "
			   "for one to come",
			   name.data, sb.data);
	else if (err == -ENOENT)
		log__error("cannot trace container %s: no container runs here; --wait waits for "
			   "one to come",
			   name.data);
	else if (err == -ESRCH)
		log__error(
		    "cannot trace container %s: no such process, or it is in no container; use -p",
		    name.data);
	else
		log__error("cannot trace container %s: %s", name.data, strerror(-err));
	strbuf__free(&sb);
	strbuf__free(&name);
	return err;
}

/* 0: it is there and runs; -ENOENT: not yet; otherwise the reason was logged, once. */
static int find_container(struct session *s, struct group *g, const struct container **found)
{
	const struct container **candidates = NULL;
	size_t n = 0;
	int err = containers__find(s->containers, g->wanted, found, &candidates, &n);

	if (!err && !(*found)->init_pid)
		err = s->plan->wait ? -ENOENT : -ECHILD;
	if (err && !(err == -ENOENT && s->plan->wait) && !g->refused) {
		g->refused = true;
		if (err == -ECHILD)
			log__error(
			    "cannot trace container %s: it does not run; start it, or use --wait",
			    g->wanted);
		else
			complain(g->wanted, err, candidates, n);
	}
	free(candidates);
	return err;
}

int session_groups__find(struct session *s)
{
	const struct plan *plan = s->plan;
	const struct container *c;
	int err = 0;

	s->containers = containers__new("");
	if (!s->containers)
		return -errno;
	for (size_t i = 0; i < plan->ncontainers && !err; i++) {
		struct group g = { .wanted = plan->containers[i], .container = true, .fd = -1 };

		err = find_container(s, &g, &c);
		if (!err || (err == -ENOENT && plan->wait))
			err = add_group(s, &g);
	}
	for (size_t i = 0; i < plan->ncgroups && !err; i++)
		err = add_group(s, &(struct group){ .wanted = plan->cgroups[i], .fd = -1 });
	if (plan->all && !err)
		err =
		    add_group(s, &(struct group){ .wanted = "host", .kind = FILTER_ALL, .fd = -1 });
	return err;
}

/* ---- filters ---- */

static int filter_cgroup(struct session *s, const struct cgroup *cg, bool from_exec)
{
	struct filter f = {
		.kind = FILTER_CGROUP,
		.from_exec = from_exec,
		.level = cg->level,
		.id = cg->id,
		.subsys = FILTER_V2,
	};
	int err = cg->controller[0] ? tracer__controller(cg->controller, &f.subsys) : 0;

	return err ? err : tracer__add_filter(s->tracer, &f);
}

/* Its processes are known by its cgroup, or where it has none of its own by its PID namespace. */
static int filter_container(struct session *s, struct group *g, const struct container *c)
{
	struct filter f = {
		.kind = FILTER_PIDNS, .from_exec = true, .level = c->pidns_level, .id = c->pidns
	};
	struct cgroup cg;
	int err = containers__cgroup(c, &cg);

	g->name = strdup(c->display);
	if (!err)
		err = filter_cgroup(s, &cg, true);
	else if (err == -EOPNOTSUPP && c->pidns)
		err = tracer__add_filter(s->tracer, &f);
	if (err)
		return err;
	g->fd = (int)syscall(SYS_pidfd_open, c->init_pid, 0);
	return g->name ? 0 : -ENOMEM;
}

static int resolve(struct session *s, struct group *g)
{
	const struct container *c;
	struct cgroup cg;
	int err;

	if (g->kind == FILTER_ALL) {
		g->name = strdup("the host");
		return tracer__add_filter(s->tracer, &(struct filter){ .kind = FILTER_ALL });
	}
	if (g->container) {
		err = find_container(s, g, &c);
		return err ? err : filter_container(s, g, c);
	}
	err = cgroups__resolve(g->wanted, &cg);
	if (!err)
		err = filter_cgroup(s, &cg, false);
	if (err)
		return err;
	g->name = strdup(g->wanted);
	g->fd = open(g->wanted, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return g->name ? 0 : -ENOMEM;
}

/* 0 also where it is waited for. */
static int begin(struct session *s, struct group *g)
{
	int err = resolve(s, g);

	g->present = !err;
	if (!err || (err == -ENOENT && s->plan->wait))
		return 0;
	if (g->container && (err == -ENOENT || err == -ECHILD || err == -ENOTUNIQ))
		return err; /* said */
	if (g->container && err == -EOPNOTSUPP)
		log__error("cannot trace container %s: it has neither a cgroup nor a PID namespace "
			   "of its own; "
			   "use -p for its processes",
			   g->wanted);
	else if (!g->container)
		log__error("cannot trace cgroup %s: %s", g->wanted,
			   err == -ENOENT ? "there is none; --wait waits for it to come"
			   : err == -EINVAL || err == -ENOTDIR ? "it is no cgroup's directory"
			   : err == -EOPNOTSUPP
			       ? "its hierarchy has no controller; use that of another"
			       : strerror(-err));
	else
		log__error("cannot trace container %s: %s", g->wanted, strerror(-err));
	return err;
}

/* ---- whoever runs already ---- */

struct pids {
	uint32_t *at;
	size_t n, cap;
};

static int note_pid(void *ctx, const struct listed *l)
{
	struct pids *p = ctx;

	if (p->n && p->at[p->n - 1] == l->pid)
		return 0;
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 256;
		uint32_t *at = reallocarray(p->at, cap, sizeof(*at));

		if (!at)
			return -ENOMEM;
		p->at = at;
		p->cap = cap;
	}
	p->at[p->n++] = l->pid;
	return 0;
}

static int enter(struct session *s, uint32_t pid)
{
	struct event_exec ev = { .ev = {
				     .type = EVENT_ENTER, .pid = pid, .time = util__now_ns() } };
	int err;

	session__lock(s);
	err = collector__event(s->collector, &ev, sizeof(ev));
	session__unlock(s);
	return err;
}

static void leave(struct session *s, uint32_t pid)
{
	struct event ev = { .type = EVENT_EXIT, .pid = pid, .time = util__now_ns() };

	tracer__drop_process(s->tracer, (pid_t)pid);
	session__lock(s);
	collector__event(s->collector, &ev, sizeof(ev));
	session__unlock(s);
}

/* Everybody who is of the target and not traced yet. How many that are, or a negative errno. */
static int adopt_once(struct session *s)
{
	struct pids pids = { 0 };
	int err = tracer__list(s->tracer, TRACER_LIST_TARGET, note_pid, &pids), n = 0;

	for (size_t i = 0; i < pids.n && !err; i++) {
		pid_t pid = (pid_t)pids.at[i];

		if (tracer__traces(s->tracer, pid))
			continue;
		n++;
		err = tracer__add_process(s->tracer, pid, TRACED_NO_MAPS);
		if (!err)
			err = enter(s, (uint32_t)pid);
		if (err)
			break;
		s->adopted++;
		session_groups__met(s, pid);
		if (session_targets__scan(s, pid) == -ESRCH)
			leave(s, (uint32_t)pid); /* nobody tells of an end that came before */
		else
			tracer__set_flags(s->tracer, pid, 0);
	}
	free(pids.at);
	return err ? err : n;
}

/*
 * Who was forked meanwhile, by somebody who was not traced yet, is found the next time. How many
 * that are, or a negative errno.
 */
static int adopt(struct session *s)
{
	int n = 1, all = 0;

	for (int i = 0; i < 4 && n > 0; i++) {
		n = adopt_once(s);
		all += n > 0 ? n : 0;
	}
	return n < 0 ? n : all;
}

int session_groups__open(struct session *s)
{
	bool waits = false;
	int err = 0;

	for (size_t i = 0; i < s->ngroups && !err; i++) {
		err = begin(s, &s->groups[i]);
		waits |= !s->groups[i].present;
	}
	if (!err && s->ngroups)
		err = adopt(s);
	err = err < 0 ? err : 0;
	if (!err && waits)
		tracer__await(s->tracer, true);
	session_groups__tend(s);
	return err;
}

/* ---- what comes ---- */

void session_groups__met(struct session *s, pid_t pid)
{
	const struct container *c = containers__of_process(s->containers, pid);

	if (!c)
		return;
	session__lock(s);
	collector__set_container(s->collector, (uint32_t)pid, c->display);
	session__unlock(s);
}

static void all_came(struct session *s)
{
	bool waits = false;

	for (size_t i = 0; i < s->ngroups; i++)
		waits |= !s->groups[i].present;
	tracer__await(s->tracer, waits);
}

static void has_come(struct session *s, struct group *g, const char *but)
{
	g->present = true;
	log__info("%s has come%s", g->name, but);
	all_came(s);
}

/* Looked for anew: it may be younger than the last look. */
static bool is_of(struct session *s, struct group *g, pid_t pid)
{
	const struct container *c;

	return !find_container(s, g, &c) && containers__of_process(s->containers, pid) == c;
}

void session_groups__candidate(struct session *s, pid_t pid)
{
	for (size_t i = 0; i < s->ngroups; i++) {
		struct group *g = &s->groups[i];

		if (g->present || (g->container && !is_of(s, g, pid)) || resolve(s, g))
			continue;
		adopt(s);
		has_come(s, g, "");
	}
}

/* Before a container's first program begins, which is told of, its runtime is already there. */
static bool is_overdue(struct session *s, struct group *g)
{
	const struct container *c;
	bool overdue = g->sighted;

	if (!g->container)
		return true;
	g->sighted = !find_container(s, g, &c);
	return overdue && g->sighted;
}

static void count_outsiders(struct session *s);

void session_groups__tend(struct session *s)
{
	uint64_t now = util__now_ns();

	if (!s->ngroups || now - s->groups_tended < TEND_NS)
		return;
	s->groups_tended = now;
	for (size_t i = 0; i < s->ngroups; i++) {
		struct group *g = &s->groups[i];

		if (g->present || !is_overdue(s, g) || resolve(s, g))
			continue;
		has_come(s, g, adopt(s) > 0 ? "; what it did before is not known" : "");
	}
	if (now - s->outsiders_counted >= COUNT_NS) {
		count_outsiders(s);
		s->outsiders_counted = now;
	}
}

/* ---- what ends ---- */

static bool has_ended(const struct group *g)
{
	struct pollfd pfd = { .fd = g->fd, .events = POLLIN };
	int fd;

	if (g->fd < 0)
		return false;
	if (g->container)
		return poll(&pfd, 1, 0) > 0;
	fd = openat(g->fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

bool session_groups__all_ended(struct session *s)
{
	bool all = true;

	for (size_t i = 0; i < s->ngroups; i++) {
		struct group *g = &s->groups[i];

		g->ended |= g->present && has_ended(g);
		all &= g->ended;
	}
	return all;
}

/* ---- who else pays ---- */

struct count {
	struct session *s;
	uint32_t last;
	size_t n;
};

static int count_process(void *ctx, const struct listed *l)
{
	struct count *c = ctx;
	uint64_t dev = makedev(l->dev >> 20, l->dev & 0xfffff);
	uintptr_t known;

	if (l->pid == c->last || l->pid == (uint32_t)getpid() ||
	    !hashmap__get(c->s->probed, hashmap__mix(dev, l->ino), &known))
		return 0;
	c->last = l->pid;
	c->n += !tracer__traces(c->s->tracer, (pid_t)l->pid);
	return 0;
}

/* Probes in a file are met by all who map it. */
static void count_outsiders(struct session *s)
{
	struct count c = { .s = s };

	if (!s->per_file || s->plan->all ||
	    tracer__list(s->tracer, TRACER_LIST_ALL, count_process, &c))
		return;
	atomic_store(&s->outsiders, c.n);
}

void session_groups__free(struct session *s)
{
	for (size_t i = 0; i < s->ngroups; i++) {
		if (s->groups[i].fd >= 0)
			close(s->groups[i].fd);
		free(s->groups[i].name);
	}
	free(s->groups);
	containers__free(s->containers);
}

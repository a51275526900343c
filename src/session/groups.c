/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Targets other than single processes: containers, cgroups, the whole host. The BPF side filters
 * their processes; here groups are found, waited for, named, and seen to end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "container/containers.h"
#include "session/internal.h"
#include "session/traced_files.h"
#include "trace/tracer_ops.h"
#include "util/array.h"
#include "util/clock.h"
#include "util/escape.h"
#include "util/kdev.h"
#include "util/log.h"
#include "util/strbuf.h"

#define COUNT_NS 5000000000ull /* looking at all processes takes a while if there are many */

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

/* ---- why a group cannot be traced ---- */

#define NO_CGROUPS                                                                                 \
	"no mount of its cgroup hierarchy is visible; mount /sys/fs/cgroup (in a container: -v "   \
	"/sys/fs/cgroup:/sys/fs/cgroup:ro), or add CAP_SYS_ADMIN"

static const struct refusal {
	bool container; /* otherwise a cgroup */
	bool lists;	/* lists the containers that it could have been, between the texts */
	int err;
	const char *text, *after;
} refusals[] = {
	{ true, true, -ENOTUNIQ, "several containers match: ", "; name one in full, or by its ID" },
	{ true, true, -ENOENT, "no such container; there are: ", "; use --wait to wait for one" },
	{ true, false, -ENOENT, "no container runs here; use --wait to wait for one", "" },
	{ true, false, -ESRCH, "no such process, or it is in no container; use -p", "" },
	{ true, false, -ECHILD, "it is not running; start it, or use --wait", "" },
	{ true, false, -EOPNOTSUPP,
	  "it has neither a cgroup nor a PID namespace of its own; use -p for its processes", "" },
	{ true, false, -ENODEV, NO_CGROUPS, "" },
	{ false, false, -ENODEV, NO_CGROUPS, "" },
	{ false, false, -ENOENT, "it does not exist; use --wait to wait for it", "" },
	{ false, false, -EINVAL, "not a cgroup directory", "" },
	{ false, false, -ENOTDIR, "not a cgroup directory", "" },
	{ false, false, -EOPNOTSUPP, "its hierarchy has no controller; use that of another", "" },
};

static const struct refusal *find_refusal(const struct group *g, int err, bool candidates)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (refusals[i].container == g->container && refusals[i].err == err &&
		    (candidates || !refusals[i].lists))
			return &refusals[i];
	return NULL;
}

/* Logs why a group cannot be traced, once, but not if it is waited for. Returns err. */
static int refuse_group(const struct session *s, struct group *g, int err,
			const struct container **candidates, size_t n)
{
	const struct refusal *r = find_refusal(g, err, n > 0);
	struct strbuf list = { 0 }, name = { 0 };

	if (g->refused || (err == -ENOENT && s->plan->wait))
		return err;
	g->refused = true;
	for (size_t i = 0; r && r->lists && i < n; i++) {
		strbuf__adds(&list, i ? ", " : "");
		escape__plain(&list, candidates[i]->display);
	}
	escape__plain(&name, g->wanted);
	log__error("cannot trace %s%s: %s%s%s",
		   g->container		   ? "container "
		   : g->kind == FILTER_ALL ? ""
					   : "cgroup ",
		   name.data ? name.data : "", r ? r->text : strerror(-err),
		   list.data ? list.data : "", r ? r->after : "");
	strbuf__free(&list);
	strbuf__free(&name);
	return err;
}

/* ---- finding ---- */

/* Returns 0 if it is running, -ENOENT if not yet, or another negative errno, logged. */
static int find_container(struct session *s, struct group *g, const struct container **found)
{
	const struct container **candidates = NULL;
	size_t n = 0;
	int err = containers__find(s->containers, g->wanted, found, &candidates, &n);

	if (!err && !(*found)->init_pid)
		err = s->plan->wait ? -ENOENT : -ECHILD;
	if (err)
		refuse_group(s, g, err, candidates, n);
	free(candidates);
	return err;
}

int session_groups__find(struct session *s)
{
	const struct plan *plan = s->plan;
	const struct container *c;
	int err = 0;

	s->containers = containers__new("");
	if (!s->containers) {
		err = -errno;
		log__error("cannot look for containers: %s", strerror(-err));
		return err;
	}
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

static int filter_cgroup(struct session *s, struct group *g, const struct cgroup *cg,
			 bool from_exec)
{
	struct filter f = {
		.kind = FILTER_CGROUP,
		.from_exec = from_exec,
		.level = cg->level,
		.id = cg->id,
		.subsys = FILTER_V2,
	};
	int err = cg->controller[0] ? s->trace->controller(cg->controller, &f.subsys) : 0;

	g->cgroup = cg->id;
	return err ? err : s->trace->add_filter(s->tracer, &f);
}

/* Recognises its processes by its cgroup, or by its PID namespace if it has no cgroup of its
 * own. */
static int filter_container(struct session *s, struct group *g, const struct container *c)
{
	struct filter f = {
		.kind = FILTER_PIDNS, .from_exec = true, .level = c->pidns_level, .id = c->pidns
	};
	struct cgroup cg;
	int err = containers__cgroup(c, &cg);

	if (!err)
		return filter_cgroup(s, g, &cg, true);
	return err == -EOPNOTSUPP && c->pidns ? s->trace->add_filter(s->tracer, &f) : err;
}

/* Opens what ends with a container: its first process. */
static int open_init(const struct session *s, const struct container *c)
{
	int fd = (int)syscall(SYS_pidfd_open, c->init_pid, 0);

	if (fd < 0 && errno == ESRCH) /* it has just ended */
		return s->plan->wait ? -ENOENT : -ECHILD;
	return fd < 0 ? -errno : fd;
}

static int resolve_container(struct session *s, struct group *g)
{
	const struct container *c;
	int err = find_container(s, g, &c);

	if (err)
		return err;
	g->fd = open_init(s, c);
	if (g->fd < 0)
		return g->fd;
	g->name = strdup(c->display);
	return g->name ? filter_container(s, g, c) : -ENOMEM;
}

static int resolve_cgroup(struct session *s, struct group *g)
{
	struct cgroup cg;
	int err = cgroups__resolve(g->wanted, &cg);

	if (err)
		return err;
	g->fd = open(g->wanted, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A path as in /proc/PID/cgroup may name no directory here: then its end is not seen. */
	if (g->fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return -errno;
	g->name = strdup(g->wanted);
	return g->name ? filter_cgroup(s, g, &cg, false) : -ENOMEM;
}

static int resolve_host(struct session *s, struct group *g)
{
	g->name = strdup("the host");
	return g->name ? s->trace->add_filter(s->tracer, &(struct filter){ .kind = FILTER_ALL })
		       : -ENOMEM;
}

/* Starts tracing the group. Returns 0, -ENOENT if it is not there yet, or another negative errno,
 * logged. */
static int resolve_group(struct session *s, struct group *g)
{
	int err = g->kind == FILTER_ALL ? resolve_host(s, g)
		  : g->container	? resolve_container(s, g)
					: resolve_cgroup(s, g);

	g->present = !err;
	if (!err)
		return 0;
	if (g->fd >= 0)
		close(g->fd);
	free(g->name);
	g->fd = -1;
	g->name = NULL;
	return refuse_group(s, g, err, NULL, 0);
}

/* ---- starts ---- */

static void await_missing(struct session *s)
{
	bool missing = false;

	for (size_t i = 0; i < s->ngroups; i++)
		missing |= !s->groups[i].present;
	s->trace->await(s->tracer, missing);
}

/* Where nothing can be read of any process, there is nothing to wait for. */
static int check_readable(const struct session *s)
{
	char why[128];

	if (!unreadable__processes(s) || !s->plan->query.heap || traced_files__functions(s->files))
		return 0;
	log__error("cannot read the processes of %s: %s%s", s->groups[0].name,
		   unreadable__why(UNREADABLE_PROCESS, why, sizeof(why)), unreadable__remedy());
	return -EACCES;
}

int session_groups__open(struct session *s)
{
	int err = 0;

	for (size_t i = 0; i < s->ngroups && !err; i++) {
		err = resolve_group(s, &s->groups[i]);
		if (err == -ENOENT && s->plan->wait)
			err = 0;
	}
	if (err || !s->ngroups)
		return err;
	err = session_adopt__running(s);
	if (err < 0) {
		log__error("cannot trace the processes that already run: %s", strerror(-err));
		return err;
	}
	err = check_readable(s);
	if (err)
		return err;
	await_missing(s);
	session_groups__tend(s);
	return 0;
}

void session_groups__met(struct session *s, pid_t pid)
{
	const struct container *c = containers__of_process(s->containers, pid);

	if (!c)
		return;
	collector_lock__take(&s->lock);
	collector__set_container(s->collector, (uint32_t)pid, c->display);
	collector_lock__release(&s->lock);
}

static void has_come(struct session *s, const struct group *g, const char *but)
{
	log__info("%s has started%s", g->name, but);
	await_missing(s);
}

/* Looks for the container again: it may have started after the last look. */
static bool is_of_container(struct session *s, struct group *g, pid_t pid)
{
	const struct container *c;

	return !find_container(s, g, &c) && containers__of_process(s->containers, pid) == c;
}

void session_groups__candidate(struct session *s, pid_t pid)
{
	for (size_t i = 0; i < s->ngroups; i++) {
		struct group *g = &s->groups[i];

		if (g->present || (g->container && !is_of_container(s, g, pid)) ||
		    resolve_group(s, g))
			continue;
		session_adopt__running(s);
		has_come(s, g, "");
	}
}

/* Returns whether a container's start was missed. Its first program is reported when it starts, but
 * its runtime is there before: so only a container found by two looks in a row was missed. */
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
	uint64_t now = clock__now_ns();

	if (!s->ngroups || now - s->groups_tended < GROUPS_TEND_MS * 1000000ull)
		return;
	s->groups_tended = now;
	for (size_t i = 0; i < s->ngroups; i++) {
		struct group *g = &s->groups[i];

		if (g->present || !is_overdue(s, g) || resolve_group(s, g))
			continue;
		has_come(s, g,
			 session_adopt__running(s) > 0 ? "; what it did before is not known" : "");
	}
	if (now - s->outsiders_counted >= COUNT_NS) {
		count_outsiders(s);
		s->outsiders_counted = now;
	}
}

/* ---- ends ---- */

static bool is_dead(int pidfd)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	return poll(&pfd, 1, 0) > 0;
}

/*
 * A container that was found while it started was known by a process of its runtime, which starts
 * the first process, and ends. Then this is the one whose end counts. One that was restarted has a
 * new cgroup, and is another.
 */
static bool has_heir(struct session *s, struct group *g)
{
	const struct container *c;
	struct cgroup cg;
	int fd;

	if (!g->cgroup || containers__find(s->containers, g->wanted, &c, NULL, NULL) ||
	    !c->init_pid || containers__cgroup(c, &cg) || cg.id != g->cgroup)
		return false;
	fd = (int)syscall(SYS_pidfd_open, c->init_pid, 0);
	if (fd < 0)
		return false;
	if (is_dead(fd)) {
		close(fd);
		return false;
	}
	close(g->fd);
	g->fd = fd;
	return true;
}

static bool has_ended(struct session *s, struct group *g)
{
	int fd;

	if (g->fd < 0)
		return false;
	if (g->container)
		return is_dead(g->fd) && !has_heir(s, g);
	fd = openat(g->fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd < 0 && (errno == ENOENT || errno == ENODEV);
}

bool session_groups__all_ended(struct session *s)
{
	bool all = true;

	for (size_t i = 0; i < s->ngroups; i++) {
		struct group *g = &s->groups[i];

		g->ended |= g->present && !g->ended && has_ended(s, g);
		all &= g->ended;
	}
	return all;
}

/* ---- outsiders: untraced processes that hit the probes ---- */

struct outsider_count {
	struct session *s;
	uint32_t last;
	size_t n;
};

static int count_outsider(void *ctx, const struct listed *l)
{
	struct outsider_count *c = ctx;

	if (l->pid == c->last || l->pid == (uint32_t)getpid() ||
	    l->pid == (uint32_t)atomic_load(&c->s->names_pid) ||
	    !traced_files__is_probed(c->s->files, kdev__to_user(l->dev), l->ino))
		return 0;
	c->last = l->pid;
	if (c->s->trace->traces(c->s->tracer, (pid_t)l->pid))
		return 0;
	c->n++;
	session_translated__outsider(c->s, (pid_t)l->pid);
	return 0;
}

/* Counts outsiders: every process that maps a probed file hits its probes. */
static void count_outsiders(struct session *s)
{
	struct outsider_count c = { .s = s };

	if (!s->per_file || s->plan->all ||
	    s->trace->list(s->tracer, TRACER_LIST_ALL, count_outsider, &c))
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

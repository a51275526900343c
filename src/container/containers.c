/*
 * Every look-around collects sightings: an id in a cgroup's path, a file of some runtime. Sightings
 * of one id are of one container, whoever made them: a container of docker is also one of
 * containerd and of runc, and the row of the table that comes first has the better name for it.
 * What a file claims about its first process is believed if that process is in the container's
 * cgroup or the first of a PID namespace, because files stay behind and process ids come round.
 */
#include "container/containers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/internal.h"
#include "util/hashmap.h"
#include "util/texts.h"
#include "util/util.h"

#define CONTAINERS_MAX (1u << 20)
#define PATIENCE_NS 1000000000ull /* between looks for a container that is unknown */
#define LOOKS_MAX 5
#define SHORT_ID 12

static const struct runtime runtimes[] = {
	{ "docker", containers__look_docker },
	{ "containerd", containers__look_containerd },
	{ "podman, cri-o", containers__look_storage },
	{ "runc", containers__look_runc },
	{ "crun", containers__look_crun },
	{ "nspawn", containers__look_machines },
};

#define NO_ROW ARRAY_SIZE(runtimes)

struct helper {
	pid_t pid;
	char comm[16];
};

struct containers {
	const char *root;
	struct texts *texts;
	struct hashmap *by_key;
	struct entry **all;
	size_t n, cap;
	struct helper *helpers;
	size_t nhelpers;
	struct hashmap *visited; /* directories */
	size_t row;		 /* that is looking */
	bool deeper;		 /* at what is told from inside of another PID namespace */
	uint64_t refreshed;	 /* when */
	int error;
};

static const char *const helper_comms[] = { "dockerd", "containerd-shim", "conmon" };

/* ---- life ---- */

struct containers *containers__new(const char *root)
{
	struct containers *cs = calloc(1, sizeof(*cs));

	if (!cs)
		return NULL;
	cs->texts = texts__new();
	cs->by_key = hashmap__new();
	cs->root = cs->texts ? texts__keep(cs->texts, *root ? root : "/") : NULL;
	if (cs->by_key && cs->root)
		return cs;
	containers__free(cs);
	errno = ENOMEM;
	return NULL;
}

void containers__free(struct containers *cs)
{
	if (!cs)
		return;
	for (size_t i = 0; i < cs->n; i++) {
		if (cs->all[i]->held >= 0)
			close(cs->all[i]->held);
		free(cs->all[i]);
	}
	free(cs->all);
	free(cs->helpers);
	hashmap__free(cs->visited);
	hashmap__free(cs->by_key);
	texts__free(cs->texts);
	free(cs);
}

size_t containers__count(const struct containers *cs)
{
	return cs->n;
}

const struct container *containers__at(const struct containers *cs, size_t i)
{
	return &cs->all[i]->c;
}

bool containers__is_pause(const struct container *c)
{
	return ((const struct entry *)c)->pause;
}

bool containers__is_here(const struct container *c)
{
	return ((const struct entry *)c)->here;
}

const char *containers__root(const struct containers *cs)
{
	return cs->root;
}

const char *containers__keep(struct containers *cs, const char *s)
{
	const char *kept = texts__keep(cs->texts, s);

	if (s && !kept)
		cs->error = -ENOMEM;
	return kept;
}

/* ---- entries by id ---- */

static uint64_t key_of(const char *id)
{
	uint64_t key = 0;

	for (; *id; id++)
		key = hashmap__mix(key, (unsigned char)*id);
	return key;
}

/* *key is where it is, or would be. */
static struct entry *lookup(const struct containers *cs, const struct sighting *s, uint64_t *key)
{
	uintptr_t value;

	for (*key = key_of(s->id); hashmap__get(cs->by_key, *key, &value); ++*key)
		if (containers__same((struct entry *)value, s))
			return (struct entry *)value;
	return NULL;
}

struct entry *containers__of_token(const struct containers *cs, const struct token *t)
{
	uint64_t key;

	return lookup(cs, &(struct sighting){ .runtime = t->runtime, .id = t->id }, &key);
}

static struct entry *add(struct containers *cs, const struct sighting *s, uint64_t key)
{
	struct entry *e;

	if (cs->n == CONTAINERS_MAX)
		return NULL;
	if (cs->n == cs->cap) {
		size_t cap = cs->cap ? 2 * cs->cap : 64;
		struct entry **all = realloc(cs->all, cap * sizeof(struct entry *));

		if (!all)
			goto fail;
		cs->all = all;
		cs->cap = cap;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		goto fail;
	e->c.runtime = s->runtime;
	e->c.id = containers__keep(cs, s->id);
	e->row = NO_ROW;
	e->held = -1;
	if (e->c.id && !hashmap__set(cs->by_key, key, (uintptr_t)e)) {
		cs->all[cs->n++] = e;
		return e;
	}
	free(e);
fail:
	cs->error = -ENOMEM;
	return NULL;
}

static void tell(struct containers *cs, struct entry *e)
{
	struct container *c = &e->c;
	char text[4096];

	if (c->pod && c->space)
		snprintf(text, sizeof(text), "k8s %s/%s/%s", c->space, c->pod,
			 c->name    ? c->name
			 : e->pause ? "(pause)"
				    : c->id);
	else if (c->name)
		snprintf(text, sizeof(text), "%s %s", c->runtime, c->name);
	else
		snprintf(text, sizeof(text), "%s %.*s", c->runtime,
			 strlen(c->id) >= LONG_ID ? SHORT_ID : INT16_MAX, c->id);
	c->display = containers__keep(cs, text);
	if (!c->display)
		c->display = c->id;
}

/* ---- sightings ---- */

bool containers__named(const struct containers *cs, const char *id)
{
	uint64_t key;
	const struct entry *e = lookup(cs, &(struct sighting){ .runtime = "", .id = id }, &key);

	return strlen(id) >= LONG_ID && e && e->c.name;
}

static void add_hint(struct containers *cs, struct entry *e, const char *hint)
{
	if (!hint || !hint[strspn(hint, "/")] || e->nhints == HINTS_MAX)
		return;
	for (size_t i = 0; i < e->nhints; i++)
		if (!strcmp(e->hints[i], hint))
			return;
	hint = containers__keep(cs, hint);
	if (hint)
		e->hints[e->nhints++] = hint;
}

/* A row that comes first overrules; one that comes later fills gaps; the same may have news. */
static void learn(struct containers *cs, const char **what, const char *said, bool overrule)
{
	if (said && (overrule || !*what) && (!*what || strcmp(*what, said)))
		*what = containers__keep(cs, said);
}

void containers__sight(struct containers *cs, const struct sighting *s)
{
	struct entry *e;
	uint64_t key;
	bool overrule;

	if (!s->id || !*s->id)
		return;
	e = lookup(cs, s, &key);
	if (!e)
		e = add(cs, s, key);
	if (!e)
		return;
	e->here = true;
	overrule = cs->row < e->row || (cs->row == e->row && !s->old);
	if (overrule && cs->row != NO_ROW) {
		e->c.runtime = s->runtime;
		e->row = cs->row;
	}
	learn(cs, &e->c.name, s->name, overrule);
	learn(cs, &e->c.pod, s->pod, overrule);
	learn(cs, &e->c.space, s->space, overrule);
	add_hint(cs, e, s->hint);
	e->pause |= s->pause;
	if (s->pid && !cs->deeper)
		e->claimed = s->pid;
	tell(cs, e);
}

/* ---- looking around ---- */

DIR *containers__visit(struct containers *cs, const char *root, const char *path)
{
	DIR *d = containers__open_directory(root, path);
	uintptr_t value;
	struct stat st;
	uint64_t key;

	if (!d)
		return NULL;
	key = fstat(dirfd(d), &st) == 0 ? hashmap__mix(st.st_dev, st.st_ino) : 0;
	if (!hashmap__get(cs->visited, key, &value) && !hashmap__set(cs->visited, key, 1))
		return d;
	closedir(d);
	return NULL;
}

pid_t containers__next_helper(const struct containers *cs, const char *comm, pid_t pid)
{
	pid_t next = 0;

	for (size_t i = 0; i < cs->nhelpers; i++) {
		const struct helper *h = &cs->helpers[i];

		if (h->pid > pid && (!next || h->pid < next) &&
		    !strncmp(h->comm, comm, strlen(comm)))
			next = h->pid;
	}
	return next;
}

void containers__ask_helper(struct containers *cs, pid_t pid, char root[PATH_BYTES])
{
	struct nesting nesting;

	containers__root_of(cs, pid, root);
	cs->deeper = containers__nesting(cs, pid, &nesting) || nesting.level;
}

static void note_helper(struct containers *cs, pid_t pid, const char *comm)
{
	struct helper *more;

	for (size_t i = 0; i < ARRAY_SIZE(helper_comms); i++) {
		if (strncmp(comm, helper_comms[i], strlen(helper_comms[i])))
			continue;
		more = realloc(cs->helpers, (cs->nhelpers + 1) * sizeof(*more));
		if (!more) {
			cs->error = -ENOMEM;
			return;
		}
		cs->helpers = more;
		more[cs->nhelpers].pid = pid;
		snprintf(more[cs->nhelpers++].comm, sizeof(more->comm), "%s", comm);
	}
}

static void see(struct containers *cs, pid_t pid, char *cgroups, const char *comm)
{
	struct nesting nesting;
	struct entry *e;
	struct token t;

	note_helper(cs, pid, comm);
	if (!containers__innermost(cgroups, &t))
		return;
	containers__sight(cs, &(struct sighting){ .runtime = t.runtime, .id = t.id });
	e = containers__of_token(cs, &t);
	if (!e || e->seen_first || containers__nesting(cs, pid, &nesting))
		return;
	e->seen_first = nesting.level && nesting.innermost == 1;
	if (e->seen_first || !e->seen)
		e->seen = pid;
}

static void settle(struct containers *cs, struct entry *e)
{
	struct nesting nesting;

	e->c.init_pid = 0;
	if (!strcmp(e->c.runtime, SANDBOX)) {
		if (!containers__nesting(cs, e->claimed, &nesting) && nesting.inode == e->c.pidns)
			e->c.init_pid = e->claimed;
	} else if (!containers__adopt(cs, e, e->claimed) && !containers__adopt(cs, e, e->seen)) {
		/* What it was recognised by may become another's, unless it is held. */
		e->c.ncgroups = 0;
		if (e->held < 0)
			e->c.pidns = 0;
	}
}

int containers__refresh(struct containers *cs)
{
	cs->error = 0;
	cs->nhelpers = 0;
	hashmap__free(cs->visited);
	cs->visited = hashmap__new();
	if (!cs->visited)
		return -ENOMEM;
	for (size_t i = 0; i < cs->n; i++) {
		struct entry *e = cs->all[i];

		e->seen = 0;
		e->seen_first = false;
		/* Known by a process that somebody named, and by nothing else. */
		e->here = !strcmp(e->c.runtime, SANDBOX);
		if (!e->here)
			e->claimed = 0;
	}
	cs->row = NO_ROW;
	containers__scan(cs, see);
	for (cs->row = 0; cs->row < NO_ROW; cs->row++) {
		cs->deeper = false;
		runtimes[cs->row].look(cs);
	}
	cs->deeper = false;
	for (size_t i = 0; i < cs->n; i++)
		settle(cs, cs->all[i]);
	cs->refreshed = util__now_ns();
	return cs->error;
}

/* ---- for the search ---- */

const struct container *containers__known(struct containers *cs, const struct token *t)
{
	uint64_t now = util__now_ns();
	struct entry *e = containers__of_token(cs, t);

	/* Its files may be written later than its cgroup is made. */
	if ((!e || (!e->c.name && e->looks < LOOKS_MAX)) &&
	    (!cs->refreshed || now - cs->refreshed > PATIENCE_NS)) {
		containers__refresh(cs);
		e = containers__of_token(cs, t);
		if (e)
			e->looks++;
	}
	if (!e) {
		cs->row = NO_ROW;
		containers__sight(cs, &(struct sighting){ .runtime = t->runtime, .id = t->id });
		e = containers__of_token(cs, t);
	}
	return e ? &e->c : NULL;
}

void containers__hold(struct containers *cs, const struct container *c)
{
	struct entry *e = NULL;
	struct stat st;

	if (c->ncgroups || !c->pidns)
		return;
	for (size_t i = 0; !e && i < cs->n; i++)
		e = &cs->all[i]->c == c ? cs->all[i] : NULL;
	if (!e || e->held >= 0)
		return;
	e->held = containers__open_pidns(cs, c->init_pid);
	if (e->held >= 0 && (fstat(e->held, &st) != 0 || st.st_ino != c->pidns)) {
		close(e->held);
		e->held = -1;
	}
}

const struct container *containers__sandbox(struct containers *cs, pid_t pid,
					    const struct nesting *nesting)
{
	struct sighting s = { .runtime = SANDBOX, .pid = pid };
	struct entry *e;
	uint64_t key;
	char id[32];

	snprintf(id, sizeof(id), "%llu", (unsigned long long)nesting->inode);
	s.id = id;
	cs->row = NO_ROW;
	containers__sight(cs, &s);
	e = lookup(cs, &s, &key);
	if (!e)
		return NULL;
	e->c.init_pid = pid;
	e->c.pidns = nesting->inode;
	e->c.pidns_level = nesting->level;
	return &e->c;
}

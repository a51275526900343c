/* Which processes are traced, and which files they make us probe. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/discover.h"
#include "probe/explain.h"
#include "session/internal.h"
#include "symbols/mappings.h"
#include "symbols/module.h"
#include "trace/holder.h"
#include "trace/launch.h"
#include "trace/tracer.h"
#include "util/escape.h"
#include "util/hashmap.h"
#include "util/log.h"
#include "util/util.h"

#define LOOKS 4 /* at the mappings of a process whose libraries are coming */

static bool status_field(const char *text, const char *name, char *out, size_t cap)
{
	const char *p = strstr(text, name);
	size_t n;

	if (!p)
		return false;
	p += strlen(name);
	p += strspn(p, " \t");
	n = strcspn(p, "\n");
	if (n >= cap)
		n = cap - 1;
	memcpy(out, p, n);
	out[n] = '\0';
	return true;
}

/* The first bytes of the program: 64-bit ELF, or not for us. */
static int check_exe(uint32_t pid)
{
	unsigned char ident[6] = "";
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int err = -errno;

		if (err == -ENOENT)
			log__error("cannot trace %u: it is a kernel thread, which has no heap",
				   pid);
		else
			log__error("cannot read the program of %u: %s; run as root", pid,
				   strerror(-err));
		return err;
	}
	got = read(fd, ident, sizeof(ident));
	close(fd);
	if (got == sizeof(ident) && !memcmp(ident, "\177ELF", 4) && ident[4] == 1) {
		log__error(
		    "cannot trace %u: it is a 32-bit program; memtrace traces 64-bit programs",
		    pid);
		return -ENOEXEC;
	}
	return 0;
}

int session_targets__check(uint32_t pid)
{
	char path[64], value[64], *text;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	text = util__read_file(path, NULL);
	if (!text) {
		log__error("cannot trace %u: no such process", pid);
		return -ESRCH;
	}
	if (status_field(text, "\nState:", value, sizeof(value)) &&
	    (*value == 'Z' || *value == 'X')) {
		log__error("cannot trace %u: it has ended (a zombie)", pid);
		free(text);
		return -ESRCH;
	}
	if (status_field(text, "\nTgid:", value, sizeof(value)) &&
	    strtoul(value, NULL, 10) != pid) {
		log__error("cannot trace %u: it is a thread of process %s; use -p %s", pid, value,
			   value);
		free(text);
		return -EINVAL;
	}
	free(text);
	return check_exe(pid);
}

/* What an allocation function maps is the allocator's, even where its call is not seen. */
static void know_allocator(struct session *s, const struct probe_file *f)
{
	int err = 0;

	session__lock(s);
	for (size_t i = 0; i < f->n && !err; i++)
		err = collector__add_allocator(s->collector, f->module, f->sites[i].entry,
					       f->sites[i].entry + f->sites[i].size);
	session__unlock(s);
	if (err)
		log__warn("what allocators map may be told as the program's: %s", strerror(-err));
}

static struct probe_file *probes_of(struct session *s, struct module *mod)
{
	uint32_t id = module__id(mod);

	if (id >= s->nfiles) {
		size_t n = id + 64;
		struct probe_file **files = realloc(s->files, n * sizeof(*files));

		if (!files)
			return NULL;
		memset(files + s->nfiles, 0, (n - s->nfiles) * sizeof(*files));
		s->files = files;
		s->nfiles = n;
	}
	if (!s->files[id]) {
		s->files[id] = discover__file(mod, &s->plan->probes);
		if (s->files[id])
			know_allocator(s, s->files[id]);
		if (s->files[id] && s->plan->explain_probes && s->files[id]->n)
			explain__file(s->files[id], module__path(mod), stderr);
	}
	return s->files[id];
}

/* How the process's stacks are walked; where that fails, they are cut, and say so. */
static void describe(struct session *s, pid_t pid, const struct mappings *sp, uint32_t epoch)
{
	int err = tracer__update_process(s->tracer, pid, sp, epoch);

	if (err && err != -ENOSPC)
		log__debug("unwind tables of %d: %s", pid, strerror(-err));
}

static struct probe_file *probes_at(struct session *s, const struct mapping *m)
{
	struct module *mod = m->exec ? modules__get(s->modules, m->module) : NULL;

	return mod && module__fd(mod) >= 0 ? probes_of(s, mod) : NULL;
}

/* Before anything is attached: the files that an exception passes through may come before those
 * that throw. */
static void expect_exceptions(struct session *s, const struct mappings *sp)
{
	for (size_t i = 0; s->plan->query.heap && i < mappings__count(sp); i++) {
		const struct mapping *m = mappings__at(sp, i);
		struct probe_file *f = probes_at(s, m);
		int err = f && f->throws ? tracer__expect_exceptions(s->tracer) : 0;

		if (err && !s->told_of_exceptions) {
			log__info(
			    "C++ operator new of %s is %s: no exception can pass a probe here%s",
			    module__name(modules__get(s->modules, m->module)),
			    s->plan->probe_throwing ? "traced as asked" : "not traced",
			    s->plan->probe_throwing
				? ", and one would end the program"
				: " (--probe-throwing takes the risk; C programs do without)");
			s->told_of_exceptions = true;
		}
	}
}

int session_targets__refresh(void *session, struct mappings *sp, struct modules *modules)
{
	struct session *s = session;

	return mappings__refresh_as(sp, modules,
				    &(struct identifier){ identities__of, s->seen_by_collector });
}

/* Its functions are probed, its unwind table is there. */
static void know(struct session *s, const struct mapping *m, bool probed)
{
	if (probed)
		hashmap__set(s->probed, hashmap__mix(m->dev, m->ino), 1);
	tracer__know_file(s->tracer, m->dev, m->ino);
}

static void count_probes(struct session *s, const struct module *mod, int n)
{
	struct strbuf name = { 0 };

	s->probed_functions += (size_t)n;
	s->probed_files++;
	escape__plain(&name, module__path(mod));
	log__debug("probed %d functions in %s", n, name.data ? name.data : "");
	strbuf__free(&name);
}

/* One look at its mappings. *fresh: files were probed that had no probes before. */
static int scan_once(struct session *s, struct mappings *sp, pid_t pid, bool *fresh)
{
	uint32_t epoch = tracer__epoch(s->tracer, pid); /* before the maps are read */
	int err, files = 0;

	err = mappings__refresh_as(sp, s->modules,
				   &(struct identifier){ identities__of, s->seen_by_main });
	if (!err) {
		describe(s, pid, sp, epoch);
		expect_exceptions(s, sp);
	}
	for (size_t i = 0; !err && i < mappings__count(sp); i++) {
		const struct mapping *m = mappings__at(sp, i);
		struct probe_file *f = probes_at(s, m);
		struct module *mod;
		int n;

		if (!f)
			continue;
		files++;
		mod = modules__get(s->modules, m->module);
		n = tracer__attach(s->tracer, mod,
				   s->plan->query.heap
				       ? f
				       : &(struct probe_file){ .module = f->module,
							       .linker_notify = f->linker_notify },
				   s->per_file ? 0 : pid, fresh);
		if (n == -ESRCH)
			err = n;
		else if (n < 0)
			log__warn("cannot probe %s: %s", module__path(mod), strerror(-n));
		else if (n > 0)
			count_probes(s, mod, n);
		if (n >= 0)
			know(s, m, n > 0);
	}
	return err ? err : files;
}

/*
 * Until a dynamic loader is probed, it cannot tell of the libraries that it maps: those that came
 * between our look at the mappings and the probe are found by another look.
 */
int session_targets__scan(struct session *s, pid_t pid)
{
	struct mappings *sp = mappings__new(pid);
	bool fresh = true;
	int files = 0;

	if (!sp)
		return -errno;
	for (int looks = 0; looks < LOOKS && fresh && files >= 0; looks++) {
		fresh = false;
		files = scan_once(s, sp, pid, &fresh);
	}
	mappings__free(sp);
	return files;
}

static int add_target(struct session *s, pid_t pid)
{
	struct target *t = realloc(s->targets, (s->ntargets + 1) * sizeof(*t));

	if (!t)
		return -ENOMEM;
	s->targets = t;
	t[s->ntargets] = (struct target){ .pid = pid, .pidfd = syscall(SYS_pidfd_open, pid, 0) };
	if (t[s->ntargets].pidfd < 0)
		return -errno;
	s->ntargets++;
	return 0;
}

static int enroll(struct session *s, pid_t pid)
{
	int err;

	session__lock(s);
	err = collector__add_process(s->collector, pid);
	session__unlock(s);
	return err;
}

/* No function to probe in any file: which files, so that the user knows where we looked. */
static int complain_nothing_found(struct session *s, const char *who)
{
	struct strbuf sb = { 0 };
	size_t n = modules__count(s->modules), shown = 0;
	bool stripped = false;

	probe_report__complain(s);
	for (uint32_t i = 0; i < n; i++) {
		struct module *mod = modules__get(s->modules, i);

		if (!mod || module__fd(mod) < 0)
			continue;
		if (shown++)
			strbuf__adds(&sb, ", ");
		escape__plain(&sb, module__path(mod));
		if (i < s->nfiles && s->files[i] && s->files[i]->nameless) {
			strbuf__adds(&sb, " (stripped of all names)");
			stripped = true;
		}
	}
	log__error("no allocation function (malloc, operator new, …) found in %s; looked at: %s; "
		   "--probe 'FILE:%s(size=1)' names one, --kind map traces its mmap and brk calls",
		   who, shown ? sb.data : "no file that could be opened",
		   stripped ? "0xOFFSET" : "FUNCTION");
	strbuf__free(&sb);
	return -ENOENT;
}

int session_targets__open(struct session *s)
{
	char who[64];
	int err;

	for (size_t i = 0; i < s->plan->npids; i++) {
		pid_t pid = s->plan->pids[i];

		err = add_target(s, pid);
		if (!err)
			err = enroll(s, pid);
		if (!err)
			err = tracer__add_process(s->tracer, pid, TRACED_NO_MAPS);
		if (!err) {
			size_t before = s->probed_functions;

			err = session_targets__scan(s, pid);
			err = err < 0 ? err : 0;
			/* What it unmapped meanwhile went unseen. */
			tracer__set_flags(s->tracer, pid, TRACED_CODE_GONE);
			if (!err && s->plan->query.heap && s->probed_functions == before) {
				snprintf(who, sizeof(who), "process %d", pid);
				return complain_nothing_found(s, who);
			}
		}
		if (err) {
			log__error("cannot attach to %d: %s", pid,
				   err == -ESRCH ? "it has ended" : strerror(-err));
			return err;
		}
	}
	return 0;
}

/* Runs the command up to where its libraries are mapped, probing what comes. */
static int hold_until_probed(struct session *s, pid_t pid)
{
	int at_start = session_targets__scan(s, pid), now = at_start;

	/* The loader tells twice: before it maps the libraries, and after. */
	for (int i = 0; i < 2 && at_start > 1 && now == at_start; i++) {
		int err = launch__run_to_libraries(s->launch);

		if (err <= 0)
			return err;
		now = session_targets__scan(s, pid);
	}
	/* Its mappings are remembered while they can be read: it may end within a millisecond. */
	session__lock(s);
	collector__refresh_process(s->collector, pid);
	session__unlock(s);
	return now < 0 ? now : 0;
}

int session_targets__launch(struct session *s)
{
	const char *name = s->plan->command[0];
	pid_t pid;
	int err;

	s->launch = launch__new(s->plan->command, s->plan->user, &s->mask,
				s->files_limit_known ? &s->files_limit : NULL);
	if (!s->launch) {
		err = -errno;
		if (err == -ENOENT && s->plan->user)
			log__error("cannot run %s as %s: no such user", name, s->plan->user);
		else
			log__error("cannot start %s: %s", name, strerror(-err));
		return err;
	}
	pid = launch__pid(s->launch);
	err = add_target(s, pid);
	if (!err)
		err = tracer__add_process(s->tracer, pid, TRACED_HOLD);
	if (!err) {
		err = launch__exec(s->launch);
		if (err) {
			log__error("cannot run %s: %s", name, strerror(-err));
			return err;
		}
	}
	if (!err && (err = check_exe(pid)))
		return err;
	if (!err)
		err = enroll(s, pid);
	holder__spare(s->holder, pid);
	if (!err)
		err = hold_until_probed(s, pid);
	if (!err && s->plan->query.heap && !s->probed_functions)
		return complain_nothing_found(s, name);
	if (err && err != -ESRCH) {
		log__error("cannot trace %s: %s", name, strerror(-err));
		return err;
	}
	tracer__set_flags(s->tracer, pid, 0);
	launch__release(s->launch);
	return 0;
}

int session_targets__handle(struct session *s, const struct process_event *ev)
{
	int n = 0;

	switch (ev->type) {
	case EVENT_FORK:
		if (!s->plan->children) {
			n = tracer__release_child(s->tracer, ev->parent, ev->pid);
			break;
		}
		tracer__fork_process(s->tracer, ev->parent, ev->pid);
		session_groups__met(s, ev->pid);
		if (!s->per_file)
			n = session_targets__scan(s, ev->pid);
		break;
	case EVENT_CANDIDATE:
		session_groups__candidate(s, ev->pid);
		break;
	case EVENT_ENTER:
	case EVENT_EXEC:
	case EVENT_FILES:
	case EVENT_CODE:
		if (ev->type == EVENT_ENTER || ev->type == EVENT_EXEC)
			session_groups__met(s, ev->pid);
		if (ev->superseded && !ev->hold)
			break;
		n = session_targets__scan(s, ev->pid);
		/* At once: what is mapped now may be gone when the first stack through it is read.
		 */
		session__lock(s);
		collector__refresh_process(s->collector, ev->pid);
		session__unlock(s);
		break;
	case EVENT_EXIT:
		if (!ev->superseded || !s->per_file) /* or its pid has come again */
			tracer__bury_process(s->tracer, ev->pid);
		for (size_t i = 0; i < s->ntargets; i++)
			if ((uint32_t)s->targets[i].pid == ev->pid)
				s->targets[i].ended = true;
		break;
	}
	return n < 0 && n != -ESRCH ? n : 0;
}

bool session_targets__all_ended(struct session *s)
{
	for (size_t i = 0; i < s->ntargets; i++)
		if (!s->targets[i].ended)
			return false;
	return session_groups__all_ended(s);
}

void session_targets__free(struct session *s)
{
	for (size_t i = 0; i < s->ntargets; i++)
		if (s->targets[i].pidfd >= 0)
			close(s->targets[i].pidfd);
	free(s->targets);
	for (size_t i = 0; i < s->nfiles; i++)
		discover__free(s->files[i]);
	free(s->files);
}

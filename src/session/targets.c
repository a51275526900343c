/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manages the traced processes: attached to by process ID, launched, forked, ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/discover.h"
#include "session/identities.h"
#include "session/internal.h"
#include "session/rescans.h"
#include "session/signals.h"
#include "session/traced_files.h"
#include "session/translators.h"
#include "symbols/mappings.h"
#include "symbols/module.h"
#include "trace/holder.h"
#include "trace/launch.h"
#include "trace/tracer_ops.h"
#include "util/clock.h"
#include "util/escape.h"
#include "util/file.h"
#include "util/log.h"
#include "util/proc.h"

#define LOOKS 4 /* looks at the mappings of a process that is loading libraries */

/* Only 64-bit programs are traced. The file is not opened: a server of FUSE may never answer. */
static int check_exe(uint32_t pid)
{
	char path[64], target[8], why[128];

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	if (readlink(path, target, sizeof(target)) < 0) {
		int err = -errno;

		if (err == -ENOENT)
			log__error("cannot trace %u: it is a kernel thread, which has no heap",
				   pid);
		else
			log__error("cannot read the program of %u: %s; %s%s", pid, strerror(-err),
				   unreadable__why(unreadable__may_trace((pid_t)pid)
						       ? UNREADABLE_PRIVATE
						       : UNREADABLE_PROCESS,
						   why, sizeof(why)),
				   unreadable__remedy());
		return err;
	}
	if (proc__is_32bit(pid)) {
		log__error(
		    "cannot trace %u: it is a 32-bit program; memtrace traces 64-bit programs",
		    pid);
		return -ENOEXEC;
	}
	return 0;
}

/* A breakpoint in code that is translated would end the program. */
static int check_translator(uint32_t pid)
{
	const char *name = translators__of(pid);

	if (!name)
		return 0;
	log__error("cannot trace %u: it runs under %s, which would take probes for instructions of "
		   "the program and end it; trace a process that runs without",
		   pid, name);
	return -EOPNOTSUPP;
}

int session_targets__check(uint32_t pid)
{
	const char *state;
	char path[64], *text;
	uint64_t tgid = pid;
	bool ended;
	size_t len;
	int err;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	text = file__read(path, NULL);
	if (!text) {
		log__error("cannot trace %u: no such process", pid);
		return -ESRCH;
	}
	state = proc__status_field(text, "State", &len);
	ended = state && len && (*state == 'Z' || *state == 'X');
	proc__status_numbers(text, "Tgid", &tgid, 1);
	free(text);
	if (ended) {
		log__error("cannot trace %u: it has ended (a zombie)", pid);
		return -ESRCH;
	}
	if (tgid != pid) {
		log__error("cannot trace %u: it is a thread of process %llu; use -p %llu", pid,
			   (unsigned long long)tgid, (unsigned long long)tgid);
		return -EINVAL;
	}
	err = check_exe(pid);
	return err ? err : check_translator(pid);
}

int session_targets__refresh(void *session, struct mappings *maps, struct modules *modules)
{
	struct session *s = session;

	/* The end was reached: what is not known by now is not read for the records that are left.
	 */
	if (atomic_load(&s->stop_consuming) && pthread_equal(pthread_self(), s->consumer))
		return -ECANCELED;
	return mappings__refresh_as(
	    maps, modules, &(struct identifier){ session_identities__of, s->seen_by_collector });
}

/* Looks once at a process's mappings. *fresh: files were probed that had no probes before. */
static int scan_once(struct session *s, struct mappings *maps, pid_t pid, bool *fresh)
{
	uint32_t epoch = s->trace->begin_scan(s->tracer, pid);
	int err = mappings__refresh_as(
	    maps, s->modules, &(struct identifier){ session_identities__of, s->seen_by_main });

	return err ? err : traced_files__add_process(s->files, pid, maps, epoch, fresh);
}

/*
 * A dynamic loader reports the libraries that it maps only once it is probed: those mapped between
 * the look at the mappings and the probe are found by another look. *began: when the last one did.
 */
static int scan_into(struct session *s, pid_t pid, struct mappings *maps, uint64_t *began)
{
	bool fresh = true;
	int files = 0;

	for (int looks = 0; looks < LOOKS && fresh && files >= 0; looks++) {
		*began = clock__now_ns();
		fresh = false;
		files = scan_once(s, maps, pid, &fresh);
		rescans__took(s->rescans, (uint32_t)pid, *began, clock__now_ns());
	}
	if (unreadable__is_refusal(files))
		unreadable__process(s, pid);
	return files;
}

int session_targets__scan(struct session *s, pid_t pid)
{
	struct mappings *maps = mappings__new((uint32_t)pid);
	uint64_t began;
	int files;

	if (!maps)
		return -errno;
	files = scan_into(s, pid, maps, &began);
	mappings__free(maps);
	return files;
}

int session_targets__scan_and_keep(struct session *s, pid_t pid)
{
	struct mappings *maps = mappings__new((uint32_t)pid);
	uint64_t began;
	int files;

	if (!maps)
		return -errno;
	files = scan_into(s, pid, maps, &began);
	collector_lock__take(&s->lock);
	if (mappings__count(maps))
		collector__set_mappings(s->collector, (uint32_t)pid, maps, began);
	else
		mappings__free(maps);
	collector_lock__release(&s->lock);
	return files;
}

static int add_target(struct session *s, pid_t pid)
{
	struct target *t = reallocarray(s->targets, s->ntargets + 1, sizeof(*t));
	int fd;

	if (!t)
		return -ENOMEM;
	s->targets = t;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	t[s->ntargets++] = (struct target){ .pid = pid, .pidfd = fd };
	return 0;
}

static int add_to_collector(struct session *s, pid_t pid)
{
	int err;

	collector_lock__take(&s->lock);
	err = collector__add_process(s->collector, (uint32_t)pid);
	collector_lock__release(&s->lock);
	return err;
}

/* Lists the files that were searched, for the user. Returns whether one of them is stripped. */
static bool list_files(const struct session *s, struct strbuf *sb)
{
	const struct traced_file *f;
	bool nameless = false;
	size_t pos = 0;

	while ((f = traced_files__next(s->files, &pos))) {
		if (sb->len)
			strbuf__adds(sb, ", ");
		escape__plain(sb, module__path(f->module));
		if (f->probes->nameless)
			strbuf__adds(sb, " (stripped of all names)");
		nameless |= f->probes->nameless;
	}
	return nameless;
}

static int report_nothing_found(const struct session *s, const char *where)
{
	struct strbuf sb = { 0 };
	bool nameless = list_files(s, &sb);

	probe_report__log_missing(s);
	log__error("no allocation function (malloc, operator new, …) found in %s; searched: %s; "
		   "--probe 'FILE:%s(size=1)' names one, --kind map traces its mmap and brk calls",
		   where, sb.len ? sb.data : "no file that could be opened",
		   nameless ? "0xOFFSET" : "FUNCTION");
	strbuf__free(&sb);
	return -ENOENT;
}

/* Returns 0 or a negative errno; *found: functions are probed in it. */
static int attach_to(struct session *s, pid_t pid, bool *found)
{
	size_t before = traced_files__functions(s->files);
	int err = add_target(s, pid);

	if (!err)
		err = add_to_collector(s, pid);
	if (!err)
		err = s->trace->add_process(s->tracer, pid, TRACED_NO_MAPS);
	if (!err)
		err = session_targets__scan_and_keep(s, pid);
	*found = traced_files__functions(s->files) > before;
	if (err < 0)
		return err;
	/* Code that it unmapped meanwhile was not seen. */
	s->trace->change_flags(s->tracer, pid, TRACED_CODE_GONE, TRACED_NO_MAPS);
	return 0;
}

int session_targets__open(struct session *s)
{
	char where[64];

	for (size_t i = 0; i < s->plan->npids; i++) {
		pid_t pid = (pid_t)s->plan->pids[i];
		bool found = false;
		int err = attach_to(s, pid, &found);

		if (!err && s->plan->query.heap && !found) {
			snprintf(where, sizeof(where), "process %d", pid);
			return report_nothing_found(s, where);
		}
		if (err) {
			log__error("cannot attach to %d: %s", pid,
				   err == -ESRCH ? "it has ended" : strerror(-err));
			return err;
		}
	}
	return s->plan->children && s->plan->npids ? session_adopt__descendants(s) : 0;
}

/* Runs the command until its libraries are mapped, and probes new code. */
static int hold_until_probed(struct session *s, pid_t pid)
{
	int at_start = session_targets__scan(s, pid), now = at_start;

	/* The loader reports twice: before it maps the libraries, and after. */
	for (int i = 0; i < 2 && at_start > 1 && now == at_start; i++) {
		int err = launch__run_to_libraries(s->launch);

		if (err <= 0)
			return err;
		now = session_targets__scan(s, pid);
	}
	/* Keep its mappings while they can be read: it may end within a millisecond. */
	collector_lock__take(&s->lock);
	collector__refresh_process(s->collector, (uint32_t)pid);
	collector_lock__release(&s->lock);
	return now < 0 ? now : 0;
}

static int make_launch(struct session *s)
{
	const char *name = s->plan->command[0];
	int err;

	s->launch = launch__new(s->plan->command, s->plan->user, &s->mask,
				s->files_limit_known ? &s->files_limit : NULL);
	if (s->launch)
		return 0;
	err = -errno;
	if (err == -ENOENT && s->plan->user)
		log__error("cannot run %s as %s: no such user", name, s->plan->user);
	else
		log__error("cannot start %s: %s", name, strerror(-err));
	return err;
}

/* Runs up to the new program's first instruction. */
static int execute_command(struct session *s, pid_t pid)
{
	const char *name = s->plan->command[0];
	int err = add_target(s, pid);

	if (!err)
		err = s->trace->add_process(s->tracer, pid, TRACED_HOLD);
	if (err) {
		log__error("cannot trace %s: %s", name, strerror(-err));
		return err;
	}
	err = launch__exec(s->launch);
	if (err) {
		log__error("cannot run %s: %s", name, strerror(-err));
		return err;
	}
	return check_exe((uint32_t)pid);
}

int session_targets__launch(struct session *s)
{
	const char *name = s->plan->command[0];
	int err = make_launch(s);
	pid_t pid;

	if (err)
		return err;
	pid = launch__pid(s->launch);
	session_signals__command(s->signals, pid);
	err = execute_command(s, pid);
	if (err)
		return err;
	holder__spare(s->holder, pid);
	err = add_to_collector(s, pid);
	if (!err)
		err = hold_until_probed(s, pid);
	if (!err && s->plan->query.heap && !traced_files__functions(s->files))
		return report_nothing_found(s, name);
	if (err && err != -ESRCH) {
		log__error("cannot trace %s: %s", name, strerror(-err));
		return err;
	}
	/* It is stopped: no flag is set meanwhile. */
	s->trace->change_flags(s->tracer, pid, 0, UINT32_MAX);
	launch__release(s->launch);
	return 0;
}

/* Counts a process that ended before it was probed, unless its files are probed for all. */
static void count_missed(struct session *s, pid_t pid)
{
	if (s->per_file || s->last_missed == pid)
		return;
	atomic_fetch_add(&s->missed, 1);
	s->last_missed = pid;
}

/* Probes what a process has mapped. One that ended meanwhile has nothing mapped, or is gone. */
static int scan_new(struct session *s, pid_t pid, int (*scan)(struct session *, pid_t))
{
	int n = scan(s, pid);

	if (!n || n == -ESRCH)
		count_missed(s, pid);
	return n;
}

/* A process was first seen, or runs another program, or mapped other files. */
static int handle_new_code(struct session *s, const struct process_event *ev)
{
	if (ev->type == EVENT_ENTER || ev->type == EVENT_EXEC)
		session_groups__met(s, (pid_t)ev->pid);
	if (ev->superseded && !ev->hold) {
		if (ev->missed)
			count_missed(s, (pid_t)ev->pid);
		return 0;
	}
	if (rescans__covers(s->rescans, ev->pid, ev->time))
		return 0;
	if (ev->type == EVENT_EXEC) {
		rescans__forget(s->rescans, ev->pid);
		if (session_translated__left_alone(s, (pid_t)ev->pid))
			return 0;
		return scan_new(s, (pid_t)ev->pid, session_targets__scan_and_keep);
	}
	/* A held thread maps nothing more until it is let go. */
	if (!ev->hold && !rescans__may(s->rescans, ev->pid, clock__now_ns()))
		return 0;
	return session_targets__scan_and_keep(s, (pid_t)ev->pid);
}

void session_targets__look_again(struct session *s, uint64_t until)
{
	uint64_t now = clock__now_ns();
	uint32_t pid;
	int n;

	while (now < until && (pid = rescans__due(s->rescans, now))) {
		n = session_targets__scan_and_keep(s, (pid_t)pid);
		if (n < 0 && n != -ESRCH)
			log__warn("cannot attach to %u: %s", pid, strerror(-n));
		now = clock__now_ns();
	}
}

uint64_t session_targets__next_look(const struct session *s)
{
	return rescans__next(s->rescans);
}

static int handle_fork(struct session *s, const struct process_event *ev)
{
	pid_t parent = (pid_t)ev->parent, child = (pid_t)ev->pid;
	int n;

	if (!s->plan->children)
		return s->trace->release_child(s->tracer, parent, child);
	s->trace->fork_process(s->tracer, parent, child);
	session_groups__met(s, child);
	if (s->per_file)
		return 0;
	n = scan_new(s, child, session_targets__scan);
	if (n > 0)
		atomic_fetch_add(&s->late_children, 1);
	return n;
}

static void handle_exit(struct session *s, const struct process_event *ev)
{
	rescans__forget(s->rescans, ev->pid);
	if (!ev->superseded || !s->per_file) /* otherwise its process ID is in use again */
		s->trace->bury_process(s->tracer, (pid_t)ev->pid);
	for (size_t i = 0; i < s->ntargets; i++)
		if ((uint32_t)s->targets[i].pid == ev->pid)
			s->targets[i].ended = true;
}

int session_targets__handle(struct session *s, const struct process_event *ev)
{
	int n = 0;

	switch (ev->type) {
	case EVENT_FORK:
		n = handle_fork(s, ev);
		break;
	case EVENT_CANDIDATE:
		session_groups__candidate(s, (pid_t)ev->pid);
		break;
	case EVENT_TRANSLATED:
		session_translated__changed(s, (pid_t)ev->pid);
		break;
	case EVENT_ENTER:
	case EVENT_EXEC:
	case EVENT_FILES:
	case EVENT_CODE:
		n = handle_new_code(s, ev);
		break;
	case EVENT_EXIT:
		handle_exit(s, ev);
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
}

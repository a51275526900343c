/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaves processes alone whose code is translated. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "container/proc.h"
#include "session/internal.h"
#include "session/translators.h"
#include "trace/pause.h"
#include "trace/tracer_ops.h"
#include "util/array.h"
#include "util/log.h"

static void note_in_reports(struct session *s, pid_t pid, const char *translator)
{
	char what[64];

	snprintf(what, sizeof(what), "a program under %s", translator);
	collector_lock__take(&s->lock);
	collector__add_unprobed(s->collector, (uint32_t)pid, what);
	collector_lock__release(&s->lock);
}

/* Returns whether it is one of the last that this was asked about. */
static bool is_known(struct session *s, pid_t pid)
{
	for (size_t i = 0; i < s->nwarned && i < ARRAY_SIZE(s->warned); i++)
		if (s->warned[i] == pid)
			return true;
	s->warned[s->nwarned++ % ARRAY_SIZE(s->warned)] = pid;
	return false;
}

/* ---- probes of all processes ---- */

static size_t find_translated(const struct session *s, pid_t pid)
{
	size_t i = 0;

	while (i < s->ntranslated && s->translated[i] != pid)
		i++;
	return i;
}

static void forget(struct session *s, pid_t pid)
{
	size_t i = find_translated(s, pid);

	s->trace->translated(s->tracer, pid, false);
	if (i < s->ntranslated)
		s->translated[i] = s->translated[--s->ntranslated];
}

static int remember(struct session *s, pid_t pid)
{
	int err = s->trace->translated(s->tracer, pid, true);

	if (err || find_translated(s, pid) < s->ntranslated)
		return err;
	if (array__grow(&s->translated, &s->translated_cap, s->ntranslated + 1,
			sizeof(*s->translated)))
		return -ENOMEM;
	s->translated[s->ntranslated++] = pid;
	return 0;
}

static void announce(struct session *s, pid_t pid, const char *translator, int err)
{
	if (is_known(s, pid))
		return;
	if (err)
		log__warn("process %d runs under %s and maps files that are probed, and the probes "
			  "cannot be taken out of its memory: %s; %s takes a probe for an "
			  "instruction of the program, which may end it",
			  pid, translator, strerror(-err), translator);
	else
		log__info("process %d is not traced: it runs under %s, which would take probes for "
			  "instructions of the program and end it",
			  pid, translator);
}

/* Keeps probes out of its memory from now on. */
static void keep_clean(struct session *s, pid_t pid, const char *translator)
{
	int err = remember(s, pid);

	if (!err)
		err = s->trace->restore(s->tracer, pid);
	if (err == -ESRCH || err == -ENOENT) /* it has ended */
		forget(s, pid);
	else
		announce(s, pid, translator, err);
}

static void look_at_process(void *session, pid_t pid, char *cgroups, const char *comm)
{
	struct session *s = session;
	const char *translator = translators__of((uint32_t)pid);

	(void)cgroups, (void)comm;
	if (translator)
		keep_clean(s, pid, translator);
}

void session_translated__find(struct session *s)
{
	if (s->per_file)
		container_proc__each("/", look_at_process, s);
}

void session_translated__changed(struct session *s, pid_t pid)
{
	const char *translator = translators__of((uint32_t)pid);

	if (!translator) {
		forget(s, pid);
		return;
	}
	if (s->trace->traces(s->tracer, pid))
		note_in_reports(s, pid, translator);
	keep_clean(s, pid, translator);
}

/* A process ID may be another process's by now. */
static void forget_ended(struct session *s)
{
	for (size_t i = s->ntranslated; i-- > 0;)
		if (!translators__of((uint32_t)s->translated[i]))
			forget(s, s->translated[i]);
}

void session_translated__before_probes(void *session)
{
	struct session *s = session;

	forget_ended(s);
	if (!s->ntranslated)
		return;
	s->pause = pause__begin(s->translated, s->ntranslated);
	if (!s->pause)
		log__warn("cannot stop processes whose code is translated while files are probed: "
			  "%s",
			  strerror(errno));
}

void session_translated__after_probes(void *session)
{
	struct session *s = session;

	for (size_t i = 0; i < s->ntranslated; i++) {
		int err = s->trace->restore(s->tracer, s->translated[i]);

		if (err && err != -ESRCH && err != -ENOENT)
			log__warn("cannot take probes out of process %d, whose code is translated: "
				  "%s",
				  s->translated[i], strerror(-err));
	}
	pause__end(s->pause);
	s->pause = NULL;
}

/* ---- processes of the target ---- */

bool session_translated__left_alone(struct session *s, pid_t pid)
{
	const char *translator = translators__of((uint32_t)pid);

	if (!translator)
		return false;
	note_in_reports(s, pid, translator);
	if (s->per_file) {
		keep_clean(s, pid, translator);
		return false;
	}
	s->trace->drop_process(s->tracer, pid);
	announce(s, pid, translator, 0);
	return true;
}

void session_translated__outsider(struct session *s, pid_t pid)
{
	char path[64], exe[PATH_MAX] = "";
	const char *translator;

	/* They are looked at again and again: the executable's path has to do. */
	snprintf(path, sizeof(path), "/proc/%" PRId32 "/exe", pid);
	if (readlink(path, exe, sizeof(exe) - 1) < 0)
		return;
	translator = translators__named(exe, NULL);
	if (translator && find_translated(s, pid) == s->ntranslated)
		keep_clean(s, pid, translator);
}

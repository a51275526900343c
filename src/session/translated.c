/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaves processes alone whose code is translated, and names those that probes of files reach. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "session/internal.h"
#include "session/translators.h"
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

static void warn(pid_t pid, const char *translator)
{
	log__warn(
	    "process %d runs under %s and maps files that are probed: %s takes a probe for an "
	    "instruction of the program, which may end it",
	    pid, translator, translator);
}

bool session_translated__left_alone(struct session *s, pid_t pid)
{
	const char *translator = translators__of((uint32_t)pid);

	if (!translator)
		return false;
	note_in_reports(s, pid, translator);
	if (s->per_file) {
		if (!is_known(s, pid))
			warn(pid, translator);
		return false;
	}
	s->trace->drop_process(s->tracer, pid);
	if (!is_known(s, pid))
		log__info("process %d is not traced: it runs under %s, which would take probes for "
			  "instructions of the program and end it",
			  pid, translator);
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
	if (translator && !is_known(s, pid))
		warn(pid, translator);
}

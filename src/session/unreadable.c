/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may not be read: processes that this one may not trace, and mapped files that cannot be
 * opened. Each is noted with its process, which is then not judged, and reported once for each
 * capability that is missing.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <unistd.h>

#include "session/internal.h"
#include "session/traced_files.h"
#include "symbols/module.h"
#include "util/caps.h"
#include "util/log.h"
#include "util/strbuf.h"

/* What is said in reports, and what on standard error. */
static const struct {
	int caps[2]; /* the second is for users other than root */
	const char *code, *what, *so;
	const char *why; /* if it is no capability */
} needs[UNREADABLE_KINDS] = {
	[UNREADABLE_PROCESS] = { { CAP_SYS_PTRACE, CAP_SYS_PTRACE },
				 "code of processes that cannot be read",
				 "other processes' files",
				 "what they allocate is not traced" },
	[UNREADABLE_DELETED] = { { CAP_CHECKPOINT_RESTORE, CAP_DAC_READ_SEARCH },
				 "code of files that were deleted or replaced",
				 "mapped files that were deleted or replaced",
				 "their functions are neither named nor probed, and stacks end "
				 "there" },
	[UNREADABLE_PRIVATE] = { { CAP_DAC_READ_SEARCH, CAP_DAC_READ_SEARCH },
				 "code of files that cannot be read",
				 "mapped files",
				 "their functions are neither named nor probed, and stacks end "
				 "there" },
	[UNREADABLE_FUSE] = { .code = "code of files on FUSE",
			      .what = "mapped files on FUSE file systems",
			      .so = "their functions are neither named nor probed, and stacks end "
				    "there",
			      .why = "their servers may never answer; --read-fuse reads them" },
};

bool unreadable__is_refusal(int err)
{
	return err == -EPERM || err == -EACCES;
}

char *unreadable__why(enum unreadable_kind kind, char *buf, size_t size)
{
	const int *caps = needs[kind].caps;
	size_t n = geteuid() && caps[0] != caps[1] ? 2 : 1;

	if (needs[kind].why) {
		snprintf(buf, size, "%s", needs[kind].why);
		return buf;
	}
	return caps__explain(caps__effective(), caps, n, buf, size);
}

const char *unreadable__remedy(void)
{
	return geteuid() ? "; run as root, or with what is missing" : "";
}

static void note(struct session *s, pid_t pid, enum unreadable_kind kind)
{
	struct strbuf text = { 0 };
	char why[128];

	atomic_fetch_add(&s->unreadable[kind], 1);
	strbuf__addf(&text, "%s (%s)", needs[kind].code, unreadable__why(kind, why, sizeof(why)));
	collector_lock__take(&s->lock);
	if (text.data && !text.error)
		collector__add_unprobed(s->collector, (uint32_t)pid, text.data);
	collector_lock__release(&s->lock);
	strbuf__free(&text);
}

void unreadable__process(struct session *s, pid_t pid)
{
	note(s, pid, UNREADABLE_PROCESS);
}

/* The link to a program can be read by any process that may trace it, whatever file it names. */
bool unreadable__may_trace(pid_t pid)
{
	char path[64], target[8];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return readlink(path, target, sizeof(target)) >= 0 || !unreadable__is_refusal(-errno);
}

void unreadable__file(void *session, pid_t pid, const struct module *mod)
{
	note(session, pid,
	     module__error(mod) == -EREMOTE ? UNREADABLE_FUSE
	     : !unreadable__may_trace(pid)  ? UNREADABLE_PROCESS
	     : module__error(mod) == -EPERM ? UNREADABLE_DELETED
					    : UNREADABLE_PRIVATE);
}

size_t unreadable__processes(const struct session *s)
{
	return atomic_load(&s->unreadable[UNREADABLE_PROCESS]);
}

void unreadable__warn(struct session *s)
{
	char why[128];

	for (size_t i = 0; i < UNREADABLE_KINDS; i++) {
		if (!atomic_load(&s->unreadable[i]) || s->warned_of_unreadable[i])
			continue;
		s->warned_of_unreadable[i] = true;
		log__warn("cannot read %s: %s; %s", needs[i].what,
			  unreadable__why((enum unreadable_kind)i, why, sizeof(why)), needs[i].so);
	}
}

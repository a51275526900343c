/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manages the files that a session keeps open, and where it looks for debug files. */
#include <errno.h>
#include <string.h>

#include "session/internal.h"
#include "symbols/debuginfod.h"
#include "symbols/module.h"
#include "util/log.h"
#include "util/plural.h"

/* Each executable file that is mapped takes a descriptor, and each probe may take some. */
void open_files__raise_limit(struct session *s)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &s->files_limit) != 0)
		return;
	most = s->files_limit;
	most.rlim_cur = most.rlim_max;
	s->files_limit_known = true;
	if (setrlimit(RLIMIT_NOFILE, &most) != 0)
		log__debug("cannot raise the limit of open files: %s", strerror(errno));
}

int open_files__use_server(struct session *s)
{
	if (!s->plan->debuginfod)
		return 0;
	s->debuginfod = debuginfod__new(s->plan->debuginfod_s);
	if (s->debuginfod) {
		modules__use_server(s->modules, s->debuginfod);
		return 0;
	}
	if (errno == ELIBACC)
		log__error("--debuginfod: cannot load libdebuginfod.so.1; install libdebuginfod1");
	else if (errno == EDESTADDRREQ)
		log__error("--debuginfod: no server is configured; set DEBUGINFOD_URLS (sudo needs "
			   "--preserve-env=DEBUGINFOD_URLS)");
	else
		log__error("--debuginfod: %s", strerror(errno));
	return errno ? -errno : -EINVAL;
}

void open_files__log(struct session *s)
{
	struct debuginfod_stats asked = { 0 };
	struct modules_stats st;

	modules__stats(s->modules, &st);
	if (st.no_descriptor > s->unopened_files)
		log__warn("%zu file%s could not be kept open, so %s neither probed nor symbolized: "
			  "the limit of open files (ulimit -Hn) is too low",
			  st.no_descriptor, plural(st.no_descriptor),
			  st.no_descriptor == 1 ? "it is" : "they are");
	s->unopened_files = st.no_descriptor;
	if (s->debuginfod)
		debuginfod__stats(s->debuginfod, &asked);
	log__debug("files: %zu, open: %zu, given back: %zu, forgotten: %zu, root directories: %zu; "
		   "debuginfod "
		   "requests: %zu, found: %zu, failed: %zu",
		   st.files, st.open, st.given_back, st.forgotten, st.roots, asked.asked,
		   asked.found, asked.failed);
}

void open_files__free(struct session *s)
{
	debuginfod__free(s->debuginfod);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns the command line into a run. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "record/diff.h"
#include "record/replay.h"
#include "session/session.h"
#include "symbols/names_server.h"
#include "util/log.h"

static int carry_out(const struct options *o)
{
	switch (o->verb) {
	case VERB_REPORT:
		return replay__run(&o->plan, o->files[0]);
	case VERB_DIFF:
		return diff__run(&o->plan, o->files[0], o->files[1]);
	default:
		return session__run(&o->plan);
	}
}

/*
 * A standard descriptor that is closed would become that of the next file that is opened, and
 * messages would go into it. So it is opened, for reading: writing fails, as it would without. A
 * command gets it closed.
 */
static int reserve_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -errno : 0;
}

static void ignore_signal(int signal)
{
	(void)signal;
}

/* A write beyond the limit of a file's size then fails, and is reported. With a handler, because a
 * command would inherit that the signal is ignored. */
static void survive_size_limits(void)
{
	struct sigaction old, handle = { .sa_handler = ignore_signal, .sa_flags = SA_RESTART };

	if (sigaction(SIGXFSZ, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		sigaction(SIGXFSZ, &handle, NULL);
}

int main(int argc, char **argv)
{
	int status = reserve_standard_files();
	struct options o;

	if (status) {
		log__error("cannot open /dev/null: %s", strerror(-status));
		return 1;
	}
	if (argc == 2 && !strcmp(argv[1], NAMES_SERVER_ARGUMENT))
		return names_server__run(NAMES_SERVER_FD);
	survive_size_limits();
	status = options__parse(&o, argc, argv);
	if (status)
		return status > 0 ? 0 : 2;
	log__verbose(o.verbose);
	status = carry_out(&o);
	options__free(&o);
	return status;
}

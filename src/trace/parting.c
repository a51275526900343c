/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/parting.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Other threads may hold any lock: only system calls are made. */
static void hold_descriptors(int until, int go)
{
	char c;

	syscall(SYS_close, go);
	while (syscall(SYS_read, until, &c, sizeof(c)) < 0 && errno == EINTR)
		;
	syscall(SYS_exit_group, 0);
}

struct parting parting__begin(void)
{
	struct parting p = { .child = -1, .go = -1 };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return p;
	/* Without a signal at its end: only parting__end waits for it. */
	p.child = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (!p.child)
		hold_descriptors(ends[0], ends[1]);
	close(ends[0]);
	p.go = ends[1];
	return p;
}

void parting__end(struct parting *p)
{
	if (p->go >= 0)
		close(p->go);
	if (p->child > 0)
		while (waitpid(p->child, NULL, __WALL) < 0 && errno == EINTR)
			;
	p->child = p->go = -1;
}

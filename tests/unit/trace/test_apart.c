/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work that goes on when the process that asked for it is killed. */
#include "trace/apart.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static void open_file(void *fd)
{
	*(int *)fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
}

TEST(its_results_are_shared)
{
	int fd = -1;

	apart__run(open_file, &fd);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_EQ(close(fd), 0);
}

struct ends {
	int from[2], to[2]; /* pipes, from and to the work */
};

/* Reports that it works, waits for a word, and reports its end. */
static void work_slowly(void *arg)
{
	const struct ends *e = arg;
	char c;

	syscall(SYS_write, e->from[1], "b", (size_t)1);
	syscall(SYS_read, e->to[0], &c, (size_t)1);
	syscall(SYS_write, e->from[1], "e", (size_t)1);
}

/* Kills the process that had the work done while it waits for its word. */
static void kill_at_work(struct ends *e)
{
	int status = 0;
	char c = 0;
	pid_t pid = fork();

	if (pid == 0) {
		apart__run(work_slowly, e);
		_exit(1);
	}
	CHECK(pid > 0);
	CHECK_EQ(read(e->from[0], &c, 1), 1);
	CHECK_EQ(c, 'b');
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
}

TEST(it_goes_on_when_its_caller_is_killed)
{
	struct ends e;
	char c = 0;

	CHECK_EQ(pipe(e.from), 0);
	CHECK_EQ(pipe(e.to), 0);
	kill_at_work(&e);
	close(e.from[1]);
	close(e.to[0]);
	CHECK_EQ(write(e.to[1], "g", 1), 1);
	CHECK_EQ(read(e.from[0], &c, 1), 1);
	CHECK_EQ(c, 'e');
	/* Its own end closes what it has open. */
	CHECK_EQ(read(e.from[0], &c, 1), 0);
	close(e.from[0]);
	close(e.to[1]);
}

static void add_one(void *n)
{
	++*(int *)n;
}

static void *run_often(void *n)
{
	for (int i = 0; i < 200; i++)
		apart__run(add_one, n);
	return NULL;
}

TEST(threads_do_not_wait_for_each_other)
{
	pthread_t threads[4];
	int n[4] = { 0 };

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, run_often, &n[i]), 0);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
		CHECK_EQ(n[i], 200);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/process_name.h"

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>

#include "cli/options.h"
#include "scratch.h"
#include "test.h"

#define LONG "mt-unit-name-longer-than-a-comm"
#define CUT "mt-unit-name-lo"

static int pipe_of_all[2];

/* In the middle of exec, the executable is there already and the command line is not yet. */
static bool is_running(pid_t pid, const char *exe)
{
	char file[64], path[PATH_MAX] = "";
	int fd;

	snprintf(file, sizeof(file), "/proc/%d/exe", pid);
	if (readlink(file, path, sizeof(path) - 1) <= 0 || strcmp(path, exe))
		return false;
	snprintf(file, sizeof(file), "/proc/%d/cmdline", pid);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, path, sizeof(path)) <= 0)
		path[0] = 0;
	close(fd);
	return !strcmp(path, exe);
}

/* Starts a program of this name, which runs until its input ends. */
static pid_t start(const char *name, const char *argument)
{
	const char *exe = in_scratch(name);
	pid_t pid;

	MUST(access(exe, X_OK) == 0 || run("cp", "/bin/cat", exe, NULL));
	if (!pipe_of_all[1])
		MUST(pipe2(pipe_of_all, O_CLOEXEC) == 0);
	pid = fork();
	if (!pid) {
		dup2(pipe_of_all[0], 0);
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
		execl(exe, exe, "-", argument, NULL);
		_exit(127);
	}
	while (pid > 0 && !is_running(pid, exe))
		sched_yield();
	return pid;
}

static void let_end(void)
{
	close(pipe_of_all[1]);
	close(pipe_of_all[0]);
	pipe_of_all[1] = 0;
}

/* Who has the name: the only one; 0: there is none; -1: several. */
static int64_t owner(const char *name)
{
	struct named_processes found;
	int64_t pid;

	CHECK_EQ(process_name__find(name, &found), 0);
	pid = found.n > 1 ? -1 : found.n ? (int64_t)found.list[0].pid : 0;
	process_name__free(&found);
	return pid;
}

TEST(a_unique_name)
{
	pid_t one = start("mt-unit-a", NULL), two = start(LONG, NULL);

	CHECK_EQ(owner("mt-unit-a"), one);
	CHECK_EQ(owner(LONG), two);
	CHECK_EQ(owner(CUT), two); /* what the kernel cut off */
	CHECK_EQ(owner("mt-unit"), 0);
	CHECK_EQ(owner("mt-unit-ab"), 0);
	CHECK_EQ(owner(CUT "n"), 0);
	CHECK_EQ(owner(""), 0);
	MUST(unlink(in_scratch("mt-unit-a")) == 0);
	CHECK_EQ(owner("mt-unit-a"), one); /* "(deleted)" */
	let_end();
	MUST(wait_for(one) && wait_for(two));
	CHECK_EQ(owner("mt-unit-a"), 0);
}

/* The executable has another name than the process. */
TEST(a_comm)
{
	pid_t script;

	write_bytes(in_scratch("mt-unit-script"), "#!/bin/sh\nread x\n", 17);
	MUST(chmod(in_scratch("mt-unit-script"), 0755) == 0);
	MUST(pipe2(pipe_of_all, O_CLOEXEC) == 0);
	script = fork();
	if (!script) {
		dup2(pipe_of_all[0], 0);
		execl(in_scratch("mt-unit-script"), "x", NULL);
		_exit(127);
	}
	while (!owner("mt-unit-script"))
		sched_yield();
	CHECK_EQ(owner("mt-unit-script"), script);
	let_end();
	MUST(waitpid(script, NULL, 0) == script);
}

TEST(several_have_it)
{
	pid_t one = start("mt-unit-b", "x\033y"), two = start("mt-unit-b", NULL);
	const struct passwd *me = getpwuid(getuid());
	struct named_processes found;
	struct strbuf sb = { 0 };
	char line[PATH_MAX];

	CHECK_EQ(process_name__find("mt-unit-b", &found), 0);
	CHECK_EQ(found.n, 2);
	MUST(found.n == 2 && found.list[0].pid < found.list[1].pid);
	process_name__describe(&sb, &found.list[one > two]);
	snprintf(line, sizeof(line), "%7d  %-10s  %s - x\\x1by", one, me ? me->pw_name : "?",
		 in_scratch("mt-unit-b"));
	CHECK_STR(sb.data, line);
	strbuf__free(&sb);
	process_name__free(&found);
	let_end();
	while (waitpid(-1, NULL, 0) > 0)
		;
}

TEST(a_long_command_line_is_cut)
{
	char command[2001];
	struct strbuf sb = { 0 };

	memset(command, 'x', sizeof(command) - 1);
	command[sizeof(command) - 1] = '\0';
	process_name__describe(&sb, &(struct named_process){ 7, 0xfffffff0, command });
	CHECK(sb.len < 200);
	CHECK(strstr(sb.data, "      7  4294967280  xxx") == sb.data);
	strbuf__free(&sb);
}

TEST(one_that_has_ended_has_no_name)
{
	pid_t pid = start("mt-unit-c", NULL);

	let_end();
	MUST(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT) == 0);
	CHECK_EQ(owner("mt-unit-c"), 0);
	MUST(waitpid(pid, NULL, 0) == pid);
}

TEST(the_option)
{
	char *named[] = { (char *)"memtrace", (char *)"-p", (char *)"7,mt-unit-d,8", NULL };
	char *recorded[] = {
		(char *)"memtrace", (char *)"record", (char *)"-p", (char *)"mt-unit-d",
		(char *)"-o",	    (char *)"x",      NULL
	};
	pid_t one = start("mt-unit-d", NULL);
	struct options o;

	CHECK_EQ(options__parse(&o, 3, named), 0);
	CHECK_EQ(o.plan.npids, 3);
	CHECK_EQ(o.plan.pids[1], one);
	options__free(&o);
	CHECK_EQ(options__parse(&o, 6, recorded), 0);
	CHECK_EQ(o.plan.pids[0], one);
	options__free(&o);
	let_end();
	MUST(wait_for(one));
}

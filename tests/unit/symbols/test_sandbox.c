/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the names process may not do. */
#include "clients.h"

static void open_a_file(void)
{
	if (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		_exit(1);
}

static void make_a_socket(void)
{
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
		_exit(1);
}

static void execute(void)
{
	execl("/bin/true", "true", NULL);
}

static void map_code(void)
{
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
		_exit(1);
}

static void write_to_a_descriptor(void)
{
	if (write(STDERR_FILENO, "x", 1))
		_exit(1);
}

static void fork_itself(void)
{
	if (fork() >= 0)
		_exit(1);
}

static void signal_another(void)
{
	kill(getppid(), 0);
}

static void use_memory(void)
{
	free(calloc(1, 1 << 20));
	_exit(7);
}

static int end_of(void (*act)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		if (sandbox__enter(&(struct sandbox_limits){ .files = 16 }))
			_exit(2);
		act();
		_exit(3);
	}
	waitpid(pid, &status, 0);
	return status;
}

TEST(forbidden_calls_end_the_process)
{
	static void (*const always[])(void) = { make_a_socket, execute };
	static void (*const without_sanitizers[])(void) = {
		open_a_file, map_code, write_to_a_descriptor, fork_itself, signal_another,
	};
	int status = end_of(use_memory);

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	for (size_t i = 0; i < 2; i++) {
		status = end_of(always[i]);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	for (size_t i = 0; i < 5; i++) {
		status = end_of(without_sanitizers[i]);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
#else
	(void)without_sanitizers;
#endif
}

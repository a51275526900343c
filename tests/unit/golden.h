/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compares what a test made with tests/golden/NAME, and shows the difference as `diff -u` does.
 * UPDATE_GOLDEN=1 in the environment writes the files instead: read the change before committing
 * it.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

struct text {
	char *data;
	size_t len;
};

__attribute__((unused)) static void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}

/* An unlinked file that holds `data`, at its start. */
static int scratch_file(const void *data, size_t len)
{
	char path[] = "/tmp/memtrace-test.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0) {
		perror("mkostemp");
		abort();
	}
	unlink(path);
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0)
			abort();
		data = (const char *)data + n;
		len -= (size_t)n;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static struct text read_back(int fd)
{
	struct text t = { 0 };
	off_t size = lseek(fd, 0, SEEK_END);

	t.data = calloc(1, (size_t)size + 1);
	t.len = (size_t)pread(fd, t.data, (size_t)size, 0);
	return t;
}

/*
 * Runs a program with `input` as its standard input, which it may also open as /dev/stdin, and
 * collects what it says on standard output and error. Returns its status, 127 where it is not
 * installed.
 */
__attribute__((unused)) static int run(const char *const argv[], const void *input, size_t len,
				       struct text *said)
{
	int in = scratch_file(input, len), out = scratch_file("", 0), status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(in, 0);
		dup2(out, 1);
		dup2(out, 2);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	*said = read_back(out);
	close(in);
	close(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Prints text as comment lines of a test. */
__attribute__((unused)) static void explain(const char *s)
{
	for (const char *end; *s; s = end + (*end == '\n')) {
		end = strchrnul(s, '\n');
		printf("#   %.*s\n", (int)(end - s), s);
	}
}

__attribute__((unused)) static void check_golden(const char *name, const void *data, size_t len)
{
	char path[256];
	struct text difference;
	FILE *f;

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	if (getenv("UPDATE_GOLDEN")) {
		f = fopen(path, "we");
		CHECK(f && fwrite(data, 1, len, f) == len);
		if (f)
			fclose(f);
		return;
	}
	const char *const diff[] = { "diff",   "-u", "--label", path, "--label",
				     "actual", path, "-",	NULL };
	if (run(diff, data, len, &difference)) {
		printf("# %s differs:\n", path);
		explain(difference.data);
		test_failures++;
	}
	text_free(&difference);
}

#endif

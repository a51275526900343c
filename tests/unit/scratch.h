/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory of its own for a test that compiles little programs, removed when the test ends. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char scratch_root[PATH_MAX];

static int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void scratch_remove(void)
{
	nftw(scratch_root, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of a file in the directory; one of eight buffers in turn. */
static inline const char *in_scratch(const char *name)
{
	static char path[8][PATH_MAX + 256];
	static unsigned int turn;
	const char *tmp = getenv("TMPDIR");

	if (!scratch_root[0]) {
		snprintf(scratch_root, sizeof(scratch_root), "%s/memtrace-test-XXXXXX",
			 tmp ? tmp : "/tmp");
		if (!mkdtemp(scratch_root)) {
			perror(scratch_root);
			exit(1);
		}
		atexit(scratch_remove);
	}
	turn = (turn + 1) % 8;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", scratch_root, name);
	return path[turn];
}

static inline bool wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Runs a program found in PATH, the arguments ending in NULL. True if it succeeded. */
static inline bool run(const char *program, ...)
{
	char *argv[32] = { (char *)(uintptr_t)program };
	va_list ap;
	pid_t pid;

	va_start(ap, program);
	for (int n = 1; n < 31 && (argv[n] = va_arg(ap, char *)); n++)
		;
	va_end(ap);
	return posix_spawnp(&pid, program, NULL, NULL, argv, environ) == 0 && wait_for(pid);
}

/* The same with its input from one file and its output to another. */
static inline bool run_filter(const char *in, const char *out, const char *program, ...)
{
	char *argv[32] = { (char *)(uintptr_t)program };
	posix_spawn_file_actions_t files;
	va_list ap;
	pid_t pid;
	int err;

	va_start(ap, program);
	for (int n = 1; n < 31 && (argv[n] = va_arg(ap, char *)); n++)
		;
	va_end(ap);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, in, O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	err = posix_spawnp(&pid, program, &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	return err == 0 && wait_for(pid);
}

/* What a test cannot go on without. */
#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);                        \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* Whether a program is found in PATH. */
static inline bool have(const char *program)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];

	for (const char *end; path; path = *end ? end + 1 : NULL) {
		end = strchrnul(path, ':');
		snprintf(file, sizeof(file), "%.*s/%s", (int)(end - path), path, program);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

static inline void write_bytes(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "we");

	if (!f || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

/* Writes a source file and returns its path. */
static inline const char *write_source(const char *name, const char *text)
{
	const char *path = in_scratch(name);

	write_bytes(path, text, strlen(text));
	return path;
}

static inline uint8_t *read_bytes(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	uint8_t *bytes = NULL;
	struct stat st;

	*len = 0;
	if (f && fstat(fileno(f), &st) == 0) {
		bytes = malloc((size_t)st.st_size + 1);
		*len = fread(bytes, 1, (size_t)st.st_size, f);
	}
	if (f)
		fclose(f);
	return bytes;
}

/* The same numbers in every run. */
static inline uint32_t random_number(uint64_t *state)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(*state >> 33);
}

#endif

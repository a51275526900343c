/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/process_name.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/escape.h"
#include "util/file.h"
#include "util/parse.h"
#include "util/proc.h"

#define COMM_BYTES 15	 /* that the kernel keeps of a name */
#define COMMAND_SHOWN 96 /* bytes of a command line */

static char *read_file_of(uint32_t pid, const char *name, size_t *len)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/%s", pid, name);
	return file__read(path, len);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_executable(uint32_t pid, const char *name)
{
	static const char deleted[] = " (deleted)";
	char path[64], exe[4096];
	size_t tail = sizeof(deleted) - 1;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/exe", pid);
	len = readlink(path, exe, sizeof(exe) - 1);
	if (len <= 0)
		return false;
	exe[len] = '\0';
	if ((size_t)len > tail && !strcmp(exe + len - tail, deleted))
		exe[(size_t)len - tail] = '\0';
	return !strcmp(base_name(exe), name);
}

/* Whether an argument is the name, or a path that ends with it. */
static bool is_argument(const char *command, size_t len, const char *name)
{
	for (size_t at = 0; command && at < len; at += strlen(command + at) + 1) {
		if (!strcmp(base_name(command + at), name))
			return true;
	}
	return false;
}

static bool is_named(uint32_t pid, const char *comm, const char *command, size_t len,
		     const char *name)
{
	if (!strcmp(comm, name) || is_executable(pid, name))
		return true;
	return strlen(comm) == COMM_BYTES && strlen(name) > COMM_BYTES &&
	       !strncmp(comm, name, COMM_BYTES) && is_argument(command, len, name);
}

/* Kernel threads and zombies have no memory of their own. */
static bool has_memory(const char *status)
{
	size_t len;

	return proc__status_field(status, "VmSize", &len);
}

static int add(struct named_processes *out, uint32_t pid, uint32_t uid, const char *command)
{
	struct named_process *more = reallocarray(out->list, out->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	out->list = more;
	more[out->n] = (struct named_process){ pid, uid, strdup(command) };
	return more[out->n++].command ? 0 : -ENOMEM;
}

static void join_arguments(char *command, size_t len)
{
	while (len && !command[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		command[i] = command[i] ? command[i] : ' ';
}

static int look_at(struct named_processes *out, uint32_t pid, const char *name)
{
	size_t len = 0, comm_len = 0;
	char *comm = read_file_of(pid, "comm", &comm_len);
	char *status = read_file_of(pid, "status", NULL);
	char *command = read_file_of(pid, "cmdline", &len);
	uint64_t uid = 0;
	int err = 0;

	if (comm_len && comm[comm_len - 1] == '\n')
		comm[comm_len - 1] = '\0';
	if (!comm || !status || !has_memory(status) || !is_named(pid, comm, command, len, name))
		goto out;
	proc__status_numbers(status, "Uid", &uid, 1);
	if (command)
		join_arguments(command, len);
	err = add(out, pid, (uint32_t)uid, command && *command ? command : comm);
out:
	free(comm);
	free(status);
	free(command);
	return err;
}

static int by_pid(const void *a, const void *b)
{
	const struct named_process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int process_name__find(const char *name, struct named_processes *out)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	int err = 0;

	*out = (struct named_processes){ 0 };
	if (!dir)
		return -errno;
	while (!err && (errno = 0, e = readdir(dir))) {
		uint64_t pid;

		if (!parse__u64(e->d_name, &pid) && pid != (uint64_t)getpid())
			err = look_at(out, (uint32_t)pid, name);
	}
	if (!err && errno)
		err = -errno;
	closedir(dir);
	if (out->n)
		qsort(out->list, out->n, sizeof(*out->list), by_pid);
	return err;
}

void process_name__free(struct named_processes *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i].command);
	free(p->list);
	*p = (struct named_processes){ 0 };
}

void process_name__describe(struct strbuf *sb, const struct named_process *p)
{
	const struct passwd *user = getpwuid(p->uid);
	size_t len = strlen(p->command);
	char id[16], command[COMMAND_SHOWN + 1];

	snprintf(id, sizeof(id), "%" PRIu32, p->uid);
	snprintf(command, sizeof(command), "%s", p->command);
	strbuf__addf(sb, "%7" PRIu32 "  %-10s  ", p->pid, user ? user->pw_name : id);
	escape__plain(sb, command);
	if (len > COMMAND_SHOWN)
		strbuf__adds(sb, "…");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary files of container runtimes, and arbitrary processes that claim to be their daemons,
 * under libFuzzer. The input is a text of several files: a line "=X" begins file X of the table,
 * and what comes before the first such line is the container that is looked for.
 */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "container/containers.h"

#define ID(digit) digit digit digit digit digit digit digit digit
#define A64 ID("aaaaaaaa")
#define B64 ID("bbbbbbbb")
#define C64 ID("cccccccc")
#define TASK "run/containerd/io.containerd.runtime.v2.task/k8s.io/" B64

static const char *const files[] = {
	"proc/100/cgroup",
	"proc/100/status",
	"proc/100/comm",
	"proc/200/cmdline",
	"proc/200/environ",
	"proc/300/cmdline",
	"etc/docker/daemon.json",
	"etc/passwd",
	"var/lib/docker/containers/" A64 "/config.v2.json",
	TASK "/init.pid",
	TASK "/config.json",
	"var/lib/containers/storage/overlay-containers/containers.json",
	"var/lib/containers/storage/overlay-containers/" C64 "/userdata/config.json",
	"run/containers/storage/overlay-containers/" C64 "/userdata/pidfile",
	"run/runc/c1/state.json",
	"run/crun/c2/status",
	"run/systemd/machines/m1",
};
#define FILES (sizeof(files) / sizeof(*files))

static char tree[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(void)
{
	nftw(tree, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Its directories are made. */
static void write_file(const char *name, const void *bytes, size_t len)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", tree, name);
	for (char *p = path + strlen(tree) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		require(mkdir(path, 0700) == 0 || errno == EEXIST);
		*p = '/';
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	require(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
}

static void write_process(int pid, const char *comm, const char *cwd)
{
	char name[64], path[160], root[64];

	snprintf(name, sizeof(name), "proc/%d/comm", pid);
	write_file(name, comm, strlen(comm));
	snprintf(name, sizeof(name), "proc/%d/cgroup", pid);
	write_file(name, "0::/\n", 5);
	snprintf(name, sizeof(name), "proc/%d/status", pid);
	write_file(name, "NSpid:\t1\n", 9);
	snprintf(name, sizeof(name), "proc/%d/ns/x", pid);
	write_file(name, "", 0);
	snprintf(root, sizeof(root), "pid:[%d]", pid / 100);
	snprintf(path, sizeof(path), "%s/proc/%d/ns/pid", tree, pid);
	require(symlink(root, path) == 0);
	snprintf(path, sizeof(path), "%s/proc/%d/root", tree, pid);
	require(symlink(tree, path) == 0);
	snprintf(path, sizeof(path), "%s/proc/%d/cwd", tree, pid);
	require(symlink(cwd, path) == 0);
}

static void make_tree(void)
{
	snprintf(tree, sizeof(tree), "/dev/shm/memtrace-fuzz-XXXXXX");
	require(mkdtemp(tree) != NULL);
	atexit(remove_tree);
	write_process(100, "app", "/");
	write_process(200, "dockerd", "/");
	write_process(300, "conmon", "/");
	write_process(400, "containerd-shim", "/" TASK);
	for (size_t i = 0; i < FILES; i++)
		write_file(files[i], "", 0);
}

/* Writes the files that the text has, and empties the others. Returns what is looked for. */
static char *write_input(const char *text, size_t size)
{
	static bool full[FILES];
	bool had[FILES] = { 0 };
	const char *end = text + size, *at = text, *next;
	char *wanted = NULL;

	for (size_t file = FILES; at <= end; at = next + 3) {
		for (next = at; next < end; next++)
			if (end - next > 2 && (next == text || next[-1] == '\n') &&
			    next[0] == '=' && next[2] == '\n')
				break;
		if (file < FILES)
			write_file(files[file], at, (size_t)(next - at));
		else if (!wanted)
			wanted = as_string((const uint8_t *)at, (size_t)(next - at));
		if (file < FILES)
			had[file] = true;
		if (next == end)
			break;
		file = (size_t)((unsigned char)next[1] - 'A');
	}
	for (size_t i = 0; i < FILES; i++) {
		if (full[i] && !had[i])
			write_file(files[i], "", 0);
		full[i] = had[i];
	}
	return wanted ? wanted : strdup("");
}

static void check(const struct container *c)
{
	read_through(c->runtime);
	read_through(c->name);
	read_through(c->pod);
	read_through(c->namespace);
	require(c->id && c->display);
	read_through(c->id);
	read_through(c->display);
	require(c->ncgroups <= CONTAINER_CGROUPS);
	for (size_t i = 0; i < c->ncgroups; i++) {
		read_through(c->cgroups[i].controllers);
		read_through(c->cgroups[i].path);
	}
}

static void find(struct containers *cs, const char *wanted)
{
	const struct container *c, **candidates;
	size_t n;

	if (containers__find(cs, wanted, &c, &candidates, &n) == 0) {
		check(c);
		return;
	}
	for (size_t i = 0; i < n; i++)
		check(candidates[i]);
	free(candidates);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct container *c;
	struct containers *cs;
	char *wanted;

	if (!tree[0])
		make_tree();
	wanted = write_input((const char *)data, size);
	wanted[strcspn(wanted, "\n")] = '\0';
	cs = containers__new(tree);
	require(cs != NULL);
	containers__refresh(cs);
	for (size_t i = 0; i < containers__count(cs); i++)
		check(containers__at(cs, i));
	find(cs, wanted);
	find(cs, "pid:100");
	c = containers__of_process(cs, 100);
	if (c)
		check(c);
	c = containers__of_cgroup(cs, wanted);
	if (c)
		check(c);
	containers__free(cs);
	free(wanted);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"
#include "util/parse.h"
#include "util/proc.h"

/* ---- processes ---- */

/* Returns the part before "/proc". */
static const char *before_proc(const char *root)
{
	return root[1] ? root : "";
}

static char *read_proc(const char *root, pid_t pid, const char *name, size_t *len)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/proc/%d/%s", before_proc(root), pid, name);
	return file__read(path, len);
}

char *container_proc__cgroups(const char *root, pid_t pid)
{
	return read_proc(root, pid, "cgroup", NULL);
}

int container_proc__nesting(const char *root, pid_t pid, struct nesting *out)
{
	char path[PATH_BYTES], link[64] = "", *text;
	uint64_t pids[PROC_NSPID_MAX];
	unsigned long long inode;
	ssize_t len;
	size_t n;

	*out = (struct nesting){ 0 };
	snprintf(path, sizeof(path), "%s/proc/%d/ns/pid", before_proc(root), pid);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0 || sscanf(link, "pid:[%llu]", &inode) != 1)
		return -ESRCH;
	out->inode = inode;
	text = read_proc(root, pid, "status", NULL);
	n = text ? proc__status_numbers(text, "NSpid", pids, PROC_NSPID_MAX) : 0;
	free(text);
	if (!n || n > PROC_NSPID_MAX)
		return -ESRCH;
	out->innermost = (pid_t)pids[n - 1];
	out->level = (uint32_t)n - 1;
	return 0;
}

int container_proc__open_pidns(const char *root, pid_t pid)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/proc/%d/ns/pid", before_proc(root), pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool container_proc__in_pidns(const char *root, pid_t pid, uint64_t inode)
{
	int fd = container_proc__open_pidns(root, pid), parent;
	bool found = false;
	struct stat st;

	/* Goes up to our own, which has no parent that we may see. */
	while (fd >= 0 && !found) {
		found = fstat(fd, &st) == 0 && st.st_ino == inode;
		parent = found ? -1 : ioctl(fd, NS_GET_PARENT);
		close(fd);
		fd = parent;
	}
	return found;
}

void container_proc__each(const char *root,
			  void (*see)(void *ctx, pid_t pid, char *cgroups, const char *comm),
			  void *ctx)
{
	char path[PATH_BYTES];
	const char *name;
	uint64_t pid;
	DIR *d;

	snprintf(path, sizeof(path), "%s/proc", before_proc(root));
	d = opendir(path);
	while (d && (name = runtime_files__next_name(d))) {
		char *cgroups, *comm;

		if (parse__u64(name, &pid) || pid > INT32_MAX)
			continue;
		cgroups = read_proc(root, (pid_t)pid, "cgroup", NULL);
		comm = read_proc(root, (pid_t)pid, "comm", NULL);
		if (cgroups && comm)
			see(ctx, (pid_t)pid, cgroups, comm);
		free(cgroups);
		free(comm);
	}
	if (d)
		closedir(d);
}

/* ---- how a daemon was started ---- */

void container_proc__root(const char *root, pid_t pid, char out[PATH_BYTES])
{
	snprintf(out, PATH_BYTES, "%s/proc/%d/root", before_proc(root), pid);
}

bool container_proc__directory(const char *root, pid_t pid, char out[PATH_BYTES])
{
	char path[PATH_BYTES], link[PATH_BYTES], own_root[PATH_BYTES];
	ssize_t len, root_len;

	snprintf(path, sizeof(path), "%s/proc/%d/cwd", before_proc(root), pid);
	len = readlink(path, link, sizeof(link) - 1);
	container_proc__root(root, pid, path);
	root_len = readlink(path, own_root, sizeof(own_root) - 1);
	if (len <= 0 || root_len <= 0)
		return false;
	link[len] = own_root[root_len] = '\0';
	/* The kernel shows the link as we see it: a root directory of its own is removed again. */
	if (own_root[1] && !strncmp(link, own_root, (size_t)root_len) && link[root_len] == '/')
		snprintf(out, PATH_BYTES, "%s", link + root_len);
	else
		snprintf(out, PATH_BYTES, "%s", link);
	return true;
}

/* Finds the value after `name` and `sep`, or, if sep is a NUL byte, in the string that follows. */
static bool find_value(const char *text, size_t len, const char *name, char sep,
		       char out[PATH_BYTES])
{
	size_t name_len = strlen(name);

	for (const char *s = text; s < text + len; s += strlen(s) + 1) {
		if (strncmp(s, name, name_len) || s[name_len] != sep)
			continue;
		s += name_len + 1;
		if (s >= text + len || snprintf(out, PATH_BYTES, "%s", s) >= PATH_BYTES)
			return false;
		return *out != '\0';
	}
	return false;
}

bool container_proc__argument(const char *root, pid_t pid, const char *name, char out[PATH_BYTES])
{
	size_t len;
	char *text = read_proc(root, pid, "cmdline", &len);
	bool found = text && (find_value(text, len, name, '=', out) ||
			      find_value(text, len, name, '\0', out));

	free(text);
	return found;
}

bool container_proc__variable(const char *root, pid_t pid, const char *name, char out[PATH_BYTES])
{
	size_t len;
	char *text = read_proc(root, pid, "environ", &len);
	bool found = text && find_value(text, len, name, '=', out);

	free(text);
	return found;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cgroup's id is the inode number of its directory, and its level is the number of steps up to
 * the directory with inode 1, the root of every kernfs. So this needs only a descriptor of the
 * directory that "/" in /proc/PID/cgroup stands for.
 *
 * There are many misleading mounts of the hierarchies: over one another, of subtrees, hidden in
 * other mount namespaces. So the kernel makes a mount just for us (fsopen, fsmount), always of the
 * right tree; our own mounts are searched only if that is not permitted. Both show the tree from
 * our cgroup namespace. In a nested one, the way up ends too early; it continues through the mounts
 * of process 1, where the same directory is opened again by its handle.
 */
#include "container/cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util/array.h"
#include "util/file.h"

#define ROOT_INODE 1
#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* ---- lines of /proc/PID/cgroup ---- */

bool cgroups__next_line(char **text, struct cgroup_line *line)
{
	while (**text) {
		char *start = *text, *end = start + strcspn(start, "\n"), *controllers, *path;

		*text = *end ? end + 1 : end;
		*end = '\0';
		controllers = strchr(start, ':');
		path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path || path[1] != '/' || !strncmp(controllers + 1, "name=", 5))
			continue;
		*path = '\0';
		*line = (struct cgroup_line){ .controllers = controllers + 1, .path = path + 1 };
		return true;
	}
	return false;
}

/* Returns whether a comma-separated list has a word. */
static bool has_word(const char *list, const char *word, size_t len)
{
	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",") == len && !strncmp(list, word, len))
			return true;
	return false;
}

/* ---- the directory of a hierarchy's root ---- */

/*
 * Makes a mount that is not attached anywhere and ends with its descriptor. Controllers that share
 * a hierarchy must be named together; those of a line of /proc/PID/cgroup have a hierarchy already,
 * so none is created.
 */
static int mount_hierarchy(const char *controllers)
{
	int fs = (int)syscall(SYS_fsopen, *controllers ? "cgroup" : "cgroup2", FSOPEN_CLOEXEC);
	int fd = -1, err = 0;
	char *words = strdup(controllers), *at = words, *word;

	if (fs < 0 || !words)
		err = -errno;
	while (!err && (word = strsep(&at, ",")))
		if (*word && syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, word, NULL, 0) != 0)
			err = -errno;
	if (!err && syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
		err = -errno;
	if (!err) {
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
		err = fd < 0 ? -errno : 0;
	}
	if (!err) {
		int root = openat(fd, ".", OPEN_DIRECTORY);

		err = root < 0 ? -errno : root;
		close(fd);
	}
	if (fs >= 0)
		close(fs);
	free(words);
	return err;
}

/* One line of mountinfo. */
struct mount {
	dev_t dev;
	char *root, *point, *type, *options;
};

static bool parse_mount(char *line, struct mount *m)
{
	char *before = line, *after = strstr(line, " - ");
	unsigned int major, minor;
	char *field[5];

	if (!after)
		return false;
	*after = '\0';
	after += 3;
	for (int i = 0; i < 5; i++) {
		field[i] = strsep(&before, " ");
		if (!field[i])
			return false;
	}
	if (sscanf(field[2], "%u:%u", &major, &minor) != 2)
		return false;
	m->dev = makedev(major, minor);
	m->root = field[3];
	m->point = field[4];
	m->type = strsep(&after, " ");
	strsep(&after, " ");
	m->options = after;
	return m->type && m->options;
}

static bool is_mount_of(const struct mount *m, const char *controllers)
{
	if (!*controllers)
		return !strcmp(m->type, "cgroup2");
	return !strcmp(m->type, "cgroup") &&
	       has_word(m->options, controllers, strcspn(controllers, ","));
}

/* Opens the mount point of a line, unless another mount covers it. Escapes (\040) are not decoded:
 * hierarchies are not mounted where they would be needed. */
static int open_mount(const char *root, const struct mount *m)
{
	char path[4096];
	struct stat st;
	int fd;

	if (snprintf(path, sizeof(path), "%s%s", root, m->point) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, OPEN_DIRECTORY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_dev == m->dev)
		return fd;
	close(fd);
	return -ENOENT;
}

static bool is_hierarchy_root(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_ino == ROOT_INODE;
}

/*
 * Finds a hierarchy among the mounts of a process: the part that "/" stands for, or all of it.
 * (Roots of mounts are shown as seen from our cgroup namespace: the true one may be called
 * "/../..".)
 */
static int find_mount(const char *process, const char *controllers, bool whole)
{
	char path[64], *text, *at, *line;
	struct mount m;
	int fd = -ENOENT;

	snprintf(path, sizeof(path), "/proc/%s/mountinfo", process);
	text = file__read(path, NULL);
	if (!text)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%s/root", process);
	for (at = text; fd < 0 && (line = strsep(&at, "\n"));) {
		if (!parse_mount(line, &m) || !is_mount_of(&m, controllers) ||
		    (!whole && m.root[1]))
			continue;
		fd = open_mount(path, &m);
		if (whole && fd >= 0 && !is_hierarchy_root(fd)) {
			close(fd);
			fd = -ENOENT;
		}
	}
	free(text);
	return fd;
}

/* Opens the same directory through another mount of its file system. */
static int open_through(int mount, int fd)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} h = { .handle.handle_bytes = MAX_HANDLE_SZ };
	int mount_id, again;

	if (name_to_handle_at(fd, "", &h.handle, &mount_id, AT_EMPTY_PATH) != 0)
		return -errno;
	again = open_by_handle_at(mount, &h.handle, OPEN_DIRECTORY);
	return again < 0 ? -errno : again;
}

/* Opens the directory that "/" in our /proc/PID/cgroup stands for, on a mount that has the way up
 * from there. */
static int open_root(const char *controllers)
{
	int fd = mount_hierarchy(controllers), whole, again;

	if (fd < 0)
		fd = find_mount("self", controllers, false);
	if (fd < 0 || is_hierarchy_root(fd))
		return fd;
	whole = find_mount("1", controllers, true);
	if (whole < 0)
		return fd;
	again = open_through(whole, fd);
	close(whole);
	if (again < 0)
		return fd;
	close(fd);
	return again;
}

/* ---- a directory's id and level ---- */

/* Returns -EXDEV if the mount, at whose top ".." leads out or nowhere, does not reach up to the
 * root. */
static int count_levels(int fd, uint32_t *level)
{
	struct stat st, below;
	int at = openat(fd, ".", OPEN_DIRECTORY), up, err = 0;

	*level = 0;
	if (at < 0)
		return -errno;
	if (fstat(at, &st) != 0)
		err = -errno;
	for (; !err && st.st_ino != ROOT_INODE; ++*level) {
		below = st;
		up = openat(at, "..", OPEN_DIRECTORY);
		close(at);
		at = up;
		if (at < 0 || fstat(at, &st) != 0)
			err = -errno;
		else if (st.st_dev != below.st_dev || st.st_ino == below.st_ino)
			err = -EXDEV;
	}
	if (at >= 0)
		close(at);
	return err;
}

static void name_controller(const char *controllers, struct cgroup *out)
{
	if (has_word(controllers, "memory", strlen("memory")))
		controllers = "memory";
	snprintf(out->controller, sizeof(out->controller), "%.*s", (int)strcspn(controllers, ","),
		 controllers);
}

/* `root` has the way up; `fd` may be on another mount. */
static int describe_cgroup(int root, int fd, const char *controllers, struct cgroup *out)
{
	struct stat st;
	int err, again;

	if (fstat(fd, &st) != 0)
		return -errno;
	out->id = st.st_ino;
	name_controller(controllers, out);
	err = count_levels(fd, &out->level);
	if (err != -EXDEV)
		return err;
	again = open_through(root, fd);
	if (again < 0)
		return again;
	err = count_levels(again, &out->level);
	close(again);
	return err;
}

int cgroups__lookup(const struct cgroup_line *line, struct cgroup *out)
{
	int root = open_root(line->controllers), fd, err;

	if (root < 0)
		return root == -ENOENT ? -ENODEV : root;
	fd = openat(root, line->path[1] ? line->path + 1 : ".", OPEN_DIRECTORY);
	err = fd < 0 ? -errno : describe_cgroup(root, fd, line->controllers, out);
	if (fd >= 0)
		close(fd);
	close(root);
	return err;
}

int cgroups__open(const struct cgroup_line *line)
{
	int root = open_root(line->controllers), fd;

	if (root < 0)
		return root;
	fd = openat(root, line->path[1] ? line->path + 1 : ".", OPEN_DIRECTORY);
	if (fd < 0)
		fd = -errno;
	close(root);
	return fd;
}

/* ---- cgroups that a user named ---- */

/* Finds the hierarchy of a directory among those that we are in, which are all. */
static int resolve_directory(int fd, struct cgroup *out)
{
	char *text = file__read("/proc/self/cgroup", NULL), *at = text;
	struct cgroup_line line;
	struct stat st, root_st;
	int err = -EOPNOTSUPP;

	if (!text)
		return -errno;
	if (fstat(fd, &st) != 0)
		err = -errno;
	while (err == -EOPNOTSUPP && cgroups__next_line(&at, &line)) {
		int root = open_root(line.controllers);

		if (root < 0)
			continue;
		if (fstat(root, &root_st) == 0 && root_st.st_dev == st.st_dev)
			err = describe_cgroup(root, fd, line.controllers, out);
		close(root);
	}
	free(text);
	return err;
}

/* Resolves a path as in /proc/PID/cgroup: in the v2 hierarchy, otherwise in that of memory. */
static int resolve_path(const char *path, struct cgroup *out)
{
	static const char *const hierarchies[] = { "", "memory" };
	int err = -ENODEV, looked;

	for (size_t i = 0; i < ARRAY_SIZE(hierarchies) && err; i++) {
		looked = cgroups__lookup(&(struct cgroup_line){ hierarchies[i], path }, out);
		if (looked != -ENODEV)
			err = looked ? -ENOENT : 0;
	}
	return err;
}

int cgroups__resolve(const char *path, struct cgroup *out)
{
	struct statfs fs;
	int fd = open(path, OPEN_DIRECTORY), err;

	if (fd < 0 && errno == ENOENT && path[0] == '/' && path[1])
		return resolve_path(path, out);
	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs) != 0)
		err = -errno;
	else if (fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC)
		err = -EINVAL;
	else
		err = resolve_directory(fd, out);
	close(fd);
	return err;
}

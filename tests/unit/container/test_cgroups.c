/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cgroups: the lines that name them, and this machine's own, as far as this user may look. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/cgroups.h"
#include "util/array.h"
#include "util/file.h"
#include "test.h"

static const char *lines(const char *text)
{
	static char out[1024];
	char *copy = strdup(text), *at = copy;
	struct cgroup_line line;

	out[0] = '\0';
	while (cgroups__next_line(&at, &line))
		snprintf(out + strlen(out), sizeof(out) - strlen(out), "[%s|%s]", line.controllers,
			 line.path);
	free(copy);
	return out;
}

TEST(lines_of_proc_pid_cgroup_are_parsed)
{
	CHECK_STR(lines("0::/\n"), "[|/]");
	CHECK_STR(lines("0::/a/b"), "[|/a/b]");
	CHECK_STR(lines("4:memory:/m\n3:cpu,cpuacct:/c\n1:name=systemd:/s\n0::/u\n"),
		  "[memory|/m][cpu,cpuacct|/c][|/u]");
	CHECK_STR(lines("2:pids:/with:colons:in it\n"), "[pids|/with:colons:in it]");
	CHECK_STR(lines("0::/../outside\n"), "[|/../outside]");
	CHECK_STR(lines(""), "");
	CHECK_STR(lines("\n\n:\n::\nx\n0:/\n0::\n0::relative\n0::/\n"), "[|/]");
}

TEST(our_own_cgroups_are_looked_up)
{
	char *text = file__read("/proc/self/cgroup", NULL), *at = text;
	struct cgroup_line line;
	struct cgroup c, root;
	int checked = 0;

	if (!text)
		SKIP("there is no /proc/self/cgroup");
	while (cgroups__next_line(&at, &line)) {
		if (cgroups__lookup(&line, &c))
			continue;
		checked++;
		CHECK(c.id != 0);
		CHECK_EQ(c.level == 0, c.id == 1);
		CHECK_EQ(cgroups__lookup(&(struct cgroup_line){ line.controllers, "/" }, &root), 0);
		CHECK_STR(root.controller, c.controller);
		CHECK(root.level <= c.level);
		CHECK_EQ(cgroups__lookup(&(struct cgroup_line){ line.controllers, "/no such one" },
					 &root),
			 -ENOENT);
		if (strstr(line.controllers, "memory"))
			CHECK_STR(c.controller, "memory");
		else
			CHECK(!strncmp(c.controller, line.controllers, strlen(c.controller)));
	}
	free(text);
	if (!checked)
		SKIP("no hierarchy can be looked at here");
}

TEST(ids_and_levels_are_those_of_the_directories)
{
	static const char *const tops[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/memory",
					    "/sys/fs/cgroup/unified" };
	struct cgroup c;
	int checked = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tops); i++) {
		struct stat st;

		if (cgroups__resolve(tops[i], &c))
			continue;
		checked++;
		CHECK_EQ(stat(tops[i], &st), 0);
		CHECK_EQ(c.id, st.st_ino);
		CHECK_EQ(c.level == 0, c.id == 1);
	}
	if (!checked)
		SKIP("no hierarchy is mounted below /sys/fs/cgroup");
}

TEST(what_is_not_a_cgroup_is_refused)
{
	struct cgroup c;

	CHECK_EQ(cgroups__resolve("/etc", &c), -EINVAL);
	CHECK_EQ(cgroups__resolve("/", &c), -EINVAL);
	CHECK_EQ(cgroups__resolve("/etc/passwd", &c), -ENOTDIR);
	CHECK_EQ(cgroups__resolve("/no such/cgroup", &c), -ENOENT);
	CHECK_EQ(cgroups__resolve("relative", &c), -ENOENT);
	CHECK_EQ(cgroups__resolve("", &c), -ENOENT);
}

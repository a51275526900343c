/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trees of files as the container runtimes leave them, and processes in /proc, in a directory of
 * the test. */
#ifndef TREES_H
#define TREES_H

#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/containers.h"
#include "container/runtime_files.h"
#include "scratch.h"
#include "test.h"

#define A64 "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90"
#define B64 "a1b2ffffe5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90"
#define C64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define D64 "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

/* ---- trees ---- */

static char tree[PATH_MAX];

static inline void new_tree(void)
{
	static int n;
	char name[32];

	snprintf(name, sizeof(name), "tree%d", n++);
	snprintf(tree, sizeof(tree), "%s", in_scratch(name));
	MUST(mkdir(tree, 0700) == 0);
}

/* A path in the tree; its directories are made. */
static inline const char *in_tree(const char *path)
{
	static char full[2 * PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", tree, path);
	for (char *p = full + strlen(tree) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		MUST(mkdir(full, 0700) == 0 || errno == EEXIST);
		*p = '/';
	}
	return full;
}

static inline void put(const char *path, const char *text)
{
	write_bytes(in_tree(path), text, strlen(text));
}

__attribute__((format(printf, 3, 4))) static void putf(const char *path, const char *name,
						       const char *fmt, ...)
{
	char full[PATH_MAX], text[16384];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(full, sizeof(full), "%s%s", path, name);
	put(full, text);
}

/* A process: `nspid` has its numbers in its PID namespaces, of which `ns` is the innermost. */
static inline void process(int pid, const char *comm, const char *cgroups, const char *nspid,
			   unsigned int ns)
{
	char dir[64], link[32];

	snprintf(dir, sizeof(dir), "proc/%d/", pid);
	putf(dir, "comm", "%s\n", comm);
	putf(dir, "cgroup", "%s", cgroups);
	putf(dir, "status", "Name:\t%s\nPid:\t%d\nNSpid:\t%s\nNSpgid:\t1\n", comm, pid, nspid);
	snprintf(link, sizeof(link), "pid:[%u]", ns);
	strcat(dir, "ns/pid");
	MUST(symlink(link, in_tree(dir)) == 0);
}

/* Its arguments, each ended by '|', and its working directory; its root is the tree. */
static inline void arguments(int pid, const char *args, const char *cwd)
{
	char path[64], *text = strdup(args);
	size_t len = strlen(text);

	for (char *p = text; (p = strchr(p, '|')); p++)
		*p = '\0';
	snprintf(path, sizeof(path), "proc/%d/cmdline", pid);
	write_bytes(in_tree(path), text, len);
	snprintf(path, sizeof(path), "proc/%d/root", pid);
	MUST(symlink(tree, in_tree(path)) == 0);
	snprintf(path, sizeof(path), "proc/%d/cwd", pid);
	MUST(symlink(cwd, in_tree(path)) == 0);
	free(text);
}

static inline struct containers *look(void)
{
	struct containers *cs = containers__new(tree);

	MUST(cs);
	CHECK_EQ(containers__refresh(cs), 0);
	return cs;
}

/* The display name of the container that is found, or the error and the candidates. */
static inline const char *find(struct containers *cs, const char *wanted)
{
	static char text[4096];
	const struct container *found, **candidates;
	size_t n;
	int err = containers__find(cs, wanted, &found, &candidates, &n);

	if (!err) {
		CHECK(!candidates);
		snprintf(text, sizeof(text), "%s", found->display);
		return text;
	}
	CHECK(!found);
	snprintf(text, sizeof(text), "%s", strerrorname_np(-err));
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
			 candidates[i]->display);
	free(candidates);
	return text;
}

static inline const struct container *found(struct containers *cs, const char *wanted)
{
	const struct container *c;
	int err = containers__find(cs, wanted, &c, NULL, NULL);

	if (err)
		printf("# %s: %s\n", wanted, strerror(-err));
	MUST(!err);
	return c;
}

static inline void docker(const char *data_root, const char *id, const char *name, int pid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/containers/%s/", data_root, id);
	putf(path, "config.v2.json",
	     "{\"State\":{\"Running\":%s,\"Pid\":%d},\"ID\":\"%s\",\"Name\":\"%s\",\"Config\":{"
	     "\"Labels\":{}}}",
	     pid ? "true" : "false", pid, id, name);
}

static inline void podman(const char *graph, const char *run, const char *id, const char *name,
			  int pid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/overlay-containers/", graph);
	putf(path, "containers.json",
	     "[{\"id\":\"%s\",\"names\":[\"%s\"],\"metadata\":\"{}\"},{\"id\":5},7,{\"names\":[]}]",
	     id, name);
	if (!pid)
		return;
	snprintf(path, sizeof(path), "%s/overlay-containers/%s/userdata/", run, id);
	putf(path, "pidfile", "%d", pid);
}

#endif

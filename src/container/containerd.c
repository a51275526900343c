/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * containerd has a directory for each task, STATE/io.containerd.runtime.v2.task/NAMESPACE/ID, with
 * the process ID of its first process and its OCI configuration, where Kubernetes and nerdctl leave
 * names. Its shims run in such directories, which lead to the state directories of k3s, docker and
 * others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container/json_file.h"
#include "container/labels.h"
#include "container/proc.h"
#include "container/runtimes.h"
#include "container/scan.h"

#define TASKS "io.containerd.runtime.v2.task"

static void read_task(struct scan *scan, const char *root, const char *dir, const char *namespace,
		      const char *id)
{
	struct sighting s = { .runtime = "containerd", .id = id, .namespace = namespace };
	struct json_object *o = NULL;
	char path[PATH_BYTES];

	if (snprintf(path, sizeof(path), "%s/%s/%s/init.pid", dir, namespace, id) >=
	    (int)sizeof(path))
		return;
	s.pid = runtime_files__read_pid(root, path);
	/* docker keeps its names elsewhere. */
	if (!strcmp(namespace, "moby")) {
		s.runtime = "docker";
		s.namespace = NULL;
	} else if (scan__knows_name(scan, id)) {
		s.namespace = NULL;
	} else {
		snprintf(path, sizeof(path), "%s/%s/%s/config.json", dir, namespace, id);
		o = json_file__read(root, path, CONFIG_FILE);
		labels__read(json_file__member(o, "annotations"), &s);
		s.hint = json_file__string(json_file__member(o, "linux"), "cgroupsPath");
	}
	scan__sight(scan, &s);
	json_file__free(o);
}

static void look_below_tasks(struct scan *scan, const char *root, const char *tasks)
{
	DIR *namespaces = scan__visit(scan, root, tasks), *d;
	const char *namespace, *id;
	char path[PATH_BYTES];

	while (namespaces && (namespace = runtime_files__next_name(namespaces))) {
		if (snprintf(path, sizeof(path), "%s/%s", tasks, namespace) >= (int)sizeof(path))
			continue;
		d = scan__visit(scan, root, path);
		while (d && (id = runtime_files__next_name(d)))
			read_task(scan, root, tasks, namespace, id);
		if (d)
			closedir(d);
	}
	if (namespaces)
		closedir(namespaces);
}

static void look_for_containerd(struct scan *scan)
{
	char root[PATH_BYTES], dir[PATH_BYTES], *end;

	look_below_tasks(scan, scan__root(scan), "/run/containerd/" TASKS);
	for (pid_t pid = 0; (pid = scan__next_daemon(scan, pid));) {
		if (!container_proc__directory(scan__root(scan), pid, dir))
			continue;
		/* Up from ID and NAMESPACE. */
		end = strstr(dir, "/" TASKS "/");
		if (!end)
			continue;
		end[1 + strlen(TASKS)] = '\0';
		scan__enter_daemon(scan, pid, root);
		look_below_tasks(scan, root, dir);
	}
}

const struct runtime runtime_containerd = {
	.name = "containerd",
	.daemon = "containerd-shim",
	.words = { { "cri-containerd", "containerd" }, { "nerdctl", "containerd" } },
	.look = look_for_containerd,
};

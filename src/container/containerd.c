/*
 * containerd has a directory for each task, STATE/io.containerd.runtime.v2.task/NAMESPACE/ID, with
 * the pid of its first process and its OCI configuration, where Kubernetes and nerdctl leave names.
 * Its shims run in such directories, so that those of k3s, of docker and of others with a state
 * directory of their own are found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container/internal.h"

#define TASKS "io.containerd.runtime.v2.task"

static void look_at(struct containers *cs, const char *root, const char *dir, const char *space,
		    const char *id)
{
	struct sighting s = { .runtime = "containerd", .id = id, .space = space };
	struct json_object *o = NULL;
	char path[PATH_BYTES];

	if (snprintf(path, sizeof(path), "%s/%s/%s/init.pid", dir, space, id) >= (int)sizeof(path))
		return;
	s.pid = containers__read_pid(root, path);
	/* docker's names are not here. */
	if (!strcmp(space, "moby")) {
		s.runtime = "docker";
		s.space = NULL;
	} else if (containers__named(cs, id)) {
		s.space = NULL;
	} else {
		snprintf(path, sizeof(path), "%s/%s/%s/config.json", dir, space, id);
		o = containers__read_json(root, path, CONFIG_FILE);
		containers__read_labels(containers__member(o, "annotations"), &s);
		s.hint = containers__string(containers__member(o, "linux"), "cgroupsPath");
	}
	containers__sight(cs, &s);
	containers__free_json(o);
}

static void look_below(struct containers *cs, const char *root, const char *tasks)
{
	DIR *spaces = containers__visit(cs, root, tasks), *d;
	const char *space, *id;
	char path[PATH_BYTES];

	while (spaces && (space = containers__next_name(spaces))) {
		if (snprintf(path, sizeof(path), "%s/%s", tasks, space) >= (int)sizeof(path))
			continue;
		d = containers__visit(cs, root, path);
		while (d && (id = containers__next_name(d)))
			look_at(cs, root, tasks, space, id);
		if (d)
			closedir(d);
	}
	if (spaces)
		closedir(spaces);
}

void containers__look_containerd(struct containers *cs)
{
	char root[PATH_BYTES], dir[PATH_BYTES], *end;

	look_below(cs, containers__root(cs), "/run/containerd/" TASKS);
	for (pid_t pid = 0; (pid = containers__next_helper(cs, "containerd-shim", pid));) {
		if (!containers__directory(cs, pid, dir))
			continue;
		/* Up from ID and NAMESPACE. */
		end = strstr(dir, "/" TASKS "/");
		if (!end)
			continue;
		end[1 + strlen(TASKS)] = '\0';
		containers__ask_helper(cs, pid, root);
		look_below(cs, root, dir);
	}
}

/*
 * runc and crun keep one file for each container that they run, below /run or a user's directory
 * there. What runs them (docker, podman, containerd) has other names for the same ids, and its rows
 * come first.
 */
#include <stdio.h>
#include <string.h>

#include "container/internal.h"

/* The row's name is that of its directory. */
static void look_at_runc(struct containers *cs, const char *id, struct json_object *o)
{
	struct json_object *paths = containers__member(o, "cgroup_paths");
	struct sighting s = { .runtime = "runc", .id = id };
	size_t pos = 0;

	s.pid = containers__pid(o, "init_process_pid");
	containers__sight(cs, &s);
	while ((s.hint = containers__next_string(paths, &pos)))
		containers__sight(cs, &s);
}

static void look_at_crun(struct containers *cs, const char *id, struct json_object *o)
{
	struct sighting s = { .runtime = "crun", .id = id };

	s.pid = containers__pid(o, "pid");
	s.hint = containers__string(o, "cgroup-path");
	containers__sight(cs, &s);
}

static void look_below(struct containers *cs, const char *dir, const char *file,
		       void (*look_at)(struct containers *, const char *, struct json_object *))
{
	const char *root = containers__root(cs), *id;
	DIR *d = containers__visit(cs, root, dir);
	char path[PATH_BYTES];

	while (d && (id = containers__next_name(d))) {
		struct json_object *o;

		if (snprintf(path, sizeof(path), "%s/%s/%s", dir, id, file) >= (int)sizeof(path))
			continue;
		o = containers__read_json(root, path, CONFIG_FILE);
		if (o)
			look_at(cs, id, o);
		containers__free_json(o);
	}
	if (d)
		closedir(d);
}

static void look(struct containers *cs, const char *runtime, const char *file,
		 void (*look_at)(struct containers *, const char *, struct json_object *))
{
	DIR *users = containers__open_directory(containers__root(cs), "/run/user");
	char path[PATH_BYTES];
	const char *uid;

	snprintf(path, sizeof(path), "/run/%s", runtime);
	look_below(cs, path, file, look_at);
	while (users && (uid = containers__next_name(users))) {
		snprintf(path, sizeof(path), "/run/user/%s/%s", uid, runtime);
		look_below(cs, path, file, look_at);
	}
	if (users)
		closedir(users);
}

void containers__look_runc(struct containers *cs)
{
	look(cs, "runc", "state.json", look_at_runc);
}

void containers__look_crun(struct containers *cs)
{
	look(cs, "crun", "status", look_at_crun);
}

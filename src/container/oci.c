/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * runc and crun keep one file for each container that they run, below /run or a user's directory
 * there. The programs that call them (docker, podman, containerd) have better names for the same
 * ids, and their rows come first.
 */
#include <stdio.h>
#include <string.h>

#include "container/json_file.h"
#include "container/runtimes.h"
#include "container/scan.h"

static void read_runc_state(struct scan *scan, const char *id, struct json_object *o)
{
	struct json_object *paths = json_file__member(o, "cgroup_paths");
	struct sighting s = { .runtime = "runc", .id = id };
	size_t pos = 0;

	s.pid = json_file__pid(o, "init_process_pid");
	scan__sight(scan, &s);
	while ((s.hint = json_file__next_string(paths, &pos)))
		scan__sight(scan, &s);
}

static void read_crun_status(struct scan *scan, const char *id, struct json_object *o)
{
	struct sighting s = { .runtime = "crun", .id = id };

	s.pid = json_file__pid(o, "pid");
	s.hint = json_file__string(o, "cgroup-path");
	scan__sight(scan, &s);
}

static void look_below_run(struct scan *scan, const char *dir, const char *file,
			   void (*read_state)(struct scan *, const char *, struct json_object *))
{
	const char *root = scan__root(scan), *id;
	DIR *d = scan__visit(scan, root, dir);
	char path[PATH_BYTES];

	while (d && (id = runtime_files__next_name(d))) {
		struct json_object *o;

		if (snprintf(path, sizeof(path), "%s/%s/%s", dir, id, file) >= (int)sizeof(path))
			continue;
		o = json_file__read(root, path, CONFIG_FILE);
		if (o)
			read_state(scan, id, o);
		json_file__free(o);
	}
	if (d)
		closedir(d);
}

static void look_for_oci(struct scan *scan, const char *runtime, const char *file,
			 void (*read_state)(struct scan *, const char *, struct json_object *))
{
	DIR *users = runtime_files__open_directory(scan__root(scan), "/run/user");
	char path[PATH_BYTES];
	const char *uid;

	snprintf(path, sizeof(path), "/run/%s", runtime);
	look_below_run(scan, path, file, read_state);
	while (users && (uid = runtime_files__next_name(users))) {
		snprintf(path, sizeof(path), "/run/user/%s/%s", uid, runtime);
		look_below_run(scan, path, file, read_state);
	}
	if (users)
		closedir(users);
}

static void look_for_runc(struct scan *scan)
{
	look_for_oci(scan, "runc", "state.json", read_runc_state);
}

static void look_for_crun(struct scan *scan)
{
	look_for_oci(scan, "crun", "status", read_crun_status);
}

const struct runtime runtime_runc = { .name = "runc", .look = look_for_runc };
const struct runtime runtime_crun = { .name = "crun", .look = look_for_crun };

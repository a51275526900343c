/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * podman and CRI-O share a library that keeps containers below a graph root, with all their names
 * in one file, and a directory for each running one below a run root. The conmon that supervises a
 * running container has its id, its name and both directories among its arguments, so that the
 * containers of users and of other roots are found too, including the stopped ones there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container/json_file.h"
#include "container/labels.h"
#include "container/proc.h"
#include "container/runtimes.h"
#include "container/scan.h"
#include "util/array.h"
#include "util/parse.h"

#define GRAPH_ROOT "/var/lib/containers/storage"
#define RUN_ROOT "/run/containers/storage"
#define USERS_GRAPH_ROOT ".local/share/containers/storage"
#define USERS_MAX 4096

/* The storage drivers, each of which has a directory of its own in either root. */
static const char *const drivers[] = { "overlay", "vfs", "btrfs", "zfs", "devicemapper", "aufs" };
/* The second has the containers that do not outlive a reboot. */
static const char *const rosters[] = { "containers.json", "volatile-containers.json" };

/* Parses CRI-O's internal names: k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT. Cuts up `name`. */
static void read_cri_o(char *name, struct sighting *s)
{
	char *part[6];

	for (int i = 0; i < 6; i++) {
		part[i] = strsep(&name, "_");
		if (!part[i] || !*part[i])
			return;
	}
	if (name || strcmp(part[0], "k8s"))
		return;
	s->runtime = "cri-o";
	s->pause = !strcmp(part[1], "POD");
	s->name = s->pause ? NULL : part[1];
	s->pod = part[2];
	s->namespace = part[3];
}

static void read_roster(struct scan *scan, const char *root, const char *path)
{
	struct json_object *all = json_file__read(root, path, ROSTER_FILE), *o;

	for (size_t i = 0; (o = json_file__element(all, i)); i++) {
		struct sighting s = { .runtime = "podman", .id = json_file__string(o, "id") };
		struct json_object *names = json_file__member(o, "names");
		char *copy;

		s.name = json_file__as_string(json_file__element(names, 0));
		copy = s.name ? strdup(s.name) : NULL;
		if (copy)
			read_cri_o(copy, &s);
		scan__sight(scan, &s);
		free(copy);
	}
	json_file__free(all);
}

/* A container's directory in one of the roots. */
static void read_podman_directory(struct scan *scan, const char *root, const char *dir,
				  const char *id, const char *name)
{
	struct sighting s = { .runtime = "podman", .id = id, .name = name, .old = true };
	struct json_object *o = NULL, *labels;
	char path[PATH_BYTES];

	if (snprintf(path, sizeof(path), "%s/userdata/pidfile", dir) >= (int)sizeof(path))
		return;
	s.pid = runtime_files__read_pid(root, path);
	snprintf(path, sizeof(path), "%s/userdata/config.json", dir);
	if (!scan__knows_name(scan, id))
		o = json_file__read(root, path, CONFIG_FILE);
	labels = json_file__member(o, "annotations");
	if (json_file__string(labels, "io.kubernetes.cri-o.ContainerType")) {
		s.runtime = "cri-o";
		labels__read(labels, &s);
	}
	if (s.name || s.pid)
		scan__sight(scan, &s);
	json_file__free(o);
}

static void look_below_storage(struct scan *scan, const char *root, const char *storage)
{
	char dir[PATH_BYTES], path[PATH_BYTES + 300];
	const char *id;
	DIR *d;

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		if (snprintf(dir, sizeof(dir), "%s/%s-containers", storage, drivers[i]) >=
		    (int)sizeof(dir))
			continue;
		d = scan__visit(scan, root, dir);
		if (!d)
			continue;
		/* Directories come first: annotations have CRI-O's names as users know them, the
		 * roster only those that it made up. */
		while ((id = runtime_files__next_name(d))) {
			snprintf(path, sizeof(path), "%s/%s", dir, id);
			if (strlen(path) < PATH_BYTES)
				read_podman_directory(scan, root, path, id, NULL);
		}
		closedir(d);
		for (size_t j = 0; j < ARRAY_SIZE(rosters); j++) {
			snprintf(path, sizeof(path), "%s/%s", dir, rosters[j]);
			read_roster(scan, root, path);
		}
	}
}

/* Cuts the last n parts off a path. False if it has fewer. */
static bool cut_parts(char *path, int n)
{
	for (; n; n--) {
		char *slash = strrchr(path, '/');

		if (!slash || slash == path)
			return false;
		*slash = '\0';
	}
	return true;
}

/* Reads a conmon's own container, and looks where others may be. */
static void ask_conmon(struct scan *scan, pid_t pid)
{
	char root[PATH_BYTES], id[PATH_BYTES], name[PATH_BYTES], dir[PATH_BYTES];

	scan__enter_daemon(scan, pid, root);
	/* RUN_ROOT/overlay-containers/ID/userdata/pidfile */
	if (container_proc__argument(scan__root(scan), pid, "-p", dir) && cut_parts(dir, 4))
		look_below_storage(scan, root, dir);
	/* GRAPH_ROOT/overlay-containers/ID/userdata */
	if (!container_proc__argument(scan__root(scan), pid, "-b", dir) || !cut_parts(dir, 1))
		return;
	if (container_proc__argument(scan__root(scan), pid, "-c", id)) {
		bool named = container_proc__argument(scan__root(scan), pid, "-n", name);

		read_podman_directory(scan, root, dir, id, named ? name : NULL);
	}
	if (cut_parts(dir, 2))
		look_below_storage(scan, root, dir);
}

/* Looks for users' containers; their links cannot lead out of their home directories. */
static void look_at_users(struct scan *scan)
{
	const char *root = scan__root(scan);
	char *text = runtime_files__read(root, "/etc/passwd", CONFIG_FILE), *at = text, *line;
	char path[PATH_BYTES];

	for (int n = 0; n < USERS_MAX && (line = strsep(&at, "\n")); n++) {
		char *field[6] = { 0 };
		uint64_t uid;

		for (int i = 0; i < 6 && line; i++)
			field[i] = strsep(&line, ":");
		if (!field[5] || field[5][0] != '/' || parse__u64(field[2], &uid) || !uid)
			continue;
		if (snprintf(path, sizeof(path), "%s%s", root[1] ? root : "", field[5]) <
		    (int)sizeof(path))
			look_below_storage(scan, path, USERS_GRAPH_ROOT);
		snprintf(path, sizeof(path), "/run/user/%s/containers", field[2]);
		look_below_storage(scan, root, path);
	}
	free(text);
}

static void look_for_podman(struct scan *scan)
{
	/* root's own files first: any user may call a program conmon. */
	look_below_storage(scan, scan__root(scan), RUN_ROOT);
	look_below_storage(scan, scan__root(scan), GRAPH_ROOT);
	look_at_users(scan);
	for (pid_t pid = 0; (pid = scan__next_daemon(scan, pid));)
		ask_conmon(scan, pid);
}

/* podman, and CRI-O with it. */
const struct runtime runtime_podman = {
	.name = "podman",
	.daemon = "conmon",
	.words = { { "libpod", "podman" }, { "libpod_parent", "podman" }, { "crio", "cri-o" } },
	.look = look_for_podman,
};

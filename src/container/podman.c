/*
 * podman and CRI-O share a library that keeps containers below a graph root, with all their names
 * in one file, and what runs below a run root, a directory each. The conmon that watches over each
 * running container has its id, its name and both directories among its arguments: so those of
 * users and of other roots are found too, and hence the stopped ones beside them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container/internal.h"
#include "util/util.h"

#define GRAPH_ROOT "/var/lib/containers/storage"
#define RUN_ROOT "/run/containers/storage"
#define USERS_GRAPH_ROOT ".local/share/containers/storage"
#define USERS_MAX 4096

/* The storage drivers, each of which has a directory of its own in either root. */
static const char *const drivers[] = { "overlay", "vfs", "btrfs", "zfs", "devicemapper", "aufs" };
/* The second is of containers that do not outlive a reboot. */
static const char *const rosters[] = { "containers.json", "volatile-containers.json" };

/* CRI-O's names for its own use: k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT. Takes `name` apart. */
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
	s->space = part[3];
}

static void look_at_roster(struct containers *cs, const char *root, const char *path)
{
	struct json_object *all = containers__read_json(root, path, ROSTER_FILE), *o;

	for (size_t i = 0; (o = containers__element(all, i)); i++) {
		struct sighting s = { .runtime = "podman", .id = containers__string(o, "id") };
		struct json_object *names = containers__member(o, "names");
		char *copy;

		s.name = containers__as_string(containers__element(names, 0));
		copy = s.name ? strdup(s.name) : NULL;
		if (copy)
			read_cri_o(copy, &s);
		containers__sight(cs, &s);
		free(copy);
	}
	containers__free_json(all);
}

/* A container's directory in one of the roots. */
static void look_at(struct containers *cs, const char *root, const char *dir, const char *id,
		    const char *name)
{
	struct sighting s = { .runtime = "podman", .id = id, .name = name, .old = true };
	struct json_object *o = NULL, *labels;
	char path[PATH_BYTES];

	if (snprintf(path, sizeof(path), "%s/userdata/pidfile", dir) >= (int)sizeof(path))
		return;
	s.pid = containers__read_pid(root, path);
	snprintf(path, sizeof(path), "%s/userdata/config.json", dir);
	if (!containers__named(cs, id))
		o = containers__read_json(root, path, CONFIG_FILE);
	labels = containers__member(o, "annotations");
	if (containers__string(labels, "io.kubernetes.cri-o.ContainerType")) {
		s.runtime = "cri-o";
		containers__read_labels(labels, &s);
	}
	if (s.name || s.pid)
		containers__sight(cs, &s);
	containers__free_json(o);
}

static void look_below(struct containers *cs, const char *root, const char *storage)
{
	char dir[PATH_BYTES], path[PATH_BYTES + 300];
	const char *id;
	DIR *d;

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		if (snprintf(dir, sizeof(dir), "%s/%s-containers", storage, drivers[i]) >=
		    (int)sizeof(dir))
			continue;
		d = containers__visit(cs, root, dir);
		if (!d)
			continue;
		/* First the directories: annotations tell of CRI-O, whose names in the roster are
		 * for machines. */
		while ((id = containers__next_name(d))) {
			snprintf(path, sizeof(path), "%s/%s", dir, id);
			if (strlen(path) < PATH_BYTES)
				look_at(cs, root, path, id, NULL);
		}
		closedir(d);
		for (size_t j = 0; j < ARRAY_SIZE(rosters); j++) {
			snprintf(path, sizeof(path), "%s/%s", dir, rosters[j]);
			look_at_roster(cs, root, path);
		}
	}
}

/* Cuts the last n parts off a path. False where it has no more. */
static bool cut(char *path, int n)
{
	for (; n; n--) {
		char *slash = strrchr(path, '/');

		if (!slash || slash == path)
			return false;
		*slash = '\0';
	}
	return true;
}

/* What a conmon tells of its own container, and where the others may be. */
static void look_at_conmon(struct containers *cs, pid_t pid)
{
	char root[PATH_BYTES], id[PATH_BYTES], name[PATH_BYTES], dir[PATH_BYTES];

	containers__ask_helper(cs, pid, root);
	/* RUN_ROOT/overlay-containers/ID/userdata/pidfile */
	if (containers__argument(cs, pid, "-p", dir) && cut(dir, 4))
		look_below(cs, root, dir);
	/* GRAPH_ROOT/overlay-containers/ID/userdata */
	if (!containers__argument(cs, pid, "-b", dir) || !cut(dir, 1))
		return;
	if (containers__argument(cs, pid, "-c", id)) {
		bool named = containers__argument(cs, pid, "-n", name);

		look_at(cs, root, dir, id, named ? name : NULL);
	}
	if (cut(dir, 2))
		look_below(cs, root, dir);
}

/* Those of users, whose links do not lead out of their directories. */
static void look_at_homes(struct containers *cs)
{
	const char *root = containers__root(cs);
	char *text = containers__read(root, "/etc/passwd", CONFIG_FILE), *at = text, *line;
	char path[PATH_BYTES];

	for (int n = 0; n < USERS_MAX && (line = strsep(&at, "\n")); n++) {
		char *field[6] = { 0 };
		uint64_t uid;

		for (int i = 0; i < 6 && line; i++)
			field[i] = strsep(&line, ":");
		if (!field[5] || field[5][0] != '/' || util__parse_u64(field[2], &uid) || !uid)
			continue;
		if (snprintf(path, sizeof(path), "%s%s", root[1] ? root : "", field[5]) <
		    (int)sizeof(path))
			look_below(cs, path, USERS_GRAPH_ROOT);
		snprintf(path, sizeof(path), "/run/user/%s/containers", field[2]);
		look_below(cs, root, path);
	}
	free(text);
}

void containers__look_storage(struct containers *cs)
{
	/* root's own files first: anybody may call a program conmon. */
	look_below(cs, containers__root(cs), RUN_ROOT);
	look_below(cs, containers__root(cs), GRAPH_ROOT);
	look_at_homes(cs);
	for (pid_t pid = 0; (pid = containers__next_helper(cs, "conmon", pid));)
		look_at_conmon(cs, pid);
}

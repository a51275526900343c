/*
 * docker keeps config.v2.json for each container below its data root. Every running dockerd is
 * asked for its data root by way of its arguments, its configuration and its environment, and the
 * root directory that it lives in: one in a container, or a rootless one, is found as well.
 */
#include <stdio.h>
#include <string.h>

#include "container/internal.h"

#define DATA_ROOT "/var/lib/docker"

static void look_at(struct containers *cs, const char *root, const char *dir, const char *id)
{
	char path[PATH_BYTES];
	struct sighting s = { .runtime = "docker" };
	struct json_object *o, *config;

	if (snprintf(path, sizeof(path), "%s/%s/config.v2.json", dir, id) >= (int)sizeof(path))
		return;
	o = containers__read_json(root, path, CONFIG_FILE);
	s.id = containers__string(o, "ID");
	if (s.id && !strcmp(s.id, id)) {
		s.name = containers__string(o, "Name");
		if (s.name && *s.name == '/')
			s.name++;
		s.pid = containers__pid(containers__member(o, "State"), "Pid");
		config = containers__member(o, "Config");
		containers__read_labels(containers__member(config, "Labels"), &s);
		containers__sight(cs, &s);
	}
	containers__free_json(o);
}

static void look_below(struct containers *cs, const char *root, const char *data_root)
{
	char dir[PATH_BYTES];
	const char *id;
	DIR *d;

	if (snprintf(dir, sizeof(dir), "%s/containers", data_root) >= (int)sizeof(dir))
		return;
	d = containers__visit(cs, root, dir);
	while (d && (id = containers__next_name(d)))
		look_at(cs, root, dir, id);
	if (d)
		closedir(d);
}

/* Where a daemon keeps its data; the environment counts for those that are not root. */
static void data_root(const struct containers *cs, pid_t pid, const char *root,
		      char out[PATH_BYTES])
{
	char value[PATH_BYTES];
	struct json_object *o;
	const char *s;

	if (containers__argument(cs, pid, "--data-root", out) ||
	    containers__argument(cs, pid, "--graph", out))
		return;
	if (!containers__argument(cs, pid, "--config-file", value))
		snprintf(value, sizeof(value), "/etc/docker/daemon.json");
	o = containers__read_json(root, value, SMALL_FILE);
	s = containers__string(o, "data-root");
	if (!s)
		s = containers__string(o, "graph");
	snprintf(out, PATH_BYTES, "%s", s ? s : DATA_ROOT);
	containers__free_json(o);
	if (s || !containers__variable(cs, pid, "ROOTLESSKIT_STATE_DIR", value))
		return;
	if (containers__variable(cs, pid, "XDG_DATA_HOME", value))
		snprintf(out, PATH_BYTES, "%.*s/docker", PATH_BYTES - 8, value);
	else if (containers__variable(cs, pid, "HOME", value))
		snprintf(out, PATH_BYTES, "%.*s/.local/share/docker", PATH_BYTES - 24, value);
}

void containers__look_docker(struct containers *cs)
{
	char root[PATH_BYTES], dir[PATH_BYTES];

	look_below(cs, containers__root(cs), DATA_ROOT);
	for (pid_t pid = 0; (pid = containers__next_helper(cs, "dockerd", pid));) {
		containers__ask_helper(cs, pid, root);
		data_root(cs, pid, root, dir);
		look_below(cs, root, dir);
	}
}

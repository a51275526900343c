/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * docker keeps a config.v2.json for each container below its data root. The data root of every
 * running dockerd is taken from its arguments, its configuration and its environment, and looked
 * for below the dockerd's own root directory, so that one in a container, or a rootless one, is
 * found too.
 */
#include <stdio.h>
#include <string.h>

#include "container/json_file.h"
#include "container/labels.h"
#include "container/proc.h"
#include "container/runtimes.h"
#include "container/scan.h"

#define DATA_ROOT "/var/lib/docker"

static void read_docker_config(struct scan *scan, const char *root, const char *dir, const char *id)
{
	char path[PATH_BYTES];
	struct sighting s = { .runtime = "docker" };
	struct json_object *o, *config;

	if (snprintf(path, sizeof(path), "%s/%s/config.v2.json", dir, id) >= (int)sizeof(path))
		return;
	o = json_file__read(root, path, CONFIG_FILE);
	s.id = json_file__string(o, "ID");
	if (s.id && !strcmp(s.id, id)) {
		s.name = json_file__string(o, "Name");
		if (s.name && *s.name == '/')
			s.name++;
		s.pid = json_file__pid(json_file__member(o, "State"), "Pid");
		config = json_file__member(o, "Config");
		labels__read(json_file__member(config, "Labels"), &s);
		scan__sight(scan, &s);
	}
	json_file__free(o);
}

static void look_below_docker_root(struct scan *scan, const char *root, const char *data_root)
{
	char dir[PATH_BYTES];
	const char *id;
	DIR *d;

	if (snprintf(dir, sizeof(dir), "%s/containers", data_root) >= (int)sizeof(dir))
		return;
	d = scan__visit(scan, root, dir);
	while (d && (id = runtime_files__next_name(d)))
		read_docker_config(scan, root, dir, id);
	if (d)
		closedir(d);
}

/* Finds where a daemon keeps its data; the environment matters for rootless ones. */
static void find_data_root(const struct scan *scan, pid_t pid, const char *root,
			   char out[PATH_BYTES])
{
	char value[PATH_BYTES];
	struct json_object *o;
	const char *s;

	if (container_proc__argument(scan__root(scan), pid, "--data-root", out) ||
	    container_proc__argument(scan__root(scan), pid, "--graph", out))
		return;
	if (!container_proc__argument(scan__root(scan), pid, "--config-file", value))
		snprintf(value, sizeof(value), "/etc/docker/daemon.json");
	o = json_file__read(root, value, SMALL_FILE);
	s = json_file__string(o, "data-root");
	if (!s)
		s = json_file__string(o, "graph");
	snprintf(out, PATH_BYTES, "%s", s ? s : DATA_ROOT);
	json_file__free(o);
	if (s || !container_proc__variable(scan__root(scan), pid, "ROOTLESSKIT_STATE_DIR", value))
		return;
	if (container_proc__variable(scan__root(scan), pid, "XDG_DATA_HOME", value))
		snprintf(out, PATH_BYTES, "%.*s/docker", PATH_BYTES - 8, value);
	else if (container_proc__variable(scan__root(scan), pid, "HOME", value))
		snprintf(out, PATH_BYTES, "%.*s/.local/share/docker", PATH_BYTES - 24, value);
}

static void look_for_docker(struct scan *scan)
{
	char root[PATH_BYTES], dir[PATH_BYTES];

	look_below_docker_root(scan, scan__root(scan), DATA_ROOT);
	for (pid_t pid = 0; (pid = scan__next_daemon(scan, pid));) {
		scan__enter_daemon(scan, pid, root);
		find_data_root(scan, pid, root, dir);
		look_below_docker_root(scan, root, dir);
	}
}

const struct runtime runtime_docker = {
	.name = "docker",
	.daemon = "dockerd",
	.words = { { "docker", "docker" } },
	.look = look_for_docker,
};

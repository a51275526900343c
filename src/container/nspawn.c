/* SPDX-License-Identifier: GPL-2.0-or-later */
/* systemd-nspawn registers its containers with systemd-machined, which keeps files of variables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container/runtimes.h"
#include "container/scan.h"
#include "util/parse.h"

#define MACHINES "/run/systemd/machines"

static void read_machine(struct scan *scan, const char *name)
{
	struct sighting s = { .runtime = "nspawn", .id = name, .name = name };
	char path[PATH_BYTES], *text, *at, *line, *value;
	bool container = false;
	uint64_t pid = 0;

	/* Links from units to machines. */
	if (!strncmp(name, "unit:", 5))
		return;
	snprintf(path, sizeof(path), MACHINES "/%s", name);
	text = at = runtime_files__read(scan__root(scan), path, SMALL_FILE);
	while ((line = strsep(&at, "\n"))) {
		value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (!strcmp(line, "CLASS"))
			container = !strcmp(value, "container");
		else if (!strcmp(line, "LEADER") && (parse__u64(value, &pid) || pid > INT32_MAX))
			pid = 0;
		else if ((!strcmp(line, "UNIT") || !strcmp(line, "SCOPE")) && *value)
			s.hint = value;
	}
	s.pid = (pid_t)pid;
	if (container)
		scan__sight(scan, &s);
	free(text);
}

static void look_for_machines(struct scan *scan)
{
	DIR *d = scan__visit(scan, scan__root(scan), MACHINES);
	const char *name;

	while (d && (name = runtime_files__next_name(d)))
		read_machine(scan, name);
	if (d)
		closedir(d);
}

const struct runtime runtime_nspawn = { .name = "nspawn", .look = look_for_machines };

/* systemd-nspawn registers its containers with systemd-machined, which keeps files of variables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container/internal.h"
#include "util/util.h"

#define MACHINES "/run/systemd/machines"

static void look_at(struct containers *cs, const char *name)
{
	struct sighting s = { .runtime = "nspawn", .id = name, .name = name };
	char path[PATH_BYTES], *text, *at, *line, *value;
	bool container = false;
	uint64_t pid = 0;

	/* Links from units to machines. */
	if (!strncmp(name, "unit:", 5))
		return;
	snprintf(path, sizeof(path), MACHINES "/%s", name);
	text = at = containers__read(containers__root(cs), path, SMALL_FILE);
	while ((line = strsep(&at, "\n"))) {
		value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (!strcmp(line, "CLASS"))
			container = !strcmp(value, "container");
		else if (!strcmp(line, "LEADER") &&
			 (util__parse_u64(value, &pid) || pid > INT32_MAX))
			pid = 0;
		else if ((!strcmp(line, "UNIT") || !strcmp(line, "SCOPE")) && *value)
			s.hint = value;
	}
	s.pid = (pid_t)pid;
	if (container)
		containers__sight(cs, &s);
	free(text);
}

void containers__look_machines(struct containers *cs)
{
	DIR *d = containers__visit(cs, containers__root(cs), MACHINES);
	const char *name;

	while (d && (name = containers__next_name(d)))
		look_at(cs, name);
	if (d)
		closedir(d);
}

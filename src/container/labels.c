/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/labels.h"

#include <string.h>

#include "container/json_file.h"
#include "util/array.h"

/* Which labels hold what, by the program that writes them: containerd, CRI-O, dockershim,
 * nerdctl. */
static const struct {
	const char *name, *pod, *namespace, *type, *pause;
} schemes[] = {
	{ "io.kubernetes.cri.container-name", "io.kubernetes.cri.sandbox-name",
	  "io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri.container-type", "sandbox" },
	{ "io.kubernetes.container.name", "io.kubernetes.pod.name", "io.kubernetes.pod.namespace",
	  "io.kubernetes.cri-o.ContainerType", "sandbox" },
	{ "io.kubernetes.container.name", "io.kubernetes.pod.name", "io.kubernetes.pod.namespace",
	  "io.kubernetes.docker.type", "podsandbox" },
	{ "nerdctl/name", "", "nerdctl/namespace", "", "" },
};

void labels__read(struct json_object *labels, struct sighting *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		const char *name = json_file__string(labels, schemes[i].name);
		const char *pod = json_file__string(labels, schemes[i].pod);
		const char *namespace = json_file__string(labels, schemes[i].namespace);
		const char *type = json_file__string(labels, schemes[i].type);

		if (type && !strcmp(type, schemes[i].pause))
			s->pause = true;
		if (!name && !(pod && s->pause))
			continue;
		s->name = name ? name : s->name;
		s->pod = pod ? pod : s->pod;
		s->namespace = namespace ? namespace : s->namespace;
	}
}

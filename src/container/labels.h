/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what Kubernetes and nerdctl write into a container's labels or annotations. */
#ifndef MEMTRACE_CONTAINER_LABELS_H
#define MEMTRACE_CONTAINER_LABELS_H

#include "container/registry.h"

struct json_object;

/* Sets the name, pod, namespace and pause of a sighting, as far as the labels have them; strings
 * belong to the labels. Takes NULL and anything that is not an object. */
void labels__read(struct json_object *labels, struct sighting *s);

#endif

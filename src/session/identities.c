/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/identities.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>

#include "symbols/mappings.h"
#include "trace/tracer_ops.h"
#include "util/array.h"
#include "util/kdev.h"

struct identities {
	const struct tracer_ops *trace;
	struct tracer *tracer;
	bool read_fuse;
	struct identity *ids;
	size_t n, cap;
};

static int add_identity(void *ctx, const struct listed *l)
{
	struct identities *is = ctx;

	if (array__grow(&is->ids, &is->cap, is->n + 1, sizeof(*is->ids)))
		return -ENOMEM;
	is->ids[is->n++] = (struct identity){
		.start = l->start,
		.ino = l->ino,
		.dev = kdev__to_user(l->dev),
		.unread = l->magic == FUSE_SUPER_MAGIC && !is->read_fuse,
	};
	return 0;
}

struct identities *session_identities__new(const struct tracer_ops *trace, struct tracer *tracer,
					   bool read_fuse)
{
	struct identities *is = calloc(1, sizeof(*is));

	if (!is)
		return NULL;
	is->trace = trace;
	is->tracer = tracer;
	is->read_fuse = read_fuse;
	return is;
}

void session_identities__free(struct identities *is)
{
	if (is)
		free(is->ids);
	free(is);
}

int session_identities__of(void *ctx, uint32_t pid, const struct identity **ids, size_t *n)
{
	struct identities *is = ctx;
	int err;

	is->n = 0;
	err = is->trace->list(is->tracer, (pid_t)pid, add_identity, is);
	*ids = is->ids;
	*n = is->n;
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/identities.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "symbols/mappings.h"
#include "trace/tracer_ops.h"

struct identities {
	const struct tracer_ops *trace;
	struct tracer *tracer;
	struct identity *ids;
	size_t n, cap;
};

static int add_identity(void *ctx, const struct listed *l)
{
	struct identities *is = ctx;

	if (is->n == is->cap) {
		size_t cap = is->cap ? is->cap * 2 : 128;
		struct identity *ids = reallocarray(is->ids, cap, sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		is->ids = ids;
		is->cap = cap;
	}
	is->ids[is->n++] = (struct identity){ .start = l->start,
					      .ino = l->ino,
					      .dev = makedev(l->dev >> 20, l->dev & 0xfffff) };
	return 0;
}

struct identities *session_identities__new(const struct tracer_ops *trace, struct tracer *tracer)
{
	struct identities *is = calloc(1, sizeof(*is));

	if (!is)
		return NULL;
	is->trace = trace;
	is->tracer = tracer;
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

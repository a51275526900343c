/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/caps.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/array.h"
#include "util/file.h"
#include "util/proc.h"
#include "util/strbuf.h"

/* `other` permits the same, and more. */
static const struct known {
	int cap, other;
	const char *name;
} known[] = {
	{ CAP_BPF, CAP_SYS_ADMIN, "CAP_BPF" },
	{ CAP_PERFMON, CAP_SYS_ADMIN, "CAP_PERFMON" },
	{ CAP_SYS_PTRACE, CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
	{ CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN, "CAP_CHECKPOINT_RESTORE" },
	{ CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE, "CAP_DAC_READ_SEARCH" },
	{ CAP_SYS_ADMIN, CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
};

static const struct known *find_known(int cap)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].cap == cap)
			return &known[i];
	return NULL;
}

uint64_t caps__effective(void)
{
	char *status = file__read("/proc/self/status", NULL);
	size_t len;
	const char *value = status ? proc__status_field(status, "CapEff", &len) : NULL;
	uint64_t caps = value ? strtoull(value, NULL, 16) : 0;

	free(status);
	return caps;
}

bool caps__has(uint64_t caps, int cap)
{
	const struct known *k = find_known(cap);

	return (caps >> cap & 1) || (k && (caps >> k->other & 1));
}

size_t caps__add_missing(struct strbuf *out, uint64_t caps, const int *wanted, size_t n)
{
	size_t missing = 0;

	for (size_t i = 0; i < n; i++) {
		const struct known *k = find_known(wanted[i]);

		if (!k || caps__has(caps, k->cap))
			continue;
		strbuf__addf(out, "%s%s", missing++ ? ", " : "", k->name);
	}
	return missing;
}

char *caps__explain(uint64_t caps, const int *needed, size_t n, char *buf, size_t size)
{
	struct strbuf names = { 0 };
	size_t missing = caps__add_missing(&names, caps, needed, n);

	if (missing && names.data)
		snprintf(buf, size, "%s %s missing", names.data, missing == 1 ? "is" : "are");
	else
		snprintf(buf, size,
			 "no capability is missing; a security module, a user namespace or a mount "
			 "forbids it");
	strbuf__free(&names);
	return buf;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/label.h"

#include <inttypes.h>

#include "profile/names.h"
#include "profile/title.h"
#include "util/escape.h"

void label__frame(struct strbuf *sb, const struct profile_frame *f)
{
	struct strbuf name = { 0 };

	title__add(&name, f);
	if (name.error)
		sb->error = name.error;
	else
		escape__plain(sb, name.data);
	strbuf__free(&name);
}

void label__api(struct strbuf *sb, const struct profile_site *s)
{
	escape__plain(sb, s->api);
	if (s->mapped_file && *s->mapped_file) {
		strbuf__addc(sb, ' ');
		escape__plain(sb, s->mapped_file);
	} else if (s->mapping) {
		strbuf__addf(sb, " (%s)", profile_names__mapping(s->mapping));
	}
}

void label__process(struct strbuf *sb, const char *comm, uint32_t pid)
{
	escape__plain(sb, comm);
	if (pid)
		strbuf__addf(sb, "[%" PRIu32 "]", pid);
}

void label__owner(struct strbuf *sb, const struct profile_site *s, bool container)
{
	if (container && s->container) {
		escape__plain(sb, s->container);
		strbuf__addc(sb, '/');
	}
	if (s->processes <= 1) {
		label__process(sb, s->comm, s->pid);
		strbuf__adds(sb, s->exited ? " (exited)" : "");
		return;
	}
	escape__plain(sb, s->comm);
	strbuf__addf(sb, " (%" PRIu32 " %s)", s->processes, s->exited ? "exited" : "processes");
}

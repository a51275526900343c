/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folded stacks, for flamegraph.pl and similar tools: the process, the frames from the root to the
 * leaf, and the allocation function, separated by ";", then a space and the live bytes. A separator
 * inside a name becomes ":". Two numbers at the end of a line would mean a difference to these
 * tools, so no foreign name may end a line: the allocation function does, with what it mapped in
 * parentheses.
 */
#include <inttypes.h>

#include "profile/names.h"
#include "report/internal.h"
#include "report/label.h"
#include "util/escape.h"

/* Makes what was added since `from` one frame: no separators, no spaces at its ends, never
 * empty. */
static void frame_end(struct strbuf *sb, size_t from)
{
	char *s = sb->data;

	if (sb->error)
		return;
	while (sb->len > from && s[sb->len - 1] == ' ')
		s[--sb->len] = '\0';
	for (size_t i = from; i < sb->len && s[i] == ' '; i++)
		s[i] = '_';
	for (size_t i = from; i < sb->len; i++) {
		if (s[i] == ';')
			s[i] = ':';
	}
	if (sb->len == from)
		strbuf__addc(sb, '_');
}

static void add_stack(struct strbuf *sb, const struct profile_site *s)
{
	size_t from = sb->len;

	escape__plain(sb, s->comm);
	strbuf__addf(sb, "-%" PRIu32, s->pid);
	frame_end(sb, from);
	for (size_t i = s->nstack; i-- > 0;) {
		strbuf__addc(sb, ';');
		from = sb->len;
		label__frame(sb, &s->stack[i]);
		frame_end(sb, from);
	}
	if (!s->nstack)
		strbuf__adds(sb, ";[no stack]");
	strbuf__addc(sb, ';');
	from = sb->len;
	escape__plain(sb, s->api);
	if (s->mapping) {
		strbuf__adds(sb, " (");
		escape__plain(sb,
			      s->mapped_file ? s->mapped_file : profile_names__mapping(s->mapping));
		strbuf__addc(sb, ')');
	}
	frame_end(sb, from);
	strbuf__addf(sb, " %" PRIu64 "\n", s->live_bytes);
}

int folded__report(const struct profile *p, const struct report_style *st, FILE *out)
{
	struct strbuf sb = { 0 };
	int err;

	(void)st;
	for (size_t i = 0; i < p->nsites; i++) {
		if (p->sites[i].live_bytes)
			add_stack(&sb, &p->sites[i]);
	}
	err = sb.error ? sb.error : report__write(out, sb.data, sb.len);
	strbuf__free(&sb);
	return err;
}

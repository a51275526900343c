/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "abi/event.h"
#include "probe/discover.h"
#include "util/escape.h"

static void explain_row(FILE *out, int width, const char *name, uint64_t at, unsigned int offset,
			const char *insn, const char *why)
{
	char place[40];
	int n = snprintf(place, sizeof(place), "0x%" PRIx64, at);

	if (offset)
		snprintf(place + n, sizeof(place) - (size_t)n, "+%u", offset);
	fprintf(out, "  %-*s  %-13s %-28s %s\n", width, name, place, insn, why);
}

static void explain_rows(const struct probe_file *f, FILE *out)
{
	size_t width = f->linker_notify ? strlen("_dl_debug_state") : 0;

	for (size_t i = 0; i < f->n; i++)
		width = strlen(f->sites[i].name) > width ? strlen(f->sites[i].name) : width;
	for (size_t i = 0; i < f->nskipped; i++)
		width = strlen(f->skipped[i].name) > width ? strlen(f->skipped[i].name) : width;
	for (size_t i = 0; i < f->n; i++) {
		const struct probe_site *s = &f->sites[i];
		bool custom = s->cookie & COOKIE_CUSTOM;
		char why[sizeof(s->point.why) + sizeof(s->why_return) + 64];

		snprintf(why, sizeof(why), "%s%s%s%s%s", s->point.why, custom ? "; by --probe" : "",
			 s->exits ? "; probed at its exits" : "",
			 *s->why_return ? "; exits unknown: " : "", s->why_return);
		explain_row(out, (int)width, s->name, s->entry, s->point.offset, s->point.insn,
			    why);
	}
	for (size_t i = 0; i < f->nexits; i++)
		explain_row(out, (int)width, "exit", f->exits[i], 0, "ret",
			    "where functions that may throw return");
	for (size_t i = 0; i < f->nskipped; i++)
		explain_row(out, (int)width, f->skipped[i].name, f->skipped[i].entry, 0,
			    "not probed", f->skipped[i].why);
	for (size_t i = 0; i < f->nlibc_frees; i++)
		explain_row(out, (int)width, "(call of free)", f->libc_frees[i], 0, "-",
			    "by which a thread that ends gives back its cache");
	if (f->linker_notify)
		explain_row(out, (int)width, "_dl_debug_state", f->linker_notify, 0, "-",
			    "called when libraries are loaded or unloaded");
}

void explain__file(const struct probe_file *f, const char *path, FILE *out)
{
	const char *remark = "";
	struct strbuf name = { 0 };

	if (f->error == -EOPNOTSUPP)
		remark = "not 64-bit code for this machine";
	else if (f->error)
		remark = strerror(-f->error);
	else if (!f->n && !f->nskipped)
		remark = "defines no allocation function";
	escape__plain(&name, path);
	fprintf(out, "%s:%s%s\n", name.data ? name.data : "", *remark ? " " : "", remark);
	strbuf__free(&name);
	explain_rows(f, out);
}

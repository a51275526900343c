/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/run_time_code.h"

#include "collect/query.h"
#include "profile/internal.h"
#include "profile/languages.h"
#include "unwind/stacks.h"

/* The runtime whose files are in the stack, or that the program is. */
static const struct language *language_of(const struct profile_builder *b,
					  const struct site_row *row,
					  const struct named_frame *named, size_t n)
{
	const struct language *l = NULL;
	const char *exe = NULL;

	for (size_t i = 0; !l && i < n; i++)
		l = named[i].module ? languages__of_file(named[i].module) : NULL;
	if (row->process < b->profile.nprocesses)
		exe = b->processes[row->process].exe;
	return l || !exe ? l : languages__of_file(exe);
}

void run_time_code__note(struct profile_builder *b, const struct site_row *row,
			 const struct stack *st, const struct named_frame *named, size_t n)
{
	const struct language *l;
	bool unnamed = false, any = false;

	/* Where the stack led out of all mappings, its last address is none of code. */
	if (n && st && st->end == STACK_NO_MAPPING)
		n--;
	for (size_t i = 0; i < n; i++) {
		any |= named[i].run_time;
		unnamed |= named[i].run_time && !named[i].func;
	}
	l = any ? language_of(b, row, named, n) : NULL;
	if (l && unnamed)
		b->unnamed_code[languages__row(l)] = row->pid;
	else if (l)
		b->named_code[languages__row(l)] = row->pid;
}

void run_time_code__add(const struct profile_builder *b, struct strbuf *notice)
{
	const struct language *l;

	for (size_t i = 0; i < LANGUAGES_MOST && (l = languages__get(i)); i++) {
		uint32_t unnamed = b->unnamed_code[i], named = b->named_code[i];

		if (unnamed && l->naming) {
			strbuf__addf(notice,
				     "%scode that %s compiled at run time has no names: to name "
				     "it, ",
				     notice->len ? "; " : "", l->name);
			languages__add_clause(notice, l->naming, unnamed);
		} else if (named && l->renewing) {
			strbuf__addf(notice,
				     "%scode that %s compiled at run time has the names that were "
				     "written last: for later code, ",
				     notice->len ? "; " : "", l->name);
			languages__add_clause(notice, l->renewing, named);
		}
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handles the options that print something and end the run. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/generate.h"
#include "cli/help.h"
#include "cli/option_row.h"
#include "util/array.h"
#include "util/strbuf.h"

int option__version(struct options *o, const struct option_row *r, const char *value)
{
	(void)o, (void)r, (void)value;
	printf("memtrace %s\n", MEMTRACE_VERSION);
	return 1;
}

int option__help(struct options *o, const struct option_row *r, const char *value)
{
	(void)o, (void)r, (void)value;
	help__print(stdout);
	return 1;
}

int option__generate(struct options *o, const struct option_row *r, const char *value)
{
	static const struct {
		const char *name;
		void (*generate)(struct strbuf *sb);
	} files[] = {
		{ "bash", generate__bash },
		{ "zsh", generate__zsh },
		{ "fish", generate__fish },
		{ "man", generate__man },
	};
	struct strbuf sb = { 0 };
	int err = -EINVAL;

	(void)o;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (strcmp(files[i].name, value) != 0)
			continue;
		files[i].generate(&sb);
		err = sb.error ? option__refuse_memory(r) : 1;
	}
	if (err == 1)
		fwrite(sb.data, 1, sb.len, stdout);
	strbuf__free(&sb);
	return err == -EINVAL ? option__refuse_invalid(r, "value", value) : err;
}

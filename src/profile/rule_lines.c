/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/rule_lines.h"

#include <errno.h>
#include <string.h>

#define BLANK " \t\r\v\f"

/* What is wrong with a line; NULL: it is a valid rule. */
static const char *line_fault(const char *line, size_t len, const char *type)
{
	const size_t n = strlen(type);

	if (memchr(line, '\0', len))
		return "contains a NUL byte";
	if (len < n || strncmp(line, type, n))
		return *type == 'l' ? "does not begin with \"leak:\""
				    : "does not begin with \"wrapper:\"";
	if (len == n)
		return "has no pattern";
	return NULL;
}

static void trim(const char **line, size_t *len)
{
	while (*len && (*line)[*len - 1] && strchr(BLANK, (*line)[*len - 1]))
		--*len;
	while (*len && **line && strchr(BLANK, **line)) {
		++*line;
		--*len;
	}
}

int rule_lines__each(const char *text, size_t len, const char *type, rule_line_fn rule, void *ctx,
		     size_t *number, const char **why)
{
	const char *end = text + len, *line, *next;
	size_t n;
	int err = 0;

	*why = NULL;
	for (*number = 1; text < end && !err; text = next + 1, ++*number) {
		next = memchr(text, '\n', (size_t)(end - text));
		next = next ? next : end;
		line = text;
		n = (size_t)(next - text);
		trim(&line, &n);
		if (!n || *line == '#')
			continue;
		*why = line_fault(line, n, type);
		err = *why ? -EINVAL : rule(ctx, line, n, *number);
		if (err)
			break;
	}
	return err;
}

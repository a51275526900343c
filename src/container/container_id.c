/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/container_id.h"

#include <string.h>

#include "container/cgroups.h"
#include "container/runtimes.h"

#define ID_DIGITS 64
#define UNKNOWN_RUNTIME "container"

static bool part_is(struct path_part part, const char *word)
{
	return strlen(word) == part.len && !strncmp(word, part.s, part.len);
}

static bool part_ends_with(struct path_part part, const char *end)
{
	size_t n = strlen(end);

	return part.len >= n && !strncmp(part.s + part.len - n, end, n);
}

static const char *runtime_of_word(struct path_part part)
{
	for (size_t i = 0; i < runtimes__count(); i++) {
		const struct cgroup_word *words = runtimes__at(i)->words;

		for (size_t k = 0; k < RUNTIME_WORDS && words[k].word; k++)
			if (part_is(part, words[k].word))
				return words[k].runtime;
	}
	return UNKNOWN_RUNTIME;
}

static bool set_id(struct container_id *out, const char *runtime, struct path_part id)
{
	if (!id.len || id.len >= sizeof(out->id))
		return false;
	out->runtime = runtime;
	memcpy(out->id, id.s, id.len);
	out->id[id.len] = '\0';
	return true;
}

static bool find_name(struct path_part part, struct path_part above, struct container_id *out)
{
	struct path_part name;

	for (size_t i = 0; i < runtimes__count(); i++) {
		const struct runtime *rt = runtimes__at(i);

		if (rt->name_in_cgroup && rt->name_in_cgroup(part, above, &name))
			return set_id(out, rt->name, name);
	}
	return false;
}

/* Returns the word before an id and its '-' or ':', after the last ':' in it. */
static struct path_part last_word(struct path_part before)
{
	const char *colon = memrchr(before.s, ':', before.len);

	if (!colon)
		return before;
	return (struct path_part){ colon + 1, (size_t)(before.s + before.len - colon - 1) };
}

/* One part of a path: 64 hexadecimal digits, alone or after a word and '-' or ':', and perhaps
 * ".scope". A word may also be the part above. */
static bool find_id(struct path_part part, struct path_part above, struct container_id *out)
{
	struct path_part whole = part, id, word;

	if (part.len > 6 && part_ends_with(part, ".scope"))
		part.len -= 6;
	if (part.len < ID_DIGITS)
		return find_name(whole, above, out);
	part.len -= ID_DIGITS;
	id = (struct path_part){ part.s + part.len, ID_DIGITS };
	if (strspn(id.s, "0123456789abcdef") < ID_DIGITS)
		return find_name(whole, above, out);
	if (!part.len)
		return set_id(out, runtime_of_word(above), id);
	part.len--;
	if (part.s[part.len] != '-' && part.s[part.len] != ':')
		return false;
	word = last_word(part);
	/* The process that supervises a container is outside. */
	return !part_ends_with(word, "conmon") && set_id(out, runtime_of_word(word), id);
}

bool container_id__next(const char *path, size_t *pos, struct container_id *out)
{
	while (path[*pos]) {
		const char *start = path + *pos + (path[*pos] == '/');
		struct path_part part = { start, strcspn(start, "/") }, above = { start, 0 };

		if (start > path + 1) {
			above.s = start - 1;
			while (above.s > path && above.s[-1] != '/')
				above.s--;
			above.len = (size_t)(start - 1 - above.s);
		}
		*pos = (size_t)(start - path) + part.len;
		out->end = *pos;
		if (part.len && find_id(part, above, out))
			return true;
	}
	return false;
}

bool container_id__last(const char *path, struct container_id *out)
{
	struct container_id id;
	bool found = false;
	size_t pos = 0;

	while (container_id__next(path, &pos, &id)) {
		*out = id;
		found = true;
	}
	return found;
}

bool container_id__innermost(char *text, struct container_id *out)
{
	struct cgroup_line line;
	struct container_id id;
	size_t longest = 0;

	while (cgroups__next_line(&text, &line)) {
		if (!container_id__last(line.path, &id) || id.end <= longest)
			continue;
		*out = id;
		longest = id.end;
	}
	return longest != 0;
}

/* The files and the JSON that runtimes keep: bounded, and below a root that links do not leave. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/internal.h"
#include "util/file.h"
#include "util/util.h"

#define STRING_MAX 1024

DIR *containers__open_directory(const char *root, const char *path)
{
	int fd = file__open_directory_in(root, path);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

char *containers__read(const char *root, const char *path, size_t max)
{
	struct stat st;
	int fd = file__open_regular_in(root, path, 0, &st);
	char *text = NULL;
	size_t len;

	if (fd < 0)
		return NULL;
	/* What grows meanwhile is read up to the size that it had. */
	if (st.st_size >= 0 && (uint64_t)st.st_size <= max)
		text = file__read_end(fd, (uint64_t)st.st_size, max, &len);
	close(fd);
	return text;
}

static pid_t as_pid(uint64_t n)
{
	return n <= INT32_MAX ? (pid_t)n : 0;
}

pid_t containers__read_pid(const char *root, const char *path)
{
	char *text = containers__read(root, path, 64);
	uint64_t n = 0;

	if (!text)
		return 0;
	text[strcspn(text, " \t\r\n")] = '\0';
	if (util__parse_u64(text, &n))
		n = 0;
	free(text);
	return as_pid(n);
}

const char *containers__next_name(DIR *d)
{
	struct dirent *e;

	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			return e->d_name;
	return NULL;
}

/* ---- JSON ---- */

struct json_object *containers__parse_json(const char *text)
{
	enum json_tokener_error err;
	struct json_object *o = text ? json_tokener_parse_verbose(text, &err) : NULL;

	if (o && err == json_tokener_success)
		return o;
	json_object_put(o);
	return NULL;
}

struct json_object *containers__read_json(const char *root, const char *path, size_t max)
{
	char *text = containers__read(root, path, max);
	struct json_object *o = containers__parse_json(text);

	free(text);
	return o;
}

void containers__free_json(struct json_object *o)
{
	json_object_put(o);
}

struct json_object *containers__member(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &value)
		   ? value
		   : NULL;
}

const char *containers__as_string(struct json_object *o)
{
	const char *s = json_object_is_type(o, json_type_string) ? json_object_get_string(o) : NULL;
	size_t len = s ? (size_t)json_object_get_string_len(o) : 0;

	return len && len <= STRING_MAX && strlen(s) == len ? s : NULL;
}

const char *containers__string(struct json_object *o, const char *key)
{
	return containers__as_string(containers__member(o, key));
}

pid_t containers__pid(struct json_object *o, const char *key)
{
	struct json_object *value = containers__member(o, key);
	int64_t n = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;

	return n > 0 ? as_pid((uint64_t)n) : 0;
}

struct json_object *containers__element(struct json_object *array, size_t i)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_get_idx(array, i)
							   : NULL;
}

const char *containers__next_string(struct json_object *o, size_t *pos)
{
	const char *s = NULL;
	size_t i = 0;

	if (!json_object_is_type(o, json_type_object))
		return NULL;
	json_object_object_foreach(o, key, value)
	{
		(void)key;
		if (i++ < *pos)
			continue;
		++*pos;
		s = containers__as_string(value);
		if (s)
			return s;
	}
	return NULL;
}

/* ---- labels ---- */

/* Which labels hold what, by who writes them. */
static const struct {
	const char *name, *pod, *space, *type, *pause;
} labels_of[] = {
	{ "io.kubernetes.cri.container-name", "io.kubernetes.cri.sandbox-name",
	  "io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri.container-type", "sandbox" },
	{ "io.kubernetes.container.name", "io.kubernetes.pod.name", "io.kubernetes.pod.namespace",
	  "io.kubernetes.cri-o.ContainerType", "sandbox" },
	{ "io.kubernetes.container.name", "io.kubernetes.pod.name", "io.kubernetes.pod.namespace",
	  "io.kubernetes.docker.type", "podsandbox" },
	{ "nerdctl/name", "", "nerdctl/namespace", "", "" },
};

void containers__read_labels(struct json_object *labels, struct sighting *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(labels_of); i++) {
		const char *name = containers__string(labels, labels_of[i].name);
		const char *pod = containers__string(labels, labels_of[i].pod);
		const char *space = containers__string(labels, labels_of[i].space);
		const char *type = containers__string(labels, labels_of[i].type);

		if (type && !strcmp(type, labels_of[i].pause))
			s->pause = true;
		if (!name && !(pod && s->pause))
			continue;
		s->name = name ? name : s->name;
		s->pod = pod ? pod : s->pod;
		s->space = space ? space : s->space;
	}
}

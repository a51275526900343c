/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/json_file.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "container/runtime_files.h"

#define STRING_MAX 1024

static struct json_object *parse_json(const char *text)
{
	enum json_tokener_error err;
	struct json_object *o = text ? json_tokener_parse_verbose(text, &err) : NULL;

	if (o && err == json_tokener_success)
		return o;
	json_object_put(o);
	return NULL;
}

struct json_object *json_file__read(const char *root, const char *path, size_t max)
{
	char *text = runtime_files__read(root, path, max);
	struct json_object *o = parse_json(text);

	free(text);
	return o;
}

void json_file__free(struct json_object *o)
{
	json_object_put(o);
}

struct json_object *json_file__member(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &value)
		   ? value
		   : NULL;
}

struct json_object *json_file__element(struct json_object *array, size_t i)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_get_idx(array, i)
							   : NULL;
}

const char *json_file__as_string(struct json_object *o)
{
	const char *s = json_object_is_type(o, json_type_string) ? json_object_get_string(o) : NULL;
	size_t len = s ? (size_t)json_object_get_string_len(o) : 0;

	return len && len <= STRING_MAX && strlen(s) == len ? s : NULL;
}

const char *json_file__string(struct json_object *o, const char *key)
{
	return json_file__as_string(json_file__member(o, key));
}

pid_t json_file__pid(struct json_object *o, const char *key)
{
	struct json_object *value = json_file__member(o, key);
	int64_t n = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;

	return n > 0 && n <= INT32_MAX ? (pid_t)n : 0;
}

const char *json_file__next_string(struct json_object *o, size_t *pos)
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
		s = json_file__as_string(value);
		if (s)
			return s;
	}
	return NULL;
}

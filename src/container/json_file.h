/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads JSON files of runtimes. Each accessor takes NULL and values of any type, and returns NULL
 * or 0 for values of another type than requested, so that a chain of them needs no checks. What
 * they return belongs to the file.
 */
#ifndef MEMTRACE_CONTAINER_JSON_FILE_H
#define MEMTRACE_CONTAINER_JSON_FILE_H

#include <json-c/json_types.h>
#include <stddef.h>
#include <sys/types.h>

/* Returns NULL if it cannot be read (runtime_files__read) or is not valid as a whole. */
struct json_object *json_file__read(const char *root, const char *path, size_t max);
void json_file__free(struct json_object *o); /* takes NULL */

struct json_object *json_file__member(struct json_object *o, const char *key);
struct json_object *json_file__element(struct json_object *array, size_t i); /* NULL at the end */
/* Strings that are returned are not empty, have no NUL bytes, and at most 1024 others. */
const char *json_file__as_string(struct json_object *o);
const char *json_file__string(struct json_object *o, const char *key); /* of a member */
pid_t json_file__pid(struct json_object *o, const char *key);	       /* of a member; 0: none */
/* Finds the next member of an object that is a string; start with *pos = 0. */
const char *json_file__next_string(struct json_object *o, size_t *pos);

#endif

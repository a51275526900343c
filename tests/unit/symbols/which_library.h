/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Libraries with one function, which are told apart by their build IDs. */
#ifndef WHICH_LIBRARY_H
#define WHICH_LIBRARY_H

#include "elf/elf.h"
#include "scratch.h"

/* Compiled once, linked for each. */
static inline const char *which_object(void)
{
	static char *path;

	if (!path) {
		path = strdup(in_scratch("which.o"));
		MUST(run("gcc", "-c", "-fPIC", "-o", path,
			 write_source("which.c", "int which(void) { return 1; }\n"), NULL));
	}
	return path;
}

static inline const char *library(const char *name, const char *build_id)
{
	const char *path = in_scratch(name);
	char option[64];

	snprintf(option, sizeof(option), "--build-id=0x%s", build_id);
	MUST(run("ld", "-shared", option, "-o", path, which_object(), NULL));
	return path;
}

static inline int is_which(void *ctx, const struct elf_function *f)
{
	*(uint64_t *)ctx = f->offset;
	return !strcmp(f->name, "which");
}

/* The file offset of the library's function. */
static inline uint64_t offset_of_which(int fd)
{
	struct elf *e = elf__open(fd);
	uint64_t offset = 0;

	MUST(e && elf__functions(e, is_which, &offset) == 1);
	elf__close(e);
	return offset;
}

#endif

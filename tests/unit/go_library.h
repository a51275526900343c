/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file with a table of Go functions, made without Go: tests/unit/elf/go_table.s. */
#ifndef GO_LIBRARY_H
#define GO_LIBRARY_H

#include "elf/elf.h"
#include "programs.h"
#include "scratch.h"
#include "test.h"

/* Builds it in the form of Go 1.20, or of 1.18, as a library or a program at a fixed address. */
static inline const char *go_library(const char *name, bool newer, const char *section, bool shared)
{
	const char *path = in_scratch(name);
	char where[128];

	snprintf(where, sizeof(where), "-DSECTION=%s,\"aw\"", section);
	MUST(run("gcc", "-nostdlib", "-Wl,--build-id", "-x", "assembler-with-cpp",
		 newer ? "-Wa,--defsym,NEWER=1" : "-Wa,--defsym,NEWER=0", where,
		 shared ? "-shared" : "-Wl,-e,0", shared ? "-fPIC" : "-static", "-o", path,
		 "tests/unit/elf/go_table.s", NULL));
	return path;
}

#endif

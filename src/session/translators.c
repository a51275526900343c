/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/translators.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/array.h"
#include "util/file.h"

/* By the executable's path, as a pattern of fnmatch, or by a mapped library. */
static const struct translator {
	const char *name;
	const char *exe, *library;
} translators[] = {
	/* /usr/libexec/valgrind/memcheck-amd64-linux */
	{ .name = "valgrind", .exe = "*/valgrind/*-linux" },
	{ .name = "valgrind", .library = "/vgpreload_core-" },
	{ .name = "DynamoRIO", .library = "/libdynamorio.so" },
	{ .name = "Pin", .exe = "*/pinbin" },
	{ .name = "box64", .exe = "*/box64" },
};

/* qemu-ARCHITECTURE and qemu-ARCHITECTURE-static: others are called qemu-kvm or qemu-img. */
static const char *const qemu_architectures[] = {
	"aarch64",   "alpha", "arm",   "cris",	"hexagon", "hppa",   "i386",
	"loongarch", "m68k",  "micro", "mips",	"nios",	   "or1k",   "ppc",
	"risc",	     "s390x", "sh4",   "sparc", "tricore", "x86_64", "xtensa",
};

static bool is_qemu_user(const char *exe)
{
	static const char prefix[] = "/qemu-";
	const char *file = strrchr(exe, '/');

	if (!file || strncmp(file, prefix, strlen(prefix)) != 0)
		return false;
	file += strlen(prefix);
	for (size_t i = 0; i < ARRAY_SIZE(qemu_architectures); i++) {
		if (!strncmp(file, qemu_architectures[i], strlen(qemu_architectures[i])))
			return true;
	}
	return false;
}

static bool matches(const struct translator *t, const char *exe, const char *maps)
{
	return (t->exe && exe && !fnmatch(t->exe, exe, 0)) ||
	       (t->library && maps && strstr(maps, t->library));
}

const char *translators__named(const char *exe, const char *maps)
{
	for (size_t i = 0; i < ARRAY_SIZE(translators); i++) {
		if (matches(&translators[i], exe, maps))
			return translators[i].name;
	}
	return exe && is_qemu_user(exe) ? "qemu-user" : NULL;
}

const char *translators__of(uint32_t pid)
{
	char path[64], exe[PATH_MAX] = "", *maps;
	const char *name;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/exe", pid);
	if (readlink(path, exe, sizeof(exe) - 1) < 0)
		return NULL;
	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/maps", pid);
	maps = file__read(path, NULL);
	name = translators__named(exe, maps);
	free(maps);
	return name;
}

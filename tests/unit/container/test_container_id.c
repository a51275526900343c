/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers' ids in cgroup paths. */
#include "container/container_id.h"
#include "test.h"

#define A64 "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90"
#define C64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

/* The ids in a path: the runtime, the first digits, and where the part ends. */
static const char *ids(const char *path)
{
	static char text[400];
	struct container_id id;
	size_t pos = 0;

	text[0] = '\0';
	while (container_id__next(path, &pos, &id))
		snprintf(text, sizeof(text), "%s %.4s %zu", id.runtime, id.id, id.end);
	return text;
}

TEST(ids_are_found_in_the_paths_of_every_runtime)
{
	CHECK_STR(ids("/docker/" A64), "docker a1b2 72");
	CHECK_STR(ids("/docker/" A64 "/init.scope"), "docker a1b2 72");
	CHECK_STR(ids("/docker/" A64 "/docker/" C64), "docker cccc 144");
	CHECK_STR(ids("/system.slice/docker-" A64 ".scope"), "docker a1b2 91");
	CHECK_STR(ids("/libpod_parent/libpod-" A64), "podman a1b2 86");
	CHECK_STR(ids("/libpod_parent/libpod-conmon-" A64), "");
	CHECK_STR(ids("/a/crio-conmon-" A64 ".scope"), "");
	CHECK_STR(ids("/a/crio-" A64 ".scope"), "cri-o a1b2 78");
	CHECK_STR(ids("/k/cri-containerd-" A64 ".scope"), "containerd a1b2 88");
	CHECK_STR(ids("/system.slice:docker:" A64), "docker a1b2 85");
	CHECK_STR(ids("/kubepods/pod12/" A64), "container a1b2 80");
	CHECK_STR(ids("/x/other-" A64), "container a1b2 73");
	CHECK_STR(ids("/x/other" A64), "");
	CHECK_STR(ids("/" A64 "0"), "");
	CHECK_STR(ids("/0" A64), "");
	CHECK_STR(ids("/lxc.payload.web/x"), "lxc web 16");
	CHECK_STR(ids("/lxc/web/x"), "lxc web 8");
	CHECK_STR(ids("/lxc.payload/web"), "lxc web 16");
	CHECK_STR(ids("/lxc"), "");
	CHECK_STR(ids("/"), "");
	CHECK_STR(ids(""), "");
	CHECK_STR(ids("///"), "");
}

TEST(the_innermost_id_is_that_of_the_longest_path)
{
	char text[] = "4:memory:/docker/" A64 "\n3:pids:/docker/" A64 "/docker/" C64
		      "\n1:name=systemd:/a/much/longer/path/without/any/docker/" A64 "\n0::/\n";
	char none[] = "4:memory:/user.slice\n0::/\n";
	struct container_id id;

	CHECK(container_id__innermost(text, &id));
	CHECK_STR(id.runtime, "docker");
	CHECK_STR(id.id, C64);
	CHECK(!container_id__innermost(none, &id));
}

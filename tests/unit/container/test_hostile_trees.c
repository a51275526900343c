/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of runtimes that are damaged, huge, or made to mislead. */
#include "trees.h"

TEST(hostile_names_are_kept_as_they_are_or_refused)
{
	struct containers *cs;

	new_tree();
	docker("var/lib/docker", A64, "/\\u001b[31m\\n", 0);
	docker("var/lib/docker", B64, "/a\\u0000b", 0);
	docker("var/lib/docker", C64, "", 0);
	/* It claims another container's id. */
	put("var/lib/docker/containers/" D64 "/config.v2.json",
	    "{\"ID\":\"" A64 "\",\"Name\":\"/thief\"}");
	process(5, "x", "garbage\n::\n0:\n:::\n0::relative\n0::/docker/\n0::/docker//" A64 "x\n",
		"5", 1);
	process(6, "x", "0::/" A64 A64 "\n1:memory:/lxc.payload.\n", "6", 1);
	cs = look();
	CHECK_STR(find(cs, "\033[31m\n"), "docker \033[31m\n");
	CHECK_STR(find(cs, "thief"), "ENOENT");
	CHECK_STR(find(cs, "a"), "ENOTUNIQ docker \033[31m\n docker a1b2ffffe5f6");
	CHECK_STR(find(cs, "c"), "docker cccccccccccc");
	CHECK(!containers__of_process(cs, 5));
	containers__free(cs);
}

/* At every length: no crash, and no name that is not whole. */
TEST(truncated_files_name_no_container)
{
	static const char whole[] =
	    "{\"State\":{\"Pid\":100},\"ID\":\"" A64 "\",\"Name\":\"/web\"}";

	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		struct containers *cs;

		new_tree();
		write_bytes(in_tree("var/lib/docker/containers/" A64 "/config.v2.json"), whole,
			    len);
		cs = look();
		CHECK_EQ(containers__count(cs), 0);
		containers__free(cs);
	}
}

TEST(unexpected_json_names_no_container)
{
	static const char *const odd[] = {
		"",
		"null",
		"[]",
		"7",
		"\"x\"",
		"{\"ID\":{}}",
		"{\"ID\":[1]}",
		"{\"ID\":null}",
		"{\"ID\":\"" A64 "\",\"Name\":7,\"State\":[]} x",
		"\xff\xfe",
	};
	struct containers *cs;

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		new_tree();
		put("var/lib/docker/containers/" A64 "/config.v2.json", odd[i]);
		put("var/lib/containers/storage/overlay-containers/containers.json", odd[i]);
		put("run/runc/x/state.json", odd[i]);
		put("run/containerd/io.containerd.runtime.v2.task/ns/" B64 "/config.json", odd[i]);
		cs = look();
		/* The directories are there: runc's, if its file can be read, and containerd's. */
		for (size_t j = 0; j < containers__count(cs); j++)
			CHECK(!containers__at(cs, j)->name && !containers__at(cs, j)->init_pid);
		containers__free(cs);
	}
}

TEST(deeply_nested_and_huge_files_are_refused)
{
	struct containers *cs;
	char *text = malloc(CONFIG_FILE + 2);
	int fd;

	new_tree();
	MUST(text);
	memset(text, '[', CONFIG_FILE);
	write_bytes(in_tree("var/lib/docker/containers/" A64 "/config.v2.json"), text, CONFIG_FILE);
	memset(text, ' ', CONFIG_FILE + 1);
	memcpy(text, "{\"ID\":\"" B64 "\"}", 73);
	write_bytes(in_tree("var/lib/docker/containers/" B64 "/config.v2.json"), text,
		    CONFIG_FILE + 1);
	fd = open(in_tree("var/lib/containers/storage/overlay-containers/containers.json"),
		  O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	MUST(fd >= 0 && ftruncate(fd, 1ll << 40) == 0);
	close(fd);
	MUST(mkfifo(in_tree("var/lib/docker/containers/" C64 "/config.v2.json"), 0600) == 0);
	cs = look();
	CHECK_EQ(containers__count(cs), 0);
	free(text);
	containers__free(cs);
}

/* Any byte may be in the files. */
TEST(mutated_files_do_no_harm)
{
	static const char *const files[] = {
		"var/lib/docker/containers/" A64 "/config.v2.json",
		"var/lib/containers/storage/overlay-containers/containers.json",
		"run/containers/storage/overlay-containers/" C64 "/userdata/config.json",
		"run/runc/box/state.json",
		"run/systemd/machines/deb",
		"etc/passwd",
		"proc/100/cgroup",
		"proc/100/status",
		"proc/100/cmdline",
	};
	uint64_t seed = 1;
	struct containers *cs;

	new_tree();
	docker("var/lib/docker", A64, "/web", 100);
	podman("var/lib/containers/storage", "run/containers/storage", C64, "box", 100);
	put(files[2], "{\"annotations\":{\"io.kubernetes.cri-o.ContainerType\":\"container\"}}");
	put(files[3],
	    "{\"init_process_pid\":100,\"cgroup_paths\":{\"a\":\"/docker\",\"b\":\"/b\"}}");
	put(files[4], "NAME=deb\nUNIT=docker\nCLASS=container\nLEADER=100\n");
	put(files[5], "u:x:1000:1000:u:/home/u:/bin/sh\n");
	process(100, "dockerd", "4:memory:/docker/" A64 "/lxc/x\n0::/lxc.payload.y\n", "100\t1", 7);
	arguments(100, "dockerd|--data-root|/var/lib/docker|--config-file=/etc/x|", "/");
	cs = look();
	for (int round = 0; round < 300; round++) {
		const char *name = files[random_number(&seed) % (sizeof(files) / sizeof(*files))];
		char path[2 * PATH_MAX];
		uint8_t *whole, *bytes;
		size_t len;

		snprintf(path, sizeof(path), "%s", in_tree(name));
		whole = read_bytes(path, &len);
		bytes = malloc(len + 1);
		MUST(whole && bytes && len);
		memcpy(bytes, whole, len);
		for (unsigned int n = random_number(&seed) % 4 + 1; n; n--)
			bytes[random_number(&seed) % len] = (uint8_t)random_number(&seed);
		write_bytes(path, bytes, len - random_number(&seed) % 3 % len);
		CHECK_EQ(containers__refresh(cs), 0);
		for (size_t i = 0; i < containers__count(cs); i++)
			CHECK(containers__at(cs, i)->display && *containers__at(cs, i)->id);
		containers__of_process(cs, 100);
		write_bytes(path, whole, len);
		free(whole);
		free(bytes);
	}
	CHECK_EQ(containers__refresh(cs), 0);
	CHECK_STR(find(cs, A64), "docker web");
	containers__free(cs);
}

/* Those of a daemon in a container, or of a user. */
TEST(symbolic_links_do_not_lead_out_of_the_root)
{
	struct containers *cs;

	new_tree();
	write_bytes(in_scratch("outside.json"), "{\"ID\":\"" A64 "\",\"Name\":\"/secret\"}", 85);
	in_tree("var/lib/docker/containers/" A64 "/x");
	MUST(symlink(in_scratch("outside.json"),
		     in_tree("var/lib/docker/containers/" A64 "/config.v2.json")) == 0);
	docker("real", B64, "/inside", 0);
	MUST(symlink("/real/containers/" B64, in_tree("var/lib/docker/containers/" B64)) == 0);
	cs = look();
	CHECK_STR(find(cs, "secret"), "ENOENT");
	CHECK_STR(find(cs, "inside"), "docker inside");
	containers__free(cs);
}

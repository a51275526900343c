/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's containers, by the files that it keeps. */
#include "trees.h"

TEST(docker_containers_are_found_by_name_id_and_process)
{
	struct containers *cs;
	const struct container *c;

	new_tree();
	docker("var/lib/docker", A64, "/web", 100);
	docker("var/lib/docker", C64, "/old", 0);
	process(100, "app", "4:memory:/docker/" A64 "\n1:name=systemd:/docker/" A64 "\n0::/\n",
		"100\t1", 7);
	process(101, "worker", "4:memory:/docker/" A64 "/sub\n0::/\n", "101\t5", 7);
	process(102, "bash", "4:memory:/user\n0::/\n", "102", 1);
	cs = look();
	CHECK_EQ(containers__count(cs), 2);
	CHECK_STR(find(cs, "web"), "docker web");
	CHECK_STR(find(cs, "docker:web"), "docker web");
	CHECK_STR(find(cs, "podman:web"), "ENOENT docker web");
	CHECK_STR(find(cs, A64), "docker web");
	CHECK_STR(find(cs, "a1b2"), "docker web");
	CHECK_STR(find(cs, "A1B2"), "ENOENT docker web");
	CHECK_STR(find(cs, "we"), "ENOENT docker web");
	CHECK_STR(find(cs, ""), "ENOENT docker web");
	CHECK_STR(find(cs, "/"), "ENOENT docker web");
	CHECK_STR(find(cs, "pid:101"), "docker web");
	CHECK_STR(find(cs, "pid:102"), "ESRCH");
	CHECK_STR(find(cs, "pid:103"), "ESRCH");
	CHECK_STR(find(cs, "pid:-1"), "ESRCH");
	CHECK_STR(find(cs, "pid:"), "ESRCH");
	CHECK_STR(find(cs, "pid:99999999999"), "ESRCH");
	c = found(cs, "old");
	CHECK_EQ(c->init_pid, 0);
	CHECK_EQ(c->ncgroups, 0);
	c = found(cs, "web");
	CHECK_EQ(c->init_pid, 100);
	CHECK_EQ(c->ncgroups, 1);
	CHECK_STR(c->cgroups[0].controllers, "memory");
	CHECK_STR(c->cgroups[0].path, "/docker/" A64);
	CHECK_EQ(c->pidns, 7);
	CHECK_EQ(c->pidns_level, 1);
	CHECK_STR(c->id, A64);
	CHECK(!c->pod && !c->namespace);
	CHECK(containers__of_process(cs, 101) == c);
	CHECK(!containers__of_process(cs, 102));
	CHECK(!containers__of_process(cs, 1000));
	CHECK(containers__of_cgroup(cs, "/system.slice/docker-" A64 ".scope/init.scope") == c);
	CHECK(!containers__of_cgroup(cs, "/system.slice/x.service"));
	containers__free(cs);
}

/* By a daemon's arguments or its configuration. */
TEST(docker_containers_are_found_below_other_data_roots)
{
	struct containers *cs;

	new_tree();
	docker("srv/d1", A64, "/one", 100);
	docker("srv/d2", B64, "/two", 101);
	docker("srv/d3", C64, "/three", 0);
	process(100, "app", "0::/docker/" A64 "\n", "100\t1", 7);
	process(101, "app", "0::/docker/" B64 "\n", "101\t1", 8);
	process(200, "dockerd", "0::/\n", "200", 1);
	process(201, "dockerd", "0::/\n", "201", 1);
	process(202, "dockerd", "0::/\n", "202", 1);
	arguments(200, "dockerd|--data-root|/srv/d1|", "/");
	arguments(201, "dockerd|--data-root=/srv/d2|", "/");
	arguments(202, "dockerd|--config-file|/srv/daemon.json|", "/");
	put("srv/daemon.json", "{\"data-root\": \"/srv/d3\"}");
	cs = look();
	CHECK_STR(find(cs, "one"), "docker one");
	CHECK_STR(find(cs, "two"), "docker two");
	CHECK_STR(find(cs, "three"), "docker three");
	CHECK_STR(find(cs, "a1b2"), "ENOTUNIQ docker one docker two");
	CHECK_STR(find(cs, "a1b2f"), "docker two");
	containers__free(cs);
}

/* The files of a daemon in a container have pids as the daemon sees them. */
TEST(docker_in_docker_is_found)
{
	struct containers *cs;
	const struct container *c;

	new_tree();
	docker("var/lib/docker", A64, "/outer", 100);
	docker("srv/inner", B64, "/inner", 5);
	docker("srv/inner", C64, "/idle", 6);
	process(5, "other", "0::/\n", "5\t1", 12);
	process(6, "other", "0::/\n", "6\t1", 13);
	process(100, "init", "0::/docker/" A64 "\n", "100\t1", 7);
	process(101, "dockerd", "0::/docker/" A64 "\n", "101\t2", 7);
	process(102, "app", "0::/docker/" A64 "/docker/" B64 "\n", "102\t5\t1", 8);
	arguments(101, "dockerd|--data-root=/srv/inner|", "/");
	cs = look();
	CHECK_EQ(found(cs, "outer")->init_pid, 100);
	c = found(cs, "inner");
	CHECK_EQ(c->init_pid, 102);
	CHECK_EQ(c->pidns_level, 2);
	CHECK_STR(c->cgroups[0].path, "/docker/" A64 "/docker/" B64);
	CHECK(containers__of_process(cs, 102) == c);
	CHECK_EQ(found(cs, "idle")->init_pid, 0);
	containers__free(cs);
}

/* Files stay behind, and process ids are used again. */
TEST(stale_pids_in_files_are_not_believed)
{
	struct containers *cs;

	new_tree();
	docker("var/lib/docker", A64, "/stale", 100);
	docker("var/lib/docker", C64, "/other", 101);
	docker("var/lib/docker", D64, "/gone", 102);
	process(100, "bash", "0::/user.slice\n", "100", 1);
	process(101, "init", "0::/docker/" B64 "\n", "101\t1", 9);
	cs = look();
	CHECK_EQ(found(cs, "stale")->init_pid, 0);
	CHECK_EQ(found(cs, "other")->init_pid, 0);
	CHECK_EQ(found(cs, "gone")->init_pid, 0);
	CHECK_EQ(found(cs, B64)->init_pid, 101);
	CHECK_STR(find(cs, B64), "docker a1b2ffffe5f6");
	containers__free(cs);
}

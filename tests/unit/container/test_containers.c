/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers are found in trees of files such as each runtime keeps, hostile ones among them. */
#include "trees.h"

/* ---- runtimes ---- */

TEST(podman_containers_of_root_users_and_other_roots_are_found)
{
	struct containers *cs;
	const struct container *c;

	new_tree();
	podman("var/lib/containers/storage", "run/containers/storage", A64, "web", 100);
	podman("home/u/.local/share/containers/storage", "run/user/1000/containers", B64, "mine",
	       101);
	podman("srv/graph", "srv/run", C64, "hidden", 102);
	put("etc/passwd", "root:x:0:0::/root:/bin/sh\nbad\nu:x:1000:1000:a,b:/home/u:/bin/sh\n");
	process(90, "conmon", "0::/libpod_parent/conmon\n", "90", 1);
	arguments(90,
		  "conmon|-c|" C64 "|-n|hidden|-b|/srv/graph/overlay-containers/" C64 "/userdata|"
		  "-p|/srv/run/overlay-containers/" C64 "/userdata/pidfile|",
		  "/");
	/* conmon has the id in its cgroup too, and is not part of the container. */
	process(99, "conmon", "0::/machine.slice/libpod-conmon-" A64 ".scope\n", "99", 1);
	process(100, "app", "0::/machine.slice/libpod-" A64 ".scope/container\n", "100\t1", 7);
	process(101, "app", "0::/user.slice/user@1000.service/user.slice/libpod-" B64 ".scope\n",
		"101\t1", 8);
	/* Without a cgroup of its own: recognised by its PID namespace. */
	process(102, "app", "4:memory:/login\n0::/\n", "102\t1", 4026532000u);
	cs = look();
	CHECK_EQ(containers__count(cs), 3);
	c = found(cs, "web");
	CHECK_EQ(c->init_pid, 100);
	CHECK_STR(c->cgroups[0].path, "/machine.slice/libpod-" A64 ".scope");
	CHECK(!containers__of_process(cs, 99));
	CHECK_STR(find(cs, "mine"), "podman mine");
	CHECK_EQ(found(cs, "mine")->init_pid, 101);
	c = found(cs, "hidden");
	CHECK_STR(c->runtime, "podman");
	CHECK_EQ(c->init_pid, 102);
	CHECK_EQ(c->ncgroups, 0);
	CHECK_EQ(c->pidns, 4026532000u);
	CHECK_EQ(c->pidns_level, 1);
	CHECK_EQ(containers__cgroup(c, &(struct cgroup){ 0 }), -EOPNOTSUPP);
	containers__free(cs);
}

static void task(const char *state, const char *namespace, const char *id, int pid,
		 const char *annotations)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/io.containerd.runtime.v2.task/%s/%s/", state, namespace,
		 id);
	putf(path, "init.pid", "%d", pid);
	putf(path, "config.json",
	     "{\"ociVersion\":\"1.0\",\"annotations\":{%s},\"linux\":{\"cgroupsPath\":\"/%s/%s\"}}",
	     annotations, namespace, id);
}

#define CRI(type, name, pod, namespace)                                                            \
	"\"io.kubernetes.cri.container-type\":\"" type "\"," name                                  \
	"\"io.kubernetes.cri.sandbox-name\":\"" pod                                                \
	"\",\"io.kubernetes.cri.sandbox-namespace\":\"" namespace "\""
#define CRI_NAME(n) "\"io.kubernetes.cri.container-name\":\"" n "\","

TEST(kubernetes_containers_are_found_by_namespace_pod_and_name)
{
	static const char all[] = "ENOENT k8s default/web-7d4-x1/app "
				  "k8s default/web-7d4-x1/sidecar k8s prod/db-0/app";
	struct containers *cs;
	const struct container *c;

	new_tree();
	task("run/containerd", "k8s.io", A64, 100,
	     CRI("container", CRI_NAME("app"), "web-7d4-x1", "default"));
	task("run/containerd", "k8s.io", B64, 101,
	     CRI("container", CRI_NAME("sidecar"), "web-7d4-x1", "default"));
	task("run/containerd", "k8s.io", C64, 102, CRI("sandbox", "", "web-7d4-x1", "default"));
	task("run/k3s/containerd", "k8s.io", D64, 103,
	     CRI("container", CRI_NAME("app"), "db-0", "prod"));
	process(80, "containerd-shim", "0::/system.slice\n", "80", 1);
	arguments(80, "containerd-shim-runc-v2|",
		  "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" D64);
	process(100, "app", "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" A64 ".scope\n",
		"100\t1", 7);
	process(101, "side", "0::/kubepods/burstable/pod1/" B64 "\n", "101\t1", 8);
	process(102, "pause", "0::/kubepods/burstable/pod1/" C64 "\n", "102\t1", 9);
	process(103, "app", "0::/system.slice:cri-containerd:" D64 "\n", "103\t1", 10);
	cs = look();
	CHECK_STR(find(cs, "default/web-7d4-x1/app"), "k8s default/web-7d4-x1/app");
	CHECK_STR(find(cs, "web-7d4-x1/sidecar"), "k8s default/web-7d4-x1/sidecar");
	CHECK_STR(find(cs, "sidecar"), "k8s default/web-7d4-x1/sidecar");
	CHECK_STR(find(cs, "db-0"), "k8s prod/db-0/app");
	CHECK_STR(find(cs, "prod"), "k8s prod/db-0/app");
	CHECK_STR(find(cs, "prod/db-0"), "k8s prod/db-0/app");
	CHECK_STR(find(cs, "prod/app"), all);
	CHECK_STR(find(cs, "web/sidecar"), "k8s default/web-7d4-x1/sidecar");
	CHECK_STR(find(cs, "db"), "k8s prod/db-0/app");
	CHECK_STR(find(cs, "app"), "ENOTUNIQ k8s default/web-7d4-x1/app k8s prod/db-0/app");
	CHECK_STR(find(cs, "web-7d4-x1"),
		  "ENOTUNIQ k8s default/web-7d4-x1/app k8s default/web-7d4-x1/sidecar");
	CHECK_STR(find(cs, "default/web-7d4-x1/app/more"), all);
	CHECK_STR(find(cs, C64), "k8s default/web-7d4-x1/(pause)");
	c = found(cs, D64);
	CHECK_STR(c->cgroups[0].path, "/system.slice:cri-containerd:" D64);
	CHECK_STR(c->pod, "db-0");
	CHECK_STR(c->namespace, "prod");
	CHECK_STR(c->name, "app");
	/* Another scan changes nothing. */
	CHECK_EQ(containers__refresh(cs), 0);
	CHECK_STR(c->namespace, "prod");
	CHECK_STR(c->display, "k8s prod/db-0/app");
	containers__free(cs);
}

/* A container that restarted. */
TEST(a_running_container_is_preferred_to_one_that_ended)
{
	struct containers *cs;

	new_tree();
	task("run/containerd", "k8s.io", A64, 100,
	     CRI("container", CRI_NAME("app"), "web", "default"));
	task("run/containerd", "k8s.io", B64, 101,
	     CRI("container", CRI_NAME("app"), "web", "default"));
	process(101, "app", "0::/kubepods/pod1/" B64 "\n", "101\t1", 8);
	cs = look();
	CHECK_STR(found(cs, "web/app")->id, B64);
	containers__free(cs);
}

TEST(containerd_tasks_are_found_without_kubernetes)
{
	struct containers *cs;

	new_tree();
	task("run/containerd", "default", "redis", 100, "");
	task("run/containerd", "other", "redis", 101,
	     "\"nerdctl/name\":\"cache\",\"nerdctl/namespace\":\"other\"");
	task("run/containerd", "moby", A64, 102, "");
	process(100, "redis", "0::/default/redis\n", "100\t1", 7);
	process(102, "web", "0::/docker/" A64 "\n", "102\t1", 9);
	cs = look();
	CHECK_STR(find(cs, A64), "docker a1b2c3d4e5f6");
	CHECK_STR(find(cs, "redis"), "containerd redis");
	CHECK_STR(find(cs, "default/redis"), "containerd redis");
	CHECK_STR(find(cs, "cache"), "containerd cache");
	CHECK_STR(find(cs, "other/cache"), "containerd cache");
	CHECK_EQ(found(cs, "default/redis")->init_pid, 100);
	CHECK_EQ(found(cs, "default/redis")->ncgroups, 1);
	CHECK_STR(found(cs, "default/redis")->cgroups[0].path, "/default/redis");
	containers__free(cs);
}

TEST(cri_o_containers_have_their_kubernetes_names)
{
	struct containers *cs;
	static const char dir[] = "run/containers/storage/overlay-containers/" A64 "/userdata/";

	new_tree();
	putf(dir, "config.json",
	     "{\"annotations\":{\"io.kubernetes.cri-o.ContainerType\":\"container\","
	     "\"io.kubernetes.container.name\":\"app\",\"io.kubernetes.pod.name\":\"web\","
	     "\"io.kubernetes.pod.namespace\":\"default\"}}");
	putf(dir, "pidfile", "100\n");
	podman("var/lib/containers/storage", "", A64, "k8s_app_web_default_u_0", 0);
	process(99, "conmon", "0::/kubepods.slice/crio-conmon-" A64 ".scope\n", "99", 1);
	process(100, "app", "0::/kubepods.slice/crio-" A64 ".scope\n", "100\t1", 7);
	cs = look();
	CHECK_EQ(containers__count(cs), 1);
	CHECK_STR(find(cs, "default/web/app"), "k8s default/web/app");
	CHECK_STR(found(cs, "web")->runtime, "cri-o");
	CHECK_EQ(found(cs, "web")->init_pid, 100);
	/* By the roster alone. */
	podman("var/lib/containers/storage", "", B64, "k8s_app_old_prod_u_0", 0);
	CHECK_STR(find(cs, "old"), "k8s prod/old/app");
	CHECK_STR(find(cs, "default/web/app"), "k8s default/web/app");
	podman("var/lib/containers/storage", "", C64, "k8s_POD_old_prod_u_0", 0);
	CHECK_STR(find(cs, C64), "k8s prod/old/(pause)");
	podman("var/lib/containers/storage", "", D64, "k8s_app_old_prod_u_0_more", 0);
	CHECK_STR(find(cs, D64), "podman k8s_app_old_prod_u_0_more");
	containers__free(cs);
}

TEST(runc_and_crun_containers_are_found)
{
	struct containers *cs;
	const struct container *c;

	new_tree();
	put("run/runc/box/state.json",
	    "{\"id\":\"box\",\"init_process_pid\":100,\"cgroup_paths\":"
	    "{\"\":\"/sys/fs/cgroup/unified/x/y\",\"memory\":\"/sys/fs/cgroup/memory/x/y\"}}");
	put("run/crun/box/status", "{\"pid\":101,\"cgroup-path\":\"/z\",\"bundle\":\"/b\"}");
	put("run/user/1000/crun/small/status", "{\"pid\":102,\"cgroup-path\":\"\"}");
	put("run/runc/" A64 "/state.json", "{\"init_process_pid\":103,\"cgroup_paths\":{}}");
	docker("var/lib/docker", A64, "/web", 0);
	process(100, "a", "4:memory:/x/y/inner\n0::/x/y\n", "100\t1", 7);
	process(101, "b", "4:memory:/z\n0::/z\n", "101\t1", 8);
	process(102, "c", "4:memory:/\n0::/\n", "102\t1", 9);
	process(103, "d", "0::/docker/" A64 "\n", "103\t1", 10);
	cs = look();
	CHECK_STR(find(cs, "box"), "ENOTUNIQ crun box runc box");
	c = found(cs, "runc:box");
	CHECK_EQ(c->init_pid, 100);
	CHECK_EQ(c->ncgroups, 2);
	CHECK_STR(c->cgroups[0].controllers, "");
	CHECK_STR(c->cgroups[0].path, "/x/y");
	CHECK_STR(c->cgroups[1].controllers, "memory");
	CHECK_STR(c->cgroups[1].path, "/x/y");
	CHECK(containers__of_process(cs, 100) == c);
	CHECK(containers__of_cgroup(cs, "/x/y/deep/er") == c);
	CHECK(!containers__of_cgroup(cs, "/x/yy"));
	c = found(cs, "crun:box");
	CHECK_EQ(c->ncgroups, 2);
	CHECK_STR(c->cgroups[0].path, "/z");
	c = found(cs, "small");
	CHECK_EQ(c->init_pid, 102);
	CHECK_EQ(c->ncgroups, 0);
	CHECK_EQ(c->pidns, 9);
	/* runc has it too, but docker knows its name. */
	c = found(cs, "web");
	CHECK_STR(c->display, "docker web");
	CHECK_EQ(c->init_pid, 103);
	containers__free(cs);
}

TEST(nspawn_machines_and_lxc_containers_are_found)
{
	struct containers *cs;
	const struct container *c;

	new_tree();
	put("run/systemd/machines/deb",
	    "# private\nNAME=deb\nUNIT=machine-deb.scope\nCLASS=container\nLEADER=100\n");
	put("run/systemd/machines/win",
	    "NAME=win\nSCOPE=machine-qemu.scope\nCLASS=vm\nLEADER=101\n");
	MUST(symlink("deb", in_tree("run/systemd/machines/unit:machine-deb.scope")) == 0);
	process(100, "systemd", "0::/machine.slice/machine-deb.scope/payload/init.scope\n",
		"100\t1", 7);
	process(101, "qemu", "0::/machine.slice/machine-qemu.scope\n", "101", 1);
	process(102, "systemd", "0::/lxc.payload.box/init.scope\n", "102\t1", 8);
	process(103, "lxc-start", "0::/lxc.monitor.box\n", "103", 1);
	process(104, "init", "4:memory:/lxc/old\n", "104\t1", 9);
	cs = look();
	CHECK_EQ(containers__count(cs), 3);
	c = found(cs, "deb");
	CHECK_STR(c->display, "nspawn deb");
	CHECK_STR(c->cgroups[0].path, "/machine.slice/machine-deb.scope");
	CHECK(containers__of_cgroup(
		  cs, "/machine.slice/machine-deb.scope/payload/system.slice/x") == c);
	c = found(cs, "box");
	CHECK_STR(c->display, "lxc box");
	CHECK_STR(c->cgroups[0].path, "/lxc.payload.box");
	CHECK_STR(find(cs, "old"), "lxc old");
	CHECK_STR(find(cs, "win"), "ENOENT lxc box lxc old nspawn deb");
	containers__free(cs);
}

/* Anything else that has a PID namespace. */
TEST(a_sandbox_is_found_by_one_of_its_processes)
{
	struct containers *cs;
	const struct container *c;

	new_tree();
	process(100, "bwrap", "0::/user.slice\n", "100", 1);
	process(101, "app", "0::/user.slice\n", "101\t2", 4026532111u);
	process(102, "app", "0::/user.slice\n", "102\t3", 4026532111u);
	cs = look();
	c = found(cs, "pid:101");
	CHECK_STR(c->display, "sandbox 4026532111");
	CHECK_EQ(c->ncgroups, 0);
	CHECK_EQ(c->pidns, 4026532111u);
	CHECK_EQ(c->pidns_level, 1);
	CHECK_EQ(c->init_pid, 101);
	CHECK(found(cs, "pid:102") == c);
	CHECK_STR(find(cs, "pid:100"), "ESRCH");
	containers__free(cs);
}

/* ---- changes ---- */

TEST(a_container_starts_is_renamed_and_ends)
{
	struct containers *cs;
	const struct container *c, *again;

	new_tree();
	cs = look();
	CHECK_STR(find(cs, "web"), "ENOENT");
	/* Its cgroup exists before anything else. */
	c = containers__of_cgroup(cs, "/docker/" A64);
	CHECK_STR(c->display, "docker a1b2c3d4e5f6");
	docker("var/lib/docker", A64, "/web", 0);
	CHECK_STR(find(cs, "web"), "docker web");
	again = containers__of_cgroup(cs, "/docker/" A64);
	CHECK(again == c);
	CHECK_STR(c->display, "docker web");
	process(100, "app", "0::/docker/" A64 "\n", "100\t1", 7);
	CHECK_EQ(found(cs, "web")->init_pid, 100);
	docker("var/lib/docker", A64, "/renamed", 100);
	CHECK_STR(find(cs, "renamed"), "docker renamed");
	CHECK_STR(find(cs, "web"), "ENOENT docker renamed");
	MUST(unlink(in_tree("proc/100/cgroup")) == 0);
	MUST(unlink(in_tree("var/lib/docker/containers/" A64 "/config.v2.json")) == 0);
	CHECK_STR(find(cs, "renamed"), "ENOENT");
	CHECK_STR(c->display, "docker renamed");
	CHECK_EQ(c->init_pid, 0);
	containers__free(cs);
}

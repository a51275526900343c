/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers are found in trees of files such as each runtime keeps, hostile ones among them. */
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/containers.h"
#include "container/runtime_files.h"
#include "scratch.h"
#include "test.h"

#define A64 "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90"
#define B64 "a1b2ffffe5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90"
#define C64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define D64 "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

/* ---- trees ---- */

static char tree[PATH_MAX];

static void new_tree(void)
{
	static int n;
	char name[32];

	snprintf(name, sizeof(name), "tree%d", n++);
	snprintf(tree, sizeof(tree), "%s", in_scratch(name));
	MUST(mkdir(tree, 0700) == 0);
}

/* A path in the tree; its directories are made. */
static const char *in_tree(const char *path)
{
	static char full[2 * PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", tree, path);
	for (char *p = full + strlen(tree) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		MUST(mkdir(full, 0700) == 0 || errno == EEXIST);
		*p = '/';
	}
	return full;
}

static void put(const char *path, const char *text)
{
	write_bytes(in_tree(path), text, strlen(text));
}

__attribute__((format(printf, 3, 4))) static void putf(const char *path, const char *name,
						       const char *fmt, ...)
{
	char full[PATH_MAX], text[16384];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(full, sizeof(full), "%s%s", path, name);
	put(full, text);
}

/* A process: `nspid` has its numbers in its PID namespaces, of which `ns` is the innermost. */
static void process(int pid, const char *comm, const char *cgroups, const char *nspid,
		    unsigned int ns)
{
	char dir[64], link[32];

	snprintf(dir, sizeof(dir), "proc/%d/", pid);
	putf(dir, "comm", "%s\n", comm);
	putf(dir, "cgroup", "%s", cgroups);
	putf(dir, "status", "Name:\t%s\nPid:\t%d\nNSpid:\t%s\nNSpgid:\t1\n", comm, pid, nspid);
	snprintf(link, sizeof(link), "pid:[%u]", ns);
	strcat(dir, "ns/pid");
	MUST(symlink(link, in_tree(dir)) == 0);
}

/* Its arguments, each ended by '|', and its working directory; its root is the tree. */
static void arguments(int pid, const char *args, const char *cwd)
{
	char path[64], *text = strdup(args);
	size_t len = strlen(text);

	for (char *p = text; (p = strchr(p, '|')); p++)
		*p = '\0';
	snprintf(path, sizeof(path), "proc/%d/cmdline", pid);
	write_bytes(in_tree(path), text, len);
	snprintf(path, sizeof(path), "proc/%d/root", pid);
	MUST(symlink(tree, in_tree(path)) == 0);
	snprintf(path, sizeof(path), "proc/%d/cwd", pid);
	MUST(symlink(cwd, in_tree(path)) == 0);
	free(text);
}

static struct containers *look(void)
{
	struct containers *cs = containers__new(tree);

	MUST(cs);
	CHECK_EQ(containers__refresh(cs), 0);
	return cs;
}

/* The display name of the container that is found, or the error and the candidates. */
static const char *find(struct containers *cs, const char *wanted)
{
	static char text[4096];
	const struct container *found, **candidates;
	size_t n;
	int err = containers__find(cs, wanted, &found, &candidates, &n);

	if (!err) {
		CHECK(!candidates);
		snprintf(text, sizeof(text), "%s", found->display);
		return text;
	}
	CHECK(!found);
	snprintf(text, sizeof(text), "%s", strerrorname_np(-err));
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
			 candidates[i]->display);
	free(candidates);
	return text;
}

static const struct container *found(struct containers *cs, const char *wanted)
{
	const struct container *c;
	int err = containers__find(cs, wanted, &c, NULL, NULL);

	if (err)
		printf("# %s: %s\n", wanted, strerror(-err));
	MUST(!err);
	return c;
}

/* ---- runtimes ---- */

static void docker(const char *data_root, const char *id, const char *name, int pid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/containers/%s/", data_root, id);
	putf(path, "config.v2.json",
	     "{\"State\":{\"Running\":%s,\"Pid\":%d},\"ID\":\"%s\",\"Name\":\"%s\",\"Config\":{"
	     "\"Labels\":{}}}",
	     pid ? "true" : "false", pid, id, name);
}

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

static void podman(const char *graph, const char *run, const char *id, const char *name, int pid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/overlay-containers/", graph);
	putf(path, "containers.json",
	     "[{\"id\":\"%s\",\"names\":[\"%s\"],\"metadata\":\"{}\"},{\"id\":5},7,{\"names\":[]}]",
	     id, name);
	if (!pid)
		return;
	snprintf(path, sizeof(path), "%s/overlay-containers/%s/userdata/", run, id);
	putf(path, "pidfile", "%d", pid);
}

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

/* ---- hostile trees ---- */

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
	char path[PATH_MAX];

	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		struct containers *cs;

		new_tree();
		snprintf(path, sizeof(path), "%s",
			 in_tree("var/lib/docker/containers/" A64 "/config.v2.json"));
		write_bytes(path, whole, len);
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

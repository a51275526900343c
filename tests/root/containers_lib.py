# SPDX-License-Identifier: GPL-2.0-or-later
"""Real containers for the root tests: docker and containerd with daemons of their own, podman, runc and crun.

Everything is kept below TMP, has no network, and is removed when the script ends: containers, daemons,
mounts, and new cgroups.
"""
import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import time

from lib import (PATIENCE, TMP, Program, Skip, path, read_truth, start, tool, true, wait_for)

ULIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
APPLETS = ("sh", "sleep", "cat", "env", "cp", "mv", "unshare", "kill", "touch", "true")


# ---- the machine ----

def run(argv, check=True, **kw):
    kw.setdefault("stdin", subprocess.DEVNULL)
    r = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, **kw)
    if check and r.returncode:
        raise AssertionError(f"{' '.join(map(str, argv))[:300]} ended with {r.returncode}:\n{r.stdout}{r.stderr}")
    return r.stdout.strip()


def hierarchies():
    """{controllers: mount point} of the cgroup hierarchies; the controllers of version 2 are ""."""
    found = {}
    with open("/proc/self/mountinfo") as f:
        for line in f:
            before, after = line.rstrip("\n").split(" - ")
            kind, _, options = after.split(" ")
            if kind == "cgroup2":
                found[""] = before.split(" ")[4]
            elif kind == "cgroup":
                found[options] = before.split(" ")[4]
    return found


def layout():
    """The machine's cgroup layout: "hybrid", "v1" or "v2"."""
    kinds = {key == "" for key in hierarchies()}
    return "hybrid" if len(kinds) == 2 else "v2" if True in kinds else "v1"


def cgroup_dirs():
    return {os.path.join(d, name) for mount in set(hierarchies().values())
            for d, names, _ in os.walk(mount) for name in names}


def processes_in(text):
    """The PIDs of the processes whose cgroup path contains a text."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/cgroup") as f:
                if text in f.read():
                    found.append(int(name))
        except OSError:
            pass
    return sorted(found)


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return None


_cleaners = []
_cgroups_before = cgroup_dirs() if os.geteuid() == 0 else set()


def _own_cgroups():
    """A pattern for the cgroups that this script made: others run at the same time."""
    engines = any(hasattr(clean, "__self__") for clean in _cleaners)
    return ("docker|libpod|" if engines else "") + rf"memtrace-test$|memtrace-test-{os.getpid()}\b"


def _clean():
    for clean in reversed(_cleaners):
        try:
            clean()
        except Exception as e:  # clean up the rest all the same
            print(f"# cleanup failed: {e}", flush=True)
    for _ in range(50):
        mounts = [line.split(" ")[4] for line in open("/proc/self/mountinfo") if f" {TMP}/" in line]
        for m in sorted(mounts, reverse=True):
            subprocess.run(["umount", "-l", m], capture_output=True)
        left = [d for d in cgroup_dirs() - _cgroups_before if re.search(_own_cgroups(), d)]
        for d in sorted(left, reverse=True):
            try:
                os.rmdir(d)
            except OSError:
                pass
        if not mounts and not left:
            return
        time.sleep(0.1)
    print(f"# left behind: {mounts} {left}", flush=True)


atexit.register(_clean)  # runs before lib's, which was registered earlier


def kill_wait(pids, number=signal.SIGKILL):
    """Ends processes that are not children of this one."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
    end = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{p}") for p in pids) and time.monotonic() < end:
        time.sleep(0.02)


# ---- root file systems ----

def libraries_of(exe):
    r = subprocess.run(["ldd", exe], capture_output=True, text=True)
    return re.findall(r"(/[^ )]+) \(0x", r.stdout)


def make_root(name, files, links=None):
    """Makes a root directory with busybox, files {path in it: path here}, and the libraries of these."""
    root = path(name)
    for d in ("bin", "proc", "sys", "dev", "tmp", "etc", "t"):
        os.makedirs(os.path.join(root, d))
    tool("busybox")
    shutil.copy(shutil.which("busybox"), os.path.join(root, "bin/busybox"))
    for a in APPLETS:
        os.symlink("busybox", os.path.join(root, "bin", a))
    wanted = dict(files)
    for here in files.values():
        for l in libraries_of(here):
            wanted.setdefault(l, l)
    for there, here in wanted.items():
        to = os.path.join(root, there.lstrip("/"))
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copy(os.path.realpath(here), to)
    for there, target in (links or {}).items():
        os.symlink(target, os.path.join(root, there.lstrip("/")))
    return root


# ---- programs in containers ----

class Inside(Program):
    """A Program in a container. `begin` starts the container; it is called with the program's environment and
    the directory that the container has as /t."""

    def __init__(self, begin, env=None):
        self.dir = path("t")
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o777)
        self.truth_path, self.go_path = os.path.join(self.dir, "truth"), os.path.join(self.dir, "go")
        os.mkfifo(self.go_path)
        os.chmod(self.go_path, 0o666)
        self.go_fd = None
        self.proc = None
        self.container = begin({**(env or {}), "TRUTH": "/t/truth", "GO": "/t/go"}, self.dir)

    def ready(self):
        wait_for(lambda: os.path.exists(self.truth_path + ".ready"), "the program in the container to start")
        return self

    def _there(self, suffix=""):
        return os.path.exists(self.truth_path + suffix)

    def end(self):
        if self.go_fd is not None:
            os.close(self.go_fd)
            self.go_fd = None

    def truth(self):
        return read_truth(self.truth_path)


def environment(env, flag):
    return [word for key, value in (env or {}).items() for word in (flag, f"{key}={value}")]


class Container:
    """A running container of `engine`."""

    def __init__(self, engine, name, ident, pid):
        self.engine, self.name, self.id, self.pid = engine, name, ident, pid

    def exec(self, argv, env=None, detach=True):
        return self.engine.exec(self, argv, env, detach)

    def processes(self, name=None):
        return [p for p in processes_in(self.id) if not name or comm(p) == name]

    def remove(self):
        self.engine.remove(self)


def mention(text):
    """The other processes that have a text in their arguments."""
    found = []
    for p in os.listdir("/proc"):
        try:
            with open(f"/proc/{p}/cmdline") as f:
                if p.isdigit() and text in f.read() and int(p) != os.getpid():
                    found.append(int(p))
        except OSError:
            pass
    return found


_names = 0


def unique_name():
    global _names
    _names += 1
    return f"memtrace-test-{os.getpid()}-{_names}"


# ---- docker ----

class Docker:
    """A docker daemon with all its files below TMP."""

    def __init__(self):
        tool("dockerd"), tool("docker"), tool("containerd")
        self.dir = path("docker")
        os.mkdir(self.dir)
        self.socket = os.path.join(self.dir, "s")
        _cleaners.append(self.stop)
        with open(os.path.join(self.dir, "log"), "wb") as log:
            self.daemon = start(
                ["dockerd", "--data-root", f"{self.dir}/data", "--exec-root", f"{self.dir}/exec",
                 "-H", f"unix://{self.socket}", "-p", f"{self.dir}/pid", "--iptables=false",
                 "--ip6tables=false", "--bridge=none", "--default-ulimit", "nofile=1024:1024"],
                stdout=log, stderr=log)
        try:
            wait_for(self.answers, "dockerd to answer", 20)
        except AssertionError as e:
            with open(os.path.join(self.dir, "log")) as log:
                raise Skip(f"dockerd does not run here: {log.read()[-500:]}") from e

    def answers(self):
        true(self.daemon.poll() is None, f"dockerd ended with {self.daemon.returncode}")
        return os.path.exists(self.socket) and not subprocess.run(
            self.argv("version"), capture_output=True).returncode

    def argv(self, *args):
        return ["docker", "-H", f"unix://{self.socket}", *args]

    def image(self, root):
        name = unique_name()
        tar = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
        run(self.argv("import", "-", name), stdin=tar.stdout)
        tar.wait()
        return name

    def run(self, image, argv, env=None, shared=None, options=(), name=None):
        name = name or unique_name()
        volume = ["-v", f"{shared}:/t"] if shared else []
        ident = run(self.argv("run", "-d", "--network", "none", "--name", name, *volume,
                              *environment(env, "-e"), *options, image, *argv)).split()[-1]
        pid = int(run(self.argv("inspect", "-f", "{{.State.Pid}}", name)))
        return Container(self, name, ident, pid)

    def exec(self, container, argv, env, detach):
        return run(self.argv("exec", *(["-d"] if detach else []), *environment(env, "-e"), container.name, *argv))

    def remove(self, container):
        run(self.argv("rm", "-f", container.name))

    def stop(self):
        if self.daemon.poll() is None and os.path.exists(self.socket):
            ids = run(self.argv("ps", "-aq"), check=False).split()
            if ids:
                run(self.argv("rm", "-f", *ids), check=False)
        if self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(15)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        # Its containerd, and shims that are still running.
        kill_wait(mention(f"{self.dir}/"))


# ---- containerd ----

class Containerd:
    """A containerd without its Kubernetes plugin, whose annotations are set by hand."""

    def __init__(self):
        tool("containerd"), tool("ctr")
        self.dir = path("containerd")
        os.mkdir(self.dir)
        self.containers = []
        with open(f"{self.dir}/config.toml", "w") as f:
            f.write(f'version = 2\nroot = "{self.dir}/root"\nstate = "{self.dir}/state"\n'
                    'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                    f'[grpc]\naddress = "{self.dir}/s"\n')
        _cleaners.append(self.stop)
        with open(f"{self.dir}/log", "wb") as log:
            self.daemon = start(["containerd", "-c", f"{self.dir}/config.toml"], stdout=log, stderr=log)
        wait_for(lambda: not subprocess.run(self.argv("default", "version"), capture_output=True).returncode,
                 "containerd to answer", 20)

    def argv(self, space, *args):
        return ["ctr", "-a", f"{self.dir}/s", "-n", space, *args]

    def run(self, root, argv, env=None, shared=None, space="default", ident=None, annotations=None):
        ident = ident or unique_name()
        words = environment(env, "--env") + environment(annotations, "--annotation")
        if shared:
            words += ["--mount", f"type=bind,src={shared},dst=/t,options=rbind:rw"]
        self.containers.append((space, ident))
        with open(f"{self.dir}/{ident}", "wb") as out:  # the shim keeps it open: reading a pipe would not end
            subprocess.run(self.argv(space, "run", "-d", "--rootfs", "--cgroup", f"/memtrace-test/{ident}", *words,
                                     root, ident, *argv),
                           stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=PATIENCE, check=True)
        pid = [line.split()[1] for line in run(self.argv(space, "task", "ls")).splitlines() if ident in line][0]
        return Container(self, ident, ident, int(pid))

    def remove(self, container):
        for space, ident in self.containers:
            if ident == container.id:
                run(self.argv(space, "task", "kill", "-a", "-s", "KILL", ident), check=False)
                run(self.argv(space, "task", "rm", "-f", ident), check=False)
                run(self.argv(space, "container", "rm", ident), check=False)
        self.containers = [c for c in self.containers if c[1] != container.id]

    def stop(self):
        for _, ident in list(self.containers):
            self.remove(Container(self, ident, ident, 0))
        if self.daemon.poll() is None:
            self.daemon.terminate()
            self.daemon.wait(15)
        kill_wait(mention(f"{self.dir}/"))


# ---- a cgroup of our own ----

def remove_cgroup(cgroup):
    with open(os.path.join(cgroup, "cgroup.procs")) as f:
        kill_wait([int(p) for p in f.read().split()])
    os.rmdir(cgroup)


def make_cgroup():
    mounts = hierarchies()
    keys = [k for k in mounts if k == ""] or [k for k in mounts if "memory" in k]
    if not keys:
        raise Skip("no cgroups are mounted")
    cgroup = os.path.join(mounts[keys[0]], f"memtrace-test-{os.getpid()}")
    os.mkdir(cgroup)
    _cleaners.append(lambda: remove_cgroup(cgroup))
    return cgroup


_cgroup = None


def cgroup():
    global _cgroup
    _cgroup = _cgroup or make_cgroup()
    return _cgroup


def inside(argv):
    return ["/bin/sh", "-c", f'echo $$ > {cgroup()}/cgroup.procs && exec "$@"', "sh", *argv]


# ---- cgroup layouts ----

def view(kind):
    """A shell command that changes the mounts of its namespace to that layout."""
    here = layout()
    if kind == here:
        return ":"
    if here != "hybrid":
        raise Skip(f"the machine has cgroups {here} only")
    unified = hierarchies()[""]
    if kind == "v1":
        return f"mount --make-rprivate / && umount {unified}"
    top = os.path.commonpath(list(hierarchies().values()))
    return f"mount --make-rprivate / && umount -R {top} && mount -t cgroup2 none {top}"


def in_view(kind, argv):
    return ["unshare", "-m", "sh", "-c", f"{view(kind)} && exec \"$@\"", "sh", *argv]


# ---- podman ----

class Podman:
    """podman with storage and state below TMP, and with a given cgroup layout."""

    def __init__(self, runtime="runc", kind="hybrid"):
        tool("podman"), tool(runtime), tool("conmon")
        self.runtime, self.kind = runtime, kind
        self.dir = path("podman")
        os.mkdir(self.dir)
        self.argv()
        _cleaners.append(self.stop)

    def argv(self, *args):
        return in_view(self.kind, [
            "podman", "--root", f"{self.dir}/root", "--runroot", f"{self.dir}/run", "--tmpdir", f"{self.dir}/tmp",
            "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", self.runtime, *args])

    def image(self, root):
        name = unique_name()
        tar = path("tar")
        run(["tar", "-C", root, "-cf", tar, "."])
        run(self.argv("import", tar, name))
        os.unlink(tar)
        return name

    def run(self, image, argv, env=None, shared=None, options=(), name=None):
        name = name or unique_name()
        volume = ["-v", f"{shared}:/t"] if shared else []
        limits = ["--pids-limit=0"] if self.kind == "v2" else []
        if self.runtime == "crun" and self.kind == "v2":
            limits.append("--privileged")
        ident = run(self.argv("run", "-d", "--network=none", *ULIMITS, *limits, "--name", name, *volume,
                              *environment(env, "-e"), *options, image, *argv)).split()[-1]
        pid = int(run(self.argv("inspect", "-f", "{{.State.Pid}}", name)))
        return Container(self, name, ident, pid)

    def exec(self, container, argv, env, detach):
        return run(self.argv("exec", *(["-d"] if detach else []), *environment(env, "-e"), container.name, *argv))

    def remove(self, container):
        run(self.argv("rm", "-f", "-t", "0", container.name))

    def stop(self):
        run(self.argv("rm", "-af", "-t", "0"), check=False)
        kill_wait(mention(f"{self.dir}/"))


# ---- runc alone ----

class Runc:
    """runc or crun without an engine above it."""

    def __init__(self, runtime="runc", kind="hybrid"):
        tool(runtime)
        self.runtime, self.kind = runtime, kind
        self.names = []
        in_view(kind, [])
        _cleaners.append(self.stop)

    def run(self, root, argv, env=None, shared=None, cgroup=None):
        name, bundle = unique_name(), path("bundle")
        os.mkdir(bundle)
        run(["runc", "spec"], cwd=bundle)
        with open(f"{bundle}/config.json") as f:
            spec = json.load(f)
        spec["process"].update(terminal=False, args=list(argv))
        spec["process"]["env"] += [f"{k}={v}" for k, v in (env or {}).items()]
        spec["process"].pop("rlimits", None)  # they need CAP_SYS_RESOURCE
        spec["root"] = {"path": os.path.realpath(root), "readonly": False}
        spec["linux"]["cgroupsPath"] = cgroup or f"/memtrace-test/{name}"
        spec["linux"]["resources"] = {}
        if shared:
            spec["mounts"].append({"destination": "/t", "type": "bind", "source": shared, "options": ["bind"]})
        with open(f"{bundle}/config.json", "w") as f:
            json.dump(spec, f)
        self.names.append(name)
        with open(f"{bundle}/out", "wb") as out:  # the container keeps it open: reading a pipe would not end
            r = subprocess.run(in_view(self.kind, [self.runtime, "run", "-d", "--bundle", bundle, "--pid-file",
                                                   f"{bundle}/pid", name]),
                               stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=PATIENCE)
        if r.returncode:
            with open(f"{bundle}/out", errors="replace") as f:
                raise AssertionError(f"{self.runtime} ended with {r.returncode}: {f.read()}")
        with open(f"{bundle}/pid") as f:
            return Container(self, name, name, int(f.read()))

    def exec(self, container, argv, env, detach):
        return run(in_view(self.kind, [self.runtime, "exec", *(["-d"] if detach else []),
                                       *environment(env, "-e"), container.name, *argv]))

    def remove(self, container):
        run(in_view(self.kind, [self.runtime, "delete", "-f", container.name]), check=False)

    def stop(self):
        for name in self.names:
            run(in_view(self.kind, [self.runtime, "delete", "-f", name]), check=False)

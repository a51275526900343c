#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Real containers: exactly what their programs did, with any C library and allocator, and nothing of other
processes."""
import subprocess

from containers_lib import *
from lib import *

SOURCE = "functions.c"
JEMALLOC, TCMALLOC, MIMALLOC = "libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2"
LD_MUSL = "/lib/ld-musl-x86_64.so.1"


# ---- images ----

def glibc_root():
    files = {"/bin/functions": build(SOURCE), "/bin/sizes": build("sizes.c")}
    for there, how in (("/bin/static-glibc", dict(flags=("-static", "-DSTATIC"))),
                       ("/bin/static-musl", dict(cc="musl-gcc", flags=("-static",)))):
        files[there] = build(SOURCE, *how.pop("flags"), **how)
    for name in (JEMALLOC, TCMALLOC, MIMALLOC):
        files[f"/lib/{name}"] = library(name)
    if shutil.which("redis-server"):
        files["/bin/redis-server"] = os.path.realpath(shutil.which("redis-server"))
    return make_root("glibc", files)


def musl_root():
    true(os.path.exists(LD_MUSL), f"{LD_MUSL} does not exist")
    return make_root("musl", {"/bin/functions": build(SOURCE, cc="musl-gcc"), LD_MUSL: LD_MUSL})


_made = {}


def once(make, *args):
    """Makes something that takes long only once; does not try again if it failed."""
    if (make, args) not in _made:
        try:
            _made[make, args] = make(*args)
        except (AssertionError, Skip) as e:
            _made[make, args] = e
    made = _made[make, args]
    if isinstance(made, Exception):
        raise made
    return made


def docker():
    return once(Docker)


def podman(runtime="runc", kind=None):
    return once(Podman, runtime, kind or layout())


def image(engine, make_root_of=glibc_root):
    return once(engine.image, once(make_root_of))


# ---- tracing ----

def begin(engine, argv, env=None, root=glibc_root, options=()):
    """A program in a new container, waiting for go()."""
    return Inside(lambda e, shared: engine.run(image(engine, root), argv, e, shared, options), env).ready()


def trace(*options):
    return Memtrace(*EVERYTHING, "--probe-throwing", *options).attached()


def finish(m, unmatched=0):
    equal(m.interrupt(), 0, f"the exit status (standard error: {m.stderr()})")
    report = m.final()
    if unmatched is not None:
        equal(report["unmatched_frees"], unmatched, "unmatched_frees")
    return report


def exact(program, *options):
    """Traces the program's container while it works, and compares."""
    m = trace(*(options or ("-c", program.container.name)))
    program.go()
    report = finish(m)
    compare(report, program.truth(), SOURCE)
    program.end()
    program.container.remove()
    return report


def settle(m):
    """Waits until a C library that is new to memtrace is probed, which it logs with --verbose."""
    wait_for(lambda: re.search(r"probed \d+ functions in \S*/libc\.so", m.stderr()), "the C library to be probed")


PROGRAMS_INSIDE = (
    ("glibc", ["/bin/functions"], None, glibc_root),
    ("musl", ["/bin/functions"], None, musl_root),
    ("static glibc", ["/bin/static-glibc"], None, glibc_root),
    ("static musl", ["/bin/static-musl"], None, glibc_root),
    ("jemalloc", ["/bin/functions"], {"LD_PRELOAD": f"/lib/{JEMALLOC}"}, glibc_root),
    ("tcmalloc", ["/bin/functions"], {"LD_PRELOAD": f"/lib/{TCMALLOC}"}, glibc_root),
    ("mimalloc", ["/bin/functions"], {"LD_PRELOAD": f"/lib/{MIMALLOC}"}, glibc_root),
)

for engine_name, engine in (("docker", docker), ("podman", podman)):
    for name, argv, env, root in PROGRAMS_INSIDE:
        with case(f"{engine_name}: {name}"):
            exact(begin(engine(), argv, env, root))

# ---- names ----

with case("docker: by the id, and by its beginning"):
    p = begin(docker(), ["/bin/functions"])
    m = trace("-c", p.container.id)
    equal([row["pid"] for row in finish(m)["processes"]], [p.container.pid], "the processes")
    exact(p, "-c", p.container.id[:10])

with case("the container's name is in the report"):
    p = begin(docker(), ["/bin/functions"])
    report = exact(p)
    rows = {row["pid"]: row["container"] for row in report["processes"]}
    true(p.container.name in (rows.get(p.container.pid) or ""), f"the container's name is not in {rows}")

with case("an unknown name is answered with a list"):
    a, b = (begin(docker(), ["/bin/functions"]) for _ in range(2))
    m = Memtrace("-c", "no-such-container", "-d", "1")
    equal(m.wait(), 1, "the exit status")
    for p in (a, b):
        true(p.container.name in m.stderr(), f"{p.container.name} is not in: {m.stderr()}")
    a.container.remove()
    b.container.remove()

with case("JSON for a fixed time"):
    p = begin(docker(), ["/bin/functions"])
    m = Memtrace("-c", p.container.name, "-d", "3", "-f", "json", "-t", "1000000", "--probe-throwing").attached()
    p.go()
    equal(m.wait(), 0, f"the exit status (standard error: {m.stderr()})")
    compare(m.final(), p.truth(), SOURCE)
    p.end()
    p.container.remove()

# ---- processes ----

with case("one of two containers of one image"):
    a, b = (begin(docker(), ["/bin/functions"]) for _ in range(2))
    m = trace("-c", a.container.name)
    b.go()
    a.go()
    report = finish(m)
    compare(report, a.truth(), SOURCE)
    equal([row["pid"] for row in report["processes"]], [a.container.pid], "the processes")
    for p in (a, b):
        p.end()
        p.container.remove()

with case("both of them, by their parent cgroup"):
    a, b = (begin(docker(), ["/bin/functions"]) for _ in range(2))
    mounts = hierarchies()
    above = os.path.join(mounts.get("memory") or mounts[""], "docker")
    if not os.path.isdir(above):
        raise Skip(f"docker does not make {above}")
    m = trace("-g", above)
    a.go()
    b.go()
    report = finish(m)
    for p in (a, b):
        compare(report, p.truth(), SOURCE, pid=p.container.pid)
    equal(sorted(row["pid"] for row in report["processes"]), sorted(p.container.pid for p in (a, b)), "the processes")
    for p in (a, b):
        p.end()
        p.container.remove()

for engine_name, engine in (("docker", docker), ("podman", podman)):
    with case(f"{engine_name}: exec into the container"):
        box = engine().run(image(engine()), ["/bin/sleep", "1000"])
        m = trace("--no-miss", "-c", box.name)
        # Twice: at the second time the file is known, and the program is not held.
        for _ in range(2):
            shared = path("t")
            os.mkdir(shared)
            p = Inside(lambda env, _: box)
            p.truth_path = os.path.join(f"/proc/{box.pid}/root/tmp", os.path.basename(shared))
            inside = os.path.join("/tmp", os.path.basename(shared))
            box.exec(["/bin/functions"], {"TRUTH": inside})
            wait_for(lambda: os.path.exists(p.truth_path), "the program to finish")
            truth = p.truth()
            wait_for(lambda: not box.processes("functions"), "the program to end")
        # The runtime's process enters the cgroup before it execs, and frees blocks that it had before.
        report = finish(m, unmatched=None)
        pids = [row["pid"] for row in report["processes"] if row["comm"] == "functions"]
        equal(len(pids), 2, "the programs in the report")
        for pid in pids:
            compare(report, truth, SOURCE, pid=pid)
        box.remove()

LATER = ["/bin/sh", "-c", "while ! [ -e /t/now ]; do sleep 0.05; done; /bin/functions; true"]


def later(p):
    open(os.path.join(p.dir, "now"), "w").close()
    p.ready()


with case("a process started later, from new files"):
    p = Inside(lambda env, shared: docker().run(image(docker()), LATER, env, shared))
    m = trace("-v", "-c", p.container.name)
    later(p)
    settle(m)
    p.go()
    report = finish(m)
    compare(report, p.truth(), SOURCE)
    p.end()
    p.container.remove()

with case("a process started later, with --no-miss"):
    p = Inside(lambda env, shared: docker().run(image(docker()), LATER, env, shared))
    m = trace("--no-miss", "-c", p.container.name)
    # This program does not wait for go().
    os.unlink(p.go_path)
    os.symlink("/dev/null", p.go_path)
    later(p)
    truth = p.finished()
    wait_for(lambda: not p.container.processes("functions"), "the program to end")
    compare(finish(m), truth, SOURCE)
    p.container.remove()

with case("--wait for a container that does not exist yet"):
    engine, name = docker(), unique_name()
    image(engine)
    m = Memtrace(*EVERYTHING, "--probe-throwing", "--wait", "-c", name)
    wait_for(lambda: "memtrace: " in m.stderr() or m.proc.poll() is not None, "memtrace to say that it waits")
    shared = path("t")
    os.mkdir(shared)
    box = engine.run(image(engine), ["/bin/functions"], {"TRUTH": "/t/truth"}, shared, name=name)
    wait_for(lambda: os.path.exists(f"{shared}/truth"), "the program to finish")
    wait_for(lambda: not os.path.exists(f"/proc/{box.pid}"), "the program to end")
    # The runtime's own programs in the container's cgroup are of the container, too.
    report = finish(m, unmatched=None)
    pids = [row["pid"] for row in report["processes"] if row["comm"] == "functions"]
    equal(len(pids), 1, "the programs in the report")
    compare(report, read_truth(f"{shared}/truth"), SOURCE, pid=pids[0])
    box.remove()

with case("the first process of a container hands over to another, and ends"):
    # As those of a runtime do while a container starts.
    box_id = os.urandom(32).hex()
    mounts = hierarchies()
    mount = mounts[""] if "" in mounts else next(mounts[key] for key in mounts if "memory" in key.split(","))
    cgroup = os.path.join(mount, f"docker-{box_id}.scope")
    os.mkdir(cgroup)
    sleepers = [start(["/bin/sleep", "1000"]) for _ in range(2)]
    try:
        for sleeper in sleepers:
            with open(f"{cgroup}/cgroup.procs", "w") as f:
                f.write(str(sleeper.pid))
        m = Memtrace("-f", "json", "-i", "1", "-c", box_id).attached()
        first, second = sorted(sleepers, key=lambda p: p.pid)
        first.kill()
        first.wait()
        # It looks at its containers several times between two reports.
        seen = len(m.reports())
        wait_for(lambda: m.proc.poll() is not None or len(m.reports()) > seen + 1, "reports")
        true(m.proc.poll() is None, "memtrace ended before the container")
        second.kill()
        second.wait()
        equal(m.wait(), 0, "the exit status")
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()
        os.rmdir(cgroup)

with case("a replaced libc"):
    p = begin(docker(), ["/bin/functions"])
    libc = [l for l in libraries_of(build(SOURCE)) if "libc.so" in l][0]
    p.container.exec(["/bin/sh", "-c", f"cp {libc} /tmp/new && mv /tmp/new {libc}"], detach=False)
    with open(f"/proc/{p.container.pid}/maps") as f:
        true("(deleted)" in f.read(), "the C library was not replaced")
    exact(p)

# ---- cgroup layouts ----

for kind, runtime in (("v1", "runc"), ("v1", "crun"), ("v2", "runc"), ("v2", "crun"), ("hybrid", "runc")):
    with case(f"podman with {runtime}, cgroups {kind}"):
        if kind == "hybrid" and layout() != "hybrid":
            raise Skip(f"the machine has cgroups {layout()} only")
        engine = podman(runtime, kind)
        a, b = (begin(engine, ["/bin/functions"]) for _ in range(2))
        m = trace("-c", a.container.name)
        b.go()
        a.go()
        # A process belongs to the container by its cgroup, not by its ancestors.
        a.container.exec(["/bin/sleep", "1000"])
        report = finish(m, unmatched=None)
        compare(report, a.truth(), SOURCE)
        true(b.container.pid not in [row["pid"] for row in report["processes"]], "the other container is in the report")
        for p in (a, b):
            p.end()
            p.container.remove()

with case("runc alone"):
    engine = once(Runc, "runc", layout())
    exact(Inside(lambda env, shared: engine.run(once(glibc_root), ["/bin/functions"], env, shared)).ready())

with case("containerd, with the names of Kubernetes"):
    engine, idents = once(Containerd), [c * 64 for c in "ef"]
    a, b = (Inside(lambda env, shared: engine.run(
        once(glibc_root), ["/bin/functions"], env, shared, "k8s.io", ident,
        {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.container-name": name,
         "io.kubernetes.cri.sandbox-name": "web-0", "io.kubernetes.cri.sandbox-namespace": "shop"})).ready()
        for ident, name in zip(idents, ("app", "sidecar")))
    m = Memtrace("-c", "web-0", "-d", "1")
    equal(m.wait(), 1, "the exit status with an ambiguous name")
    for name in ("shop/web-0/app", "shop/web-0/sidecar"):
        true(name in m.stderr(), f"{name} is not in: {m.stderr()}")
    b.go()
    report = exact(a, "-c", "web-0/app")
    equal([row["container"] for row in report["processes"]], ["k8s shop/web-0/app"], "the container")
    b.end()
    b.container.remove()

# ---- PID namespaces ----

NESTED = ["/bin/unshare", "-p", "-f", "/bin/functions"]

with case("a PID namespace inside a container"):
    exact(begin(docker(), NESTED, options=("--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined")))

with case("a container without a cgroup, with a PID namespace inside"):
    engine = podman("crun", "v2" if layout() == "v2" else "v1")
    a, b = (begin(engine, NESTED, options=("--cgroups=disabled", "--privileged")) for _ in range(2))
    m = trace("-c", a.container.name)
    b.go()
    a.go()
    report = finish(m)
    compare(report, a.truth(), SOURCE)
    for p in (a, b):
        p.end()
        p.container.remove()

with case("a bubblewrap sandbox, by one of its processes"):
    tool("bwrap")
    exe = build(SOURCE)
    boxes = [Program(["bwrap", "--unshare-pid", "--die-with-parent", "--bind", "/", "/", "--proc", "/proc",
                      "--dev", "/dev", exe]) for _ in range(2)]

    def inner(p):
        found = run(["pgrep", "-P", str(p.pid)]).split()
        while found and comm(int(found[0])) == "bwrap":
            found = run(["pgrep", "-P", found[0]]).split()
        return int(found[0])

    m = trace("-c", f"pid:{inner(boxes[0])}")
    boxes[1].go()
    boxes[0].go()
    report = finish(m)
    compare(report, read_truth(boxes[0].truth_path), SOURCE)
    for p in boxes:
        p.end()

# ---- redis ----


class Redis:
    """Debian's redis-server, which is linked with jemalloc, in docker."""

    def __init__(self):
        tool("redis-server"), tool("redis-cli")
        self.shared = path("t")
        os.mkdir(self.shared)
        os.chmod(self.shared, 0o777)
        self.container = docker().run(image(docker()), [
            "/bin/redis-server", "--unixsocket", "/t/s", "--port", "0", "--save", "", "--hz", "1"], shared=self.shared)
        wait_for(lambda: os.path.exists(f"{self.shared}/s"), "redis to listen")

    def cli(self, lines):
        subprocess.run(["redis-cli", "-s", f"{self.shared}/s"], input="\n".join(lines) + "\n", text=True,
                       capture_output=True, check=True, timeout=PATIENCE)


with case("redis-server in docker: the values that clients stored, to the byte"):
    redis = Redis()
    # Only values have these sizes: 5 bytes of header, the value, a zero byte.
    m = trace("-c", redis.container.name, "--min-size", "10000", "--max-size", "10100", "--kind", "heap")
    redis.cli([f"SET key{i} {'x' * 10000}" for i in range(500)])
    redis.cli([f"DEL key{i}" for i in range(0, 500, 5)])
    report = finish(m, None)  # it may free blocks that it had before
    equal((report["live_blocks"], report["live_bytes"]), (400, 400 * 10006), "the blocks and bytes of values")
    redis.container.remove()

done()

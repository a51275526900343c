#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The names of a container's code come from the container's own files, and no symbolic link leads out of it.

The container has a root directory, a mount and a PID namespace of its own. The name "hidden_work" was
stripped from its library; a file on the host with the same build ID has "wrong_name" instead.
"""
import http.server
import platform
import shutil
import socketserver
import threading

from lib import *

BUILD_ID = os.urandom(20).hex()
BY_ID = f".build-id/{BUILD_ID[:2]}/{BUILD_ID[2:]}.debug"
LIBRARY = "boxed_library.c"


def run(*argv):
    subprocess.run(argv, check=True, capture_output=True)


def whole_file(name):
    """The library before it is stripped; `name` is the name of its inner function."""
    return build(LIBRARY, f"-DNAME={name}", "-shared", "-fPIC", f"-Wl,--build-id=0x{BUILD_ID}",
                 "-Wl,-soname,libboxed.so", name=f"{name}.so")


_debug_files = {}


def debug_file(name):
    """The debug file made from that library."""
    if name not in _debug_files:
        _debug_files[name] = path(f"{name}.debug")
        run(tool("objcopy"), "--only-keep-debug", whole_file(name), _debug_files[name])
    return _debug_files[name]


def install(source, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy(source, target)


class Box:
    """A container with a program. `script` runs in its namespaces first, with its root directory in $ROOT."""

    def __init__(self, script=":"):
        self.root = path("box")
        self.script = script
        link, whole = debug_file("hidden_work"), whole_file("hidden_work")
        for d in ("bin", "lib", "tmp", "usr/lib"):
            os.makedirs(self.inside(d))
        library = self.inside("lib/libboxed.so")
        run("objcopy", "--strip-all", whole, library)
        run("objcopy", f"--add-gnu-debuglink={link}", library)
        self.link = os.path.basename(link)  # as the library has it
        program = build("boxed.c", "-Wl,--no-as-needed", whole)
        shutil.copy(program, self.inside("bin/boxed"))
        ldd = subprocess.run(["ldd", "/bin/true"], capture_output=True, text=True, check=True).stdout
        for lib in re.findall(r"(/\S+)", ldd):
            install(os.path.realpath(lib), self.inside(lib))
        os.mkfifo(self.inside("go"))
        self.pid = None

    def inside(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def start(self):
        self.proc = start(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec",
                           self.script + '\nexport LD_LIBRARY_PATH=/lib\nexec chroot "$ROOT" /bin/boxed'],
                          env={**os.environ, "ROOT": self.root})
        wait_for(lambda: os.path.exists(self.inside("ready")) or self.proc.poll() is not None, "the program in the container to start")
        if self.proc.poll() is not None:
            raise Skip("namespaces cannot be made here")
        with open(f"/proc/{self.proc.pid}/task/{self.proc.pid}/children") as f:
            self.pid = int(f.read().split()[0])
        return self

    def end(self):
        self.proc.kill()
        self.proc.wait()

    def trace(self, *options, env=None, alive=True):
        """The final report on the program's work, made while it runs or after it ended."""
        m = Memtrace(*EVERYTHING, *options, "-p", self.pid, env=env).attached()
        fd = os.open(self.inside("go"), os.O_WRONLY | os.O_CLOEXEC)
        os.write(fd, b"x")
        wait_for(lambda: os.path.exists(self.inside("done")), "the program's work")
        if alive:
            status = m.interrupt()
        os.close(fd)
        if not alive:
            self.proc.wait(PATIENCE)
            status = m.wait()
        self.stderr = m.stderr()
        equal(status, 0, f"the exit status (standard error: {self.stderr})")
        return m.final()


def functions(report, size):
    """The names in the stack of the blocks of that size."""
    found = [s for s in report["sites"] if s["live_blocks"] and s["live_bytes"] == size * s["live_blocks"]]
    equal(len(found), 1, f"the number of sites with blocks of {size}")
    return [f["func"] for f in found[0]["stack"]]


def made_names(report):
    """The name of the code that was made at run time."""
    return functions(report, 4242)[:1]


def installed_on_host(name):
    """Puts a debug file where the host's by build ID are, until the test ends."""
    target = f"/usr/lib/debug/{BY_ID}"

    class Installed:
        def __enter__(self):
            existed = [d for d in (os.path.dirname(target), "/usr/lib/debug/.build-id", "/usr/lib/debug")
                       if not os.path.isdir(d)]
            self.made = existed
            install(debug_file(name), target)

        def __exit__(self, *_):
            os.unlink(target)
            for d in self.made:
                os.rmdir(d)
    return Installed()


class Server:
    """A debuginfod server that knows some files by build ID; it never answers where `hangs`."""

    def __init__(self, files, hangs=False):
        asked = self.asked = []
        over = self.over = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                if hangs:
                    over.wait(PATIENCE)
                    return
                file = files.get(self.path)
                if not file:
                    self.send_error(404)
                    return
                with open(file, "rb") as f:
                    data = f.read()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        class Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

        self.http = Threads(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def env(self):
        return {"DEBUGINFOD_URLS": f"http://127.0.0.1:{self.http.server_port}", "no_proxy": "*",
                "DEBUGINFOD_CACHE_PATH": path("cache")}

    def end(self):
        self.over.set()
        self.http.shutdown()
        self.http.server_close()


with case("debug files on a mount that only the container sees"):
    box = Box(f'mkdir "$ROOT/usr/lib/debug"; mount -t tmpfs none "$ROOT/usr/lib/debug"; '
              f'mkdir -p "$ROOT/usr/lib/debug/{os.path.dirname(BY_ID)}"; '
              f'cp {debug_file("hidden_work")} "$ROOT/usr/lib/debug/{BY_ID}"').start()
    true(not os.listdir(box.inside("usr/lib/debug")), "the mount is visible on the host")
    names = functions(box.trace(), 1000)
    box.end()
    equal(names[:2], ["hidden_work", "work"], "the stack")

with case("a debug file beside the library, of a process that has ended"):
    # As in real containers, the root is a mount.
    box = Box('mount --bind "$ROOT" "$ROOT"; cd "$ROOT"; mkdir old; pivot_root . old; PATH=/bin ROOT=/')
    install(shutil.which(tool("chroot")), box.inside("bin/chroot"))
    install(debug_file("hidden_work"), box.inside(f"lib/.debug/{box.link}"))
    box.start()
    equal(functions(box.trace(alive=False), 1000)[:2], ["hidden_work", "work"], "the stack")

with case("symbolic links that lead out of the container"):
    bait = path("bait")
    os.mkdir(bait)
    run("mount", "-t", "tmpfs", "-o", "strictatime", "none", bait)
    try:
        liar, map_ = os.path.join(bait, BY_ID), os.path.join(bait, "perf.map")
        install(debug_file("wrong_name"), liar)
        with open(map_, "w") as f:
            f.write("0 7fffffffffff wrong_name\n")
        box = Box()
        os.symlink(bait, box.inside("usr/lib/debug"))
        os.symlink(liar, box.inside(f"lib/{box.link}"))
        os.mkdir(box.inside("lib/.debug"))
        os.symlink("../" * 20 + liar.lstrip("/"), box.inside(f"lib/.debug/{box.link}"))
        # The program is process 1 there.
        os.symlink(map_, box.inside("tmp/perf-1.map"))
        for f in (liar, map_):
            os.utime(f, (1, 1))
        box.start()
        report = box.trace()
        read = [f for f in (liar, map_) if os.stat(f).st_atime != 1]
        box.end()
    finally:
        run("umount", bait)
    names = functions(report, 1000)
    true("hidden_work" not in names and "wrong_name" not in names, f"the stack is {names}")
    true("work" in names, f"the stack is {names}")
    equal(read, [], "the files of the host that were read")
    if platform.machine() == "x86_64":
        equal(made_names(report), [None], "the name of the code made at run time")

with case("the host's debug files are used by build ID"):
    with installed_on_host("hidden_work"):
        box = Box().start()
        names = functions(box.trace(), 1000)
        box.end()
    equal(names[:2], ["hidden_work", "work"], "the stack")

with case("the container's debug files come before the host's"):
    with installed_on_host("wrong_name"):
        box = Box()
        install(debug_file("hidden_work"), box.inside(f"usr/lib/debug/{BY_ID}"))
        box.start()
        names = functions(box.trace(), 1000)
        box.end()
    equal(names[:2], ["hidden_work", "work"], "the stack")

with case("the perf map by the PID and the /tmp of the container"):
    if platform.machine() != "x86_64":
        raise Skip("the program makes code for x86_64 only")
    box = Box().start()
    true(os.path.exists(box.inside("tmp/perf-1.map")), "the program is not process 1")
    ours = f"/tmp/perf-{box.pid}.map"
    with open(ours, "x") as f:
        f.write("0 7fffffffffff wrong_name\n")
    try:
        report = box.trace()
    finally:
        os.unlink(ours)
        box.end()
    equal(made_names(report), ["made_code"], "the name of the code made at run time")

with case("--debuginfod"):
    server = Server({f"/buildid/{BUILD_ID}/debuginfo": debug_file("hidden_work")})
    box = Box().start()
    names = functions(box.trace("--debuginfod", env=server.env()), 1000)
    box.end()
    server.end()
    if "cannot load libdebuginfod" in box.stderr:
        raise Skip("no libdebuginfod")
    equal(names[:2], ["hidden_work", "work"], "the stack")
    asked = [a for a in server.asked if BUILD_ID in a]
    equal(asked, [f"/buildid/{BUILD_ID}/debuginfo"], "the requests")

with case("no server is asked without --debuginfod"):
    server = Server({f"/buildid/{BUILD_ID}/debuginfo": debug_file("hidden_work")})
    box = Box().start()
    names = functions(box.trace(env=server.env()), 1000)
    box.end()
    server.end()
    true("hidden_work" not in names, f"the stack is {names}")
    equal(server.asked, [], "the requests")

with case("a server that sends a file with another build ID"):
    server = Server({f"/buildid/{BUILD_ID}/debuginfo": build(LIBRARY, "-DNAME=wrong_name", "-shared", "-fPIC", "-Wl,--build-id")})
    box = Box().start()
    names = functions(box.trace("--debuginfod", env=server.env()), 1000)
    box.end()
    server.end()
    true("work" in names and "hidden_work" not in names, f"the stack is {names}")

with case("a server that never answers"):
    server = Server({}, hangs=True)
    box = Box().start()
    began = time.monotonic()
    names = functions(box.trace("--debuginfod", "--debuginfod-timeout", 1, env=server.env()), 1000)
    took = time.monotonic() - began
    box.end()
    server.end()
    true("work" in names, f"the stack is {names}")
    true(server.asked, "there was no request")
    true(took < 30, f"it took {took:.0f} s")

with case("--debuginfod without a server"):
    if os.path.isdir("/etc/debuginfod") and os.listdir("/etc/debuginfod"):
        raise Skip("/etc/debuginfod on this machine names servers")
    m = Memtrace("--debuginfod", "-p", os.getpid(), env={"DEBUGINFOD_URLS": ""})
    equal(m.wait(), 1, "the exit status")
    true("set DEBUGINFOD_URLS" in m.stderr(), m.stderr())

done()

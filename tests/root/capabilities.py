#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What memtrace says when a capability is missing: as root without it, and as a user with the others."""
import os
import shutil
import subprocess
import tempfile

from lib import *

NEEDED = ("bpf", "perfmon", "sys_ptrace")
NOBODY = ["--reuid", "65534", "--regid", "65534", "--clear-groups"]
WHERE = tempfile.mkdtemp(prefix="memtrace-test-caps-", dir="/tmp")
MT = shutil.copy(MEMTRACE, f"{WHERE}/memtrace")  # where any user can execute it
os.chmod(WHERE, 0o755)
os.chmod(MT, 0o755)


def with_caps(who, caps, *args, before=()):
    """Runs memtrace with these capabilities and no others."""
    caps = ",".join(["-all", *(f"+{c}" for c in caps)])
    user = [*NOBODY, "--ambient-caps", caps] if who == "user" else []
    return subprocess.run([*before, "setpriv", *user, "--bounding-set", caps, "--inh-caps", caps, MT, *map(str, args)],
                          capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)


def check(r, status, says, never=()):
    equal(r.returncode, status, f"the exit status ({r.stderr.strip()})")
    for text in says:
        true(text in r.stderr, f"{text!r} is not in: {r.stderr}")
    for text in never:
        true(text not in r.stderr, f"{text!r} is in: {r.stderr}")
    if status:
        equal(len(r.stderr.splitlines()), 1, f"lines of standard error: {r.stderr}")


def copy_of(exe, mode=0o755, below=WHERE):
    path = shutil.copy(exe, f"{below}/{len(os.listdir(below))}-waits")
    os.chmod(path, mode)
    return path


tool("setpriv")
exe = build("threads.c")
public = Program([copy_of(exe), "arenas"])
os.mkdir(f"{WHERE}/private", 0o700)
private = Program([copy_of(exe, below=f"{WHERE}/private"), "arenas"])
deleted_path = copy_of(exe)
deleted = Program([deleted_path, "arenas"])
os.unlink(deleted_path)

WITHOUT = (
    # who, capability, what is traced, status, what is said
    ("root", "bpf", ["-p", public.pid], 1, ["cannot load the probes", "CAP_BPF is missing", "although this is root"]),
    ("user", "bpf", ["-p", public.pid], 1, ["cannot load the probes", "CAP_BPF is missing", "run as root, or"]),
    ("root", "perfmon", ["-p", public.pid], 1, ["cannot load the probes", "CAP_PERFMON is missing"]),
    ("user", "perfmon", ["-p", public.pid], 1, ["cannot load the probes", "CAP_PERFMON is missing"]),
    ("root", "sys_ptrace", ["-p", public.pid], 1, [f"the program of {public.pid}", "CAP_SYS_PTRACE is missing"]),
    ("user", "sys_ptrace", ["-p", public.pid], 1, [f"the program of {public.pid}", "CAP_SYS_PTRACE is missing"]),
    ("root", "sys_admin", ["--attach", "perf", "-p", public.pid], 1, ["CAP_SYS_ADMIN is missing", "perf"]),
)
for who, cap, target, status, says in WITHOUT:
    with case(f"as {who} without {cap}: {' '.join(map(str, target[:-1]))}"):
        check(with_caps(who, [c for c in NEEDED if c != cap], *target, "-d", "0.2"), status, says,
              () if who == "user" else ("run as root",))

for who in ("root", "user"):
    with case(f"as {who} with {', '.join(NEEDED)}"):
        check(with_caps(who, NEEDED, "-p", public.pid, "-d", "0.2"), 0, ["attached to", "functions in"],
              ("missing", "cannot read"))

FILES = (
    # who, besides those needed, which process, what is said; None: nothing is missing
    ("root", [], deleted, "CAP_CHECKPOINT_RESTORE is missing"),
    ("user", [], deleted, "CAP_CHECKPOINT_RESTORE, CAP_DAC_READ_SEARCH are missing"),
    ("user", ["checkpoint_restore"], deleted, "CAP_DAC_READ_SEARCH is missing"),
    ("root", ["checkpoint_restore"], deleted, None),
    ("user", ["checkpoint_restore", "dac_read_search"], deleted, None),
    ("user", [], private, "CAP_DAC_READ_SEARCH is missing"),
    ("user", ["dac_read_search"], private, None),
)
for who, more, program, missing in FILES:
    name = "a deleted program" if program is deleted else "a program in a private directory"
    with case(f"{name}, as {who} with {', '.join(more) or 'no more'}"):
        r = with_caps(who, [*NEEDED, *more], "-p", program.pid, "-d", "0.2")
        if missing:
            check(r, 0, ["cannot read mapped files", missing])
            true(missing in r.stdout, f"{missing!r} is not in the report: {r.stdout}")
            equal(r.stderr.count("warning: cannot read"), 1, f"warnings: {r.stderr}")
        else:
            check(r, 0, ["attached to"], ("missing", "cannot read"))


class Cgroup:
    """A cgroup that looks like a container of LXC's, with one process in it."""

    def __init__(self, name, pid):
        self.name = name
        self.dirs = [f"{d}/lxc.payload.{name}" for d in hierarchies()]
        for d in self.dirs:
            os.mkdir(d)
            with open(f"{d}/cgroup.procs", "w", encoding="ascii") as f:
                f.write(str(pid))

    def remove(self):
        for d in self.dirs:
            wait_for(lambda d=d: not open(f"{d}/cgroup.procs", encoding="ascii").read(), "the cgroup to be empty")
            os.rmdir(d)


def hierarchies():
    """Directories of hierarchies with a controller that any cgroup may use."""
    root = "/sys/fs/cgroup"
    if os.path.exists(f"{root}/cgroup.procs"):
        return [root]
    return [f"{root}/{c}" for c in ("memory", "pids", "freezer") if os.path.exists(f"{root}/{c}/cgroup.procs")]


inside = Program([copy_of(exe), "arenas"])
name = f"caps{os.getpid()}"
dirs = hierarchies()
if dirs:
    group = Cgroup(name, inside.pid)
    UNMOUNT = ["unshare", "-m", "sh", "-c", "umount -l /sys/fs/cgroup/* 2>/dev/null; umount -l /sys/fs/cgroup; exec \"$@\"",
               "sh"]
    for target in (["-c", name], ["-c", name, "--wait"], ["-g", f"/lxc.payload.{name}"]):
        with case(f"{target[0]} where no cgroup is mounted{' (--wait)' if len(target) > 2 else ''}"):
            check(with_caps("root", NEEDED, *target, "-d", "0.2", before=UNMOUNT), 1,
                  ["cannot trace", name, "/sys/fs/cgroup", "CAP_SYS_ADMIN"])
    with case("-g, as root without sys_ptrace"):
        check(with_caps("root", ["bpf", "perfmon"], "-g", group.dirs[0], "-d", "0.2"), 1,
              ["cannot read the processes of", "CAP_SYS_PTRACE is missing"], ("0 functions",))
    with case("-c, as user with the three"):
        check(with_caps("user", NEEDED, "-c", name, "-d", "0.2"), 0, ["attached to", "1 process"], ("missing",))

for p in (public, private, deleted, inside):
    p.kill()
if dirs:
    group.remove()
shutil.rmtree(WHERE)
done()

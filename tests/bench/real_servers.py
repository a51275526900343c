# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs that real.py traces: how each is started, its load, and how its leak is recognized.

run() starts a Server, fill() fills its caches, load() is called repeatedly, pids() are traced, and is_leak() recognizes the site that was made
to leak. The phase is "healthy", "slow" or "fast".
"""
import glob
import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

from lib import TMP, start, true, wait_for

EVERY = {"healthy": 0, "slow": 500, "fast": 20}
MARKED = 4321  # bytes of a block that a script leaks

PYTHON_SERVER = """
import collections, functools, http.server, json, os, time
EVERY = int(os.environ.get("SCRIPT_LEAK_EVERY", "0"))
kept, requests, sessions = [], 0, collections.OrderedDict()

@functools.lru_cache(maxsize=3000)
def render(page):
    return json.dumps({"page": page, "body": [f"line {page} {i}" for i in range(40)]}).encode()

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args): pass
    def do_POST(self):
        global requests
        requests += 1
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        work = bytearray(MARKED)
        if EVERY and requests % EVERY == 0:
            kept.append(work)
        now = time.monotonic()
        sessions[question["session"]] = (now, {"seen": [question["page"]] * 100, "text": "x" * 700})
        sessions.move_to_end(question["session"])
        while now - next(iter(sessions.values()))[0] > 20:
            sessions.popitem(last=False)
        page = render(question["page"])
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
Server(("127.0.0.1", PORT), Handler).serve_forever()
"""

PERL_LOOP = r"""
use strict; use warnings; use Time::HiRes qw(sleep);
my $every = $ENV{SCRIPT_LEAK_EVERY} || 0;
my (%cache, @order, $n);
while (1) {
    for (1 .. 40) {
        $n++;
        my $key = int(rand(6000));
        my %record = map { ("field$_", "value $key $_") } 1 .. 8;
        my $text = join(",", map { "$_=$record{$_}" } sort keys %record);
        $text =~ s/field(\d+)/f$1/g;
        my $work = { text => "x" x MARKED };
        if ($every && $n % $every == 0) { $work->{self} = $work }
        push @order, $key unless exists $cache{$key};
        $cache{$key} = { text => $text, parts => [split /,/, $text] };
        delete $cache{shift @order} while @order > 2000;
    }
    sleep 0.04;
}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def quietly(*argv, **kw):
    """Runs a client to its end, or until it is terminated."""
    return start(list(map(str, argv)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kw).wait()


class Server:
    """A program to trace. run() starts it, load() is one round of its clients."""
    name = traffic = ""
    leaks_in = None      # the function that the preloaded library leaks in
    every = 1            # its calls, or the script's, for each of the others' calls
    pause = 0.3          # between rounds

    def __init__(self, phase, library):
        self.phase = phase
        self.folder = os.path.join(TMP, f"{self.name}-{phase}".replace(" ", "-"))
        os.mkdir(self.folder)
        self.port = free_port()
        self.env = dict(os.environ)
        self.over = threading.Event()
        self.threads, self.errors = [], []
        every = max(1, round(EVERY[phase] * self.every))
        if EVERY[phase] and self.leaks_in:
            self.env.update(LD_PRELOAD=library, REAL_LEAK_IN=self.leaks_in, REAL_LEAK_EVERY=str(every))
            if phase == "slow":
                self.env["REAL_LEAK_CHURN"] = "1"
        elif EVERY[phase]:
            self.env["SCRIPT_LEAK_EVERY"] = str(every)
        self.script_every = 0 if self.leaks_in else EVERY[phase] and every

    def log(self):
        return open(os.path.join(self.folder, "log"), "ab")

    def listens(self):
        def try_it():
            true(self.proc.poll() is None, f"{self.name} ended with {self.proc.returncode}, see {self.folder}/log")
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return True
            except OSError:
                return False
        wait_for(try_it, f"{self.name} to listen")

    def fill(self):
        """Fills what it keeps, by requests and not by time, as in a server that has run for a while."""

    def pids(self):
        return [self.proc.pid]

    def is_leak(self, site):
        """Whether a site is the one that was made to leak."""
        return any((f["func"] or "").startswith("real_leak_") for f in site["stack"])

    def go_on(self):
        """Repeats the load until stop()."""
        def rounds():
            try:
                while not self.over.is_set():
                    self.load()
                    self.over.wait(self.pause)
            except Exception as e:  # not a verdict, but reported
                if not self.over.is_set():
                    self.errors.append(f"{type(e).__name__}: {e}")
        self.threads.append(threading.Thread(target=rounds, daemon=True))
        self.threads[-1].start()

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join(20)
        self.proc.send_signal(signal.SIGINT)
        try:
            self.proc.wait(20)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()


class Redis(Server):
    options = ()

    def run(self):
        with self.log() as log:
            self.proc = start(["redis-server", "--port", str(self.port), "--save", "", "--dir", self.folder,
                               *self.options], env=self.env, stdout=log, stderr=log)
        self.listens()

    def benchmark(self, *args, n=2000):
        quietly("redis-benchmark", "-p", self.port, "-q", "-c", 10, "-n", n, *args)


class RedisMix(Redis):
    name, traffic, leaks_in = "redis", "all types, keys that expire, Lua", "write"
    script = "local v = redis.call('incr', KEYS[1]); return {v, ARGV[1]}"

    def fill(self):
        self.benchmark("-P", 50, "-r", 10000, "-t", "set,get,lpush,rpop,sadd,spop,hset,zadd,zpopmin", n=100000)
        self.benchmark("-P", 50, "-r", 2000, "EVAL", self.script, 1, "count:__rand_int__", "a", n=20000)

    def load(self):
        self.benchmark("-r", 10000, "-t", "set,get,lpush,rpop,sadd,spop,hset,zadd,zpopmin", n=600)
        self.benchmark("-r", 100000000, "-d", 200, "SET", "session:__rand_int__", "x" * 200, "EX", 12)
        self.benchmark("-r", 2000, "EVAL", self.script, 1, "count:__rand_int__", "a")


class RedisLru(Redis):
    name, leaks_in = "redis, LRU", "write"
    traffic = "new keys into maxmemory 8 MB, allkeys-lru"
    options = ("--maxmemory", "8mb", "--maxmemory-policy", "allkeys-lru")

    def fill(self):
        self.benchmark("-P", 50, "-r", 1000000, "-d", 300, "SET", "item:__rand_int__", "y" * 300, n=60000)

    def load(self):
        self.benchmark("-r", 1000000, "-d", 300, "SET", "item:__rand_int__", "y" * 300)
        self.benchmark("-r", 1000000, "GET", "item:__rand_int__")


class RedisLua(Redis):
    name, traffic = "redis, scripts", "EVAL of one script; the leak: of scripts that differ"
    pause = 0.2
    every = 0.1
    rounds = 0

    def load(self):
        with socket.create_connection(("127.0.0.1", self.port)) as s:
            replies = s.makefile("rb")
            for _ in range(100):
                self.rounds += 1
                text = "redis.call('set', KEYS[1], ARGV[1], 'EX', 10) return redis.call('get', KEYS[1])"
                if self.script_every and self.rounds % self.script_every == 0:
                    text += f" -- {self.rounds}"
                words = ["EVAL", text, "1", f"k{random.randrange(3000)}", "v" * random.randrange(10, 400)]
                s.sendall(b"".join([b"*%d\r\n" % len(words)] +
                                   [b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words]))
                head = replies.readline()
                true(head.startswith(b"$"), head.decode())
                replies.read(int(head[1:]) + 2)

    def is_leak(self, site):
        """The function, its name in Lua's registry, and its text, which redis keeps too."""
        names = {f["func"] for f in site["stack"]}
        return ("luaCreateFunction" in names or {"lua_getfield", "evalGenericCommand"} <= names or
                "processMultibulkBuffer" in names and bool(site["live_blocks"]))


class Nginx(Server):
    name, traffic, leaks_in = "nginx", "ab -k, files and gzip, redirects, new connections", "writev"

    def run(self):
        os.makedirs(self.folder + "/www")
        for i in range(20):
            with open(f"{self.folder}/www/{i}.html", "w") as f:
                f.write(f"<p>line {i}</p>\n" * (30 * (i + 1)))
        with open(self.folder + "/conf", "w") as f:
            f.write(f"""
daemon off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/log;
events {{ worker_connections 256; }}
http {{
    access_log {self.folder}/access combined buffer=8k; gzip on; gzip_types text/html; open_file_cache max=10 inactive=5s;
    client_body_temp_path {self.folder}/b; proxy_temp_path {self.folder}/p; fastcgi_temp_path {self.folder}/f;
    uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
    types {{ text/html html; }}
    server {{ listen 127.0.0.1:{self.port}; root {self.folder}/www; keepalive_requests 50;
        location /away {{ return 302 /1.html; }}
        location /inner {{ proxy_pass http://127.0.0.1:{self.port}/; }} }}
}}
""")
        os.chmod(self.folder, 0o755)
        with self.log() as log:
            self.proc = start(["nginx", "-c", self.folder + "/conf", "-e", self.folder + "/log"], env=self.env,
                              stdout=log, stderr=log)
        self.listens()

    def pids(self):
        """The worker."""
        return wait_for(lambda: children(self.proc.pid), "nginx's worker")

    def load(self):
        at = f"http://127.0.0.1:{self.port}"
        quietly("ab", "-q", "-k", "-c", 5, "-n", 200, f"{at}/{random.randrange(20)}.html")
        quietly("ab", "-q", "-c", 2, "-n", 20, "-H", "Accept-Encoding: gzip", f"{at}/{random.randrange(20)}.html")
        quietly("ab", "-q", "-k", "-c", 2, "-n", 40, f"{at}/inner/{random.randrange(22)}.html")
        quietly("ab", "-q", "-k", "-c", 2, "-n", 40, f"{at}/away")


class Memcached(Server):
    name, traffic, leaks_in = "memcached", "set with expiry, get, into 4 MB", "sendmsg"
    pause = 0.1

    def run(self):
        with self.log() as log:
            self.proc = start(["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(self.port), "-m", "4",
                               "-t", "2"], env=self.env, stdout=log, stderr=log)
        self.listens()

    def load(self):
        with socket.create_connection(("127.0.0.1", self.port)) as s:
            replies = s.makefile("rb")
            for _ in range(50):
                key, value = b"k%d" % random.randrange(100000), b"v" * random.randrange(20, 2000)
                s.sendall(b"set %s 0 20 %d\r\n%s\r\nget %s\r\n" % (key, len(value), value, key))
                while replies.readline() not in (b"END\r\n", b""):
                    pass


class Postgres(Server):
    name, traffic, leaks_in = "postgres", "pgbench: TPC-B, select, reconnecting", "recv"
    every = 0.2

    def run(self):
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.who = dict(user="postgres", group="postgres", extra_groups=[], cwd=self.folder)
        os.chmod(TMP, 0o755)
        shutil.chown(self.folder, "postgres", "postgres")
        with self.log() as log:
            true(start([programs + "/initdb", "-D", self.folder + "/data", "-A", "trust", "--no-sync"],
                       stdout=log, stderr=log, **self.who).wait() == 0, f"initdb failed, see {self.folder}/log")
            self.proc = start([programs + "/postgres", "-D", self.folder + "/data", "-k", self.folder, "-c",
                               "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB"],
                              env=self.env, stdout=log, stderr=log, **self.who)
        # A Debian wrapper would pick a cluster by itself.
        self.client = dict(self.who, env={**os.environ, "PGHOST": self.folder})
        self.pgbench = programs + "/pgbench"
        wait_for(lambda: quietly(self.pgbench, "-i", "-s", 2, "-q", "postgres", **self.client) == 0, "pgbench -i")
        for args in (["-c", "3", "-R", "60"], ["-S", "-M", "prepared", "-c", "2", "-R", "100"],
                     ["-C", "-S", "-c", "1", "-R", "0.5"]):
            self.clients(*args)
        time.sleep(2)

    def clients(self, *args):
        with self.log() as log:
            p = start([self.pgbench, "-n", "-T", "36000", *args, "postgres"], stdout=log, stderr=log, **self.client)
        self.bench = getattr(self, "bench", []) + [p]

    def pids(self):
        return [self.proc.pid] + children(self.proc.pid)

    def load(self):
        """pgbench goes on by itself."""
        for p in self.bench:
            true(p.poll() is None, "pgbench ended")

    def stop(self):
        self.over.set()
        for p in self.bench:
            p.kill()
            p.wait()
        super().stop()


class Python(Server):
    name, traffic = "python3", "HTTP requests, lru_cache of 3,000 pages, sessions of 20 s"
    every = 0.1
    pause = 0.05

    def run(self):
        text = PYTHON_SERVER.replace("MARKED", str(MARKED)).replace("PORT", str(self.port))
        with self.log() as log:
            self.proc = start(["/usr/bin/python3", "-c", text], env=self.env, stdout=log, stderr=log)
        self.listens()

    def fill(self):
        c = http.client.HTTPConnection("127.0.0.1", self.port)
        for page in range(3000):
            self.request(c, page)
        c.close()

    def request(self, c, page):
        c.request("POST", "/", f'{{"session": "{random.randrange(100000)}", "page": {page}}}')
        c.getresponse().read()

    def load(self):
        c = http.client.HTTPConnection("127.0.0.1", self.port)
        for _ in range(random.randrange(1, 40)):
            page = min(int(random.expovariate(1 / 2000)), 20000)
            self.request(c, page)
            time.sleep(0.005)
        c.close()

    def is_leak(self, site):
        return site["live_blocks"] and abs(site["live_bytes"] / site["live_blocks"] - MARKED) < 16


class Perl(Server):
    name, traffic = "perl", "a loop with records, a regex and a cache of 2,000"

    def run(self):
        with self.log() as log:
            self.proc = start(["/usr/bin/perl", "-e", PERL_LOOP.replace("MARKED", str(MARKED))], env=self.env,
                              stdout=log, stderr=log)

    def load(self):
        true(self.proc.poll() is None, "perl ended")

    def is_leak(self, site):
        """The hash that refers to itself, and all that is in it."""
        return any(f["func"] == "Perl_pp_anonhash" for f in site["stack"]) and site["live_blocks"]


SERVERS = (RedisMix, RedisLru, RedisLua, Nginx, Memcached, Postgres, Python, Perl)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(p) for p in f.read().split()]

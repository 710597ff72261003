"""The real server, in a folder and on ports of its own."""
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time

import yaml

from .ports import free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.abspath(os.environ.get("SIGNET_PROGRAM", os.path.join(ROOT, "build/gcc/signet")))
ROLES = ("wfe", "ra", "va", "ca")
SLOW = 10 if "address" in PROGRAM or "thread" in PROGRAM else 1     # sanitizer builds


def signet(*args, check=True, timeout=60, **kw):
    """Runs the program to its end."""
    done = subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, timeout=timeout, **kw)
    if check and done.returncode != 0:
        raise AssertionError(f"signet {args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def merge(into, more):
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


class Server:
    """config: what differs from the tests' defaults, as nested dicts. before: called with the server between
    init and the start. user: run all of it as that user, whose roles then can't have users of their own."""

    def __init__(self, names, responder, config=None, init=(), before=None, user=None, env=None, start=True):
        self.dir = tempfile.mkdtemp(prefix="signet-test-")
        os.chmod(self.dir, 0o755)
        self.home = os.path.join(self.dir, "ca")
        self.log_file = os.path.join(self.dir, "log")
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://localhost:{self.port}"
        self.plain_url = f"http://localhost:{self.plain_port}"
        self.directory_url = self.url + "/directory"
        self.root = os.path.join(self.home, "pki/root.pem")
        self.yaml = os.path.join(self.home, "signet.yaml")
        self.names, self.responder = names, responder
        self.user, self.env = user, dict(os.environ, **(env or {}))
        self.process = None
        self.tolerated = ()         # of what close() looks for in the log
        self.program = PROGRAM
        if user:
            # the checkout may lie where only its owner gets to
            self.program = shutil.copy(PROGRAM, os.path.join(self.dir, "signet"))
            os.chown(self.dir, pwd.getpwnam(user).pw_uid, -1)
        self.init_output = self.run("init", "--dir", self.home, "--name", "Test CA", "--dns", "localhost",
                                    "--port", str(self.port), *init).stdout
        self.configure(self.defaults())
        if config:
            self.configure(config)
        if before:
            before(self)
        if start:
            self.start()

    def account(self, _client):
        """What newAccount must say here besides what a test says."""
        return {}

    def defaults(self):
        hosts = ["127.0.0.1"] + (["[::1]"] if len(self.responder._servers) > 1 else [])
        return {
            "wfe": {"url": self.url, "names": ["localhost", "127.0.0.1"],
                    "listen": [f"{host}:{self.port}" for host in hosts],
                    "plain_listen": [f"{host}:{self.plain_port}" for host in hosts]},
            "ra": {"policy": {"allow": ["*.test", "*.example", "*.localhost", "127.0.0.0/8", "::1/128"], "deny": ["forbidden.test"]}},
            "va": {"resolvers": [self.names.address], "http_port": self.responder.port,
                   "tls_port": self.responder.tls.port, "timeout": "5s", "retries": 0,
                   "targets": {"allow": ["loopback"]}},
        }

    def command(self, *args):
        as_user = []
        if self.user:
            who = pwd.getpwnam(self.user)
            as_user = ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]
        return [*as_user, self.program, *map(str, args)]

    def run(self, *args, check=True):
        done = subprocess.run(self.command(*args), capture_output=True, text=True, timeout=60, env=self.env,
                              cwd=self.dir)
        if check and done.returncode != 0:
            raise AssertionError(f"signet {args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def configure(self, changes):
        """Merges changes into signet.yaml; what the running server knows changes only by SIGHUP."""
        with open(self.yaml, encoding="utf-8") as f:
            config = yaml.safe_load(f)
        merge(config, changes)
        with open(self.yaml, "w", encoding="utf-8") as f:
            yaml.safe_dump(config, f, sort_keys=False)

    def start(self, wait=True):
        before = len(self.log())
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(self.command("run", "--dir", self.home), stderr=log, stdout=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True, env=self.env,
                                            cwd=self.dir)
        if wait:
            self.wait_log(r" ready url=", since=before, timeout=15 * SLOW)

    def log(self):
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def wait_log(self, pattern, since=0, timeout=10):
        """Waits for a line in the log after that offset; its match."""
        until = time.monotonic() + timeout
        while True:
            dead = self.process is not None and self.process.poll() is not None
            found = re.search(pattern, self.log()[since:])
            if found:
                return found
            if dead or time.monotonic() > until:
                raise AssertionError(f"{pattern!r} is not in the log{' (it ended)' if dead else ''}:\n"
                                     + self.log()[since:][-6000:])
            time.sleep(0.01)

    def roles(self):
        """{"wfe": pid, ...} of the roles that run."""
        found = {}
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            children = f.read().split()
        for pid in children:
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    argv = f.read().split(b"\0")
            except OSError:
                continue
            if len(argv) > 2 and argv[1] == b"role":
                found[argv[2].decode()] = int(pid)
        return found

    def signal(self, number):
        os.kill(self.process.pid, number)

    def stop(self, timeout=20):
        """SIGTERM; the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise

    def close(self):
        """Stops it if need be; a sanitizer's report or a forbidden system call in its log is a failure."""
        try:
            self.stop()
            log = self.log()
            for bad in ("Sanitizer", "runtime error:", "forbidden system call"):
                assert bad in self.tolerated or bad not in log, log[max(0, log.index(bad) - 500):][:4000]
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)


def shared_server(names, responder, config=None):
    """A CA that tests share which neither stop it nor change its configuration."""
    made = Server(names, responder, config)
    yield made
    code, log = made.stop(), made.log()
    made.close()
    assert code == 0
    assert "role died" not in log, log[-6000:]
